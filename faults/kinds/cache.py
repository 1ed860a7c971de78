"""Faults of Redis: flushed, killed, or away."""

import time

import redis

from faults.harness.account import CAPPED
from faults.harness.fault import fault
from faults.harness.trial import Trial


@fault()
def redis_flushed(trial: Trial) -> None:
    """Redis is flushed, ten times within two seconds."""
    trial.publish()
    trial.begun()
    trial.broken()
    with redis.Redis.from_url(trial.service.servers.redis_url) as client:
        for _ in range(10):
            client.flushall()
            trial.lasts(0.2)
    trial.healed()


@fault()
def redis_gone(trial: Trial) -> None:
    """Redis is stopped, and started again only when everything was delivered without it."""
    server = trial.service.servers.redis
    assert server
    trial.publish()
    trial.begun()
    server.stop()
    trial.broken()
    trial.lasts(1.5)
    trial.load.blast(50)
    trial.lasts(1.5)
    server.start()
    trial.healed()


#: People with a cap of their own, and how many notifications each is sent at most within a day.
PEOPLE, MOST = 400, 2
#: Seconds within which processes learn of new caps where Redis was away just before: it may have
#: been, in the fault before (``apps.core.cache.LOCAL_SECONDS``).
KNOWN_SECONDS = 5.0
_SENT = """
SELECT recipient_id, count(*) FILTER (WHERE state <> 'suppressed')
  FROM delivery_delivery WHERE notification_id = ANY(%s::uuid[]) GROUP BY 1
"""


@fault()
def redis_killed_while_caps_are_asked(trial: Trial) -> None:
    """Redis is killed twice, and comes back empty, while people are sent more than they want."""
    server = trial.service.servers.redis
    assert server
    trial.publish()
    topic = trial.audiences.capped(PEOPLE, MOST)
    time.sleep(KNOWN_SECONDS)
    capped = [trial.load.publish(topic, PEOPLE, CAPPED)]
    trial.begun()
    for _ in range(2):
        server.kill()
        trial.broken()
        capped.append(trial.load.publish(topic, PEOPLE, CAPPED))
        trial.lasts(1.0)
        server.start()
        capped.append(trial.load.publish(topic, PEOPLE, CAPPED))
        trial.lasts(1.0)
    trial.healed()
    trial.until(lambda: all(map(trial.done, capped)), 30.0, "the capped ones are done")
    sent = dict(trial.service.sql(_SENT, [posted.id for posted in capped]))
    more = sum(number > MOST for number in sent.values())
    less = sum(number < MOST for number in sent.values())
    trial.hold(not more, f"{more} people were sent more than their cap")
    trial.hold(not less, f"{less} people were sent less than their cap")
