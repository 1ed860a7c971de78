"""Faults of digests: processes killed while notifications join them, and while they are told."""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator

from faults.harness import account
from faults.harness.fault import fault
from faults.harness.provider_proxy import Gate
from faults.harness.trial import Trial
from faults.kinds import locks

#: People, and the notifications that each of them is told together.
AUDIENCE, ITEMS = 30, 8
#: Seconds from the first one until they are told.
WINDOW = 6
#: Seconds after the last window within which all are told.
TOLD = 20.0
OPEN = "LOCK TABLE delivery_opendigest IN EXCLUSIVE MODE"
_STATES = """
SELECT count(*) FILTER (WHERE told_in IS NOT NULL), count(*) FILTER (WHERE state = 'sending'),
       count(*) FILTER (WHERE told_in IS NOT NULL AND state = 'accepted')
  FROM delivery_delivery WHERE notification_id = ANY(%s::uuid[])
"""


@fault()
def digests_joined_and_closed_by_processes_that_are_killed(trial: Trial) -> None:
    """A worker is killed as digests are joined, as they close, and before they are sent."""
    service = trial.service
    topic = trial.audiences.topic(AUDIENCE, "sms")
    trial.publish()
    trial.begun()
    posted: list[str] = []
    with _killed_at_the_table(trial):
        _publish(trial, topic, posted, ITEMS // 2)
    trial.broken()
    service.start("sms")
    _publish(trial, topic, posted, ITEMS - ITEMS // 2)
    everyone = AUDIENCE * ITEMS
    trial.until(lambda: _states(trial, posted)[0] == everyone, WINDOW, "every one has joined")
    with _killed_at_the_table(trial):
        pass
    sms = service.stage.processes["sms"]
    usual = sms.env["NOTIFIER_TWILIO_BASE_URL"]
    with Gate(usual) as gate:
        gate.shut()
        sms.env["NOTIFIER_TWILIO_BASE_URL"] = gate.url
        service.start("sms")
        trial.until(lambda: _states(trial, posted)[1] > 0, TOLD, "digests are claimed")
        service.kill("sms")
    sms.env["NOTIFIER_TWILIO_BASE_URL"] = usual
    service.start("sms")
    trial.healed()
    trial.until(lambda: _states(trial, posted)[2] == everyone, TOLD, "every digest is told")
    _check(trial, posted)


@contextlib.contextmanager
def _killed_at_the_table(trial: Trial) -> Iterator[None]:
    """Kill the worker that waits for the table of open digests, with its transaction."""
    with locks.held(trial.service, OPEN):
        yield
        trial.until(
            lambda: trial.service.sql(
                "SELECT count(*) FROM pg_locks WHERE NOT granted"
                " AND relation = 'delivery_opendigest'::regclass"
            )[0][0],
            WINDOW + TOLD,
            "a worker waits for the table of open digests",
        )
        trial.service.kill("sms")


def _publish(trial: Trial, topic: str, posted: list[str], number: int) -> None:
    for _ in range(number):
        one = trial.load.publish(
            topic,
            AUDIENCE,
            "joined",
            content={"title": f"item-{len(posted)}."},
            digest={"key": "killed", "window": WINDOW},
        )
        posted.append(one.id)


def _states(trial: Trial, posted: list[str]) -> tuple[int, int, int]:
    """Return how many have joined, how many are being sent, and how many are told."""
    [(joined, sending, told)] = trial.service.sql(_STATES, posted)
    return joined, sending, told


def _check(trial: Trial, posted: list[str]) -> None:
    """Hold that each person was told of each item once, and that no digest is open."""
    tellers = trial.service.sql(
        "SELECT DISTINCT t.notification_id::text, t.id::text FROM delivery_delivery d"
        "  JOIN delivery_delivery t ON t.id = d.told_in"
        " WHERE d.notification_id = ANY(%s::uuid[])",
        posted,
    )
    for notification, _ in tellers:
        trial.load.know(notification, "digest", 1)
    keys = {key for _, key in tellers}
    told: Counter[tuple[str, str]] = Counter()
    for entry in account.ledger(trial.service):
        if entry["delivery_id"] in keys and entry["accepted"]:
            for item in re.findall(r"item-\d+\.", str(entry["content"])):
                told[entry["address"], item] += 1
    trial.hold(len(told) == AUDIENCE * ITEMS, f"{len(told)} items reached people")
    trial.hold(set(told.values()) <= {1}, f"{sum(told.values()) - len(told)} were told again")
    [(still,)] = trial.service.sql("SELECT count(*) FROM delivery_opendigest")
    trial.hold(not still, f"{still} digests are still open")
