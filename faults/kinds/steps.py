"""Faults of fallbacks with steps: a worker is killed with one of them."""

from faults.harness.fault import Duplicates, fault
from faults.harness.trial import Trial

#: People of the notification, and how many of them read it before its step is due.
AUDIENCE, READERS = 600, 150
#: Seconds until the step is due.
AFTER = 3
READ = """
INSERT INTO delivery_answer (notification_id, recipient_id, source, read_at)
SELECT n.id, s.recipient_id, 'inbox', clock_timestamp()
  FROM delivery_notification n JOIN topics_subscription s ON s.topic_id = n.topic_id
 WHERE n.id = %s ORDER BY s.id LIMIT %s
"""


@fault(Duplicates.IN_FLIGHT)
def worker_killed_with_a_step(trial: Trial) -> None:
    """A worker is killed while it sends a step to those who have not read the notification."""
    service = trial.service
    trial.publish()
    trial.begun()
    topic = trial.audiences.topic(AUDIENCE)
    posted = service.call(
        "POST",
        f"/v1/topics/{topic}/publish",
        {
            "channels": ["inbox"],
            "content": {"title": "Your contract ends"},
            "priority": "normal",
            "fallback": {"channel": "push", "after_seconds": AFTER, "unless": "read"},
        },
    )
    trial.load.know(posted["id"], "scheduled", AUDIENCE - READERS)
    service.sql(READ, posted["id"], READERS)
    trial.until(lambda: _of_step(trial, posted["id"]) > 0, 30, "a worker has claimed the step")
    service.kill("push")
    trial.broken()
    service.start("push")
    trial.healed()


def _of_step(trial: Trial, notification: str) -> int:
    [(number,)] = trial.service.sql(
        "SELECT count(*) FROM delivery_delivery WHERE notification_id = %s AND step = 1",
        notification,
    )
    return int(number)
