"""Faults of schedules: ticks at once, killed before they commit."""

from faults.harness.fault import fault
from faults.harness.service import Service
from faults.harness.trial import Trial
from faults.kinds import locks

#: Schedules that are due together, and the people that each of them notifies.
SCHEDULES, AUDIENCE = 60, 20
#: Their only occurrence that is due: it was missed, and is run late.
RULE = "0 0 1 1 *"
RECORDING = "LOCK TABLE schedules_run IN EXCLUSIVE MODE"
DUE = """
UPDATE schedules_schedule SET due_at = clock_timestamp(),
       over_until = date_trunc('year', clock_timestamp(), 'UTC') - interval '1 minute'
 WHERE name LIKE %s
"""


@fault()
def schedules_run_by_two_ticks_and_killed(trial: Trial) -> None:
    """Two ticks run what is due, and both are killed between acceptance and commit."""
    service = trial.service
    trial.publish()
    trial.begun()
    prefix = f"tick-{trial.rng.randrange(10**9)}"
    _create(trial, prefix)
    with service.stage.processes["housekeeping"].twin() as second:
        second.wait_ready()
        with locks.held(service, RECORDING):
            service.sql(DUE, f"{prefix}-%")
            locks.somebody_waits(service, 2)
            second.kill()
            service.kill("housekeeping")
            trial.broken()
    trial.lasts(1)
    service.start("housekeeping")
    trial.healed()
    trial.until(lambda: _recorded(service, prefix) >= SCHEDULES, 20, "every schedule has run")
    rows = service.sql(
        "SELECT r.state, r.notification_id::text FROM schedules_run r "
        "JOIN schedules_schedule s ON s.id = r.schedule_id WHERE s.name LIKE %s",
        f"{prefix}-%",
    )
    trial.hold(
        [state for state, _ in rows] == ["accepted"] * SCHEDULES,
        f"{SCHEDULES} occurrences have these runs: {sorted(state for state, _ in rows)}",
    )
    for _, notification in rows:
        trial.load.know(notification, "scheduled", AUDIENCE)


def _create(trial: Trial, prefix: str) -> None:
    topic = trial.audiences.topic(AUDIENCE)
    for number in range(SCHEDULES):
        body = {
            "name": f"{prefix}-{number}",
            "cron": RULE,
            "time_zone": "UTC",
            "starts_at_local": "2020-01-01T00:00",
            "topic": topic,
            "notification": {"channels": ["push"], "content": {"title": "Happy new year"}},
        }
        trial.service.call("POST", "/v1/schedules", body)


def _recorded(service: Service, prefix: str) -> int:
    [(number,)] = service.sql(
        "SELECT count(*) FROM schedules_run r JOIN schedules_schedule s ON s.id = r.schedule_id "
        "WHERE s.name LIKE %s",
        f"{prefix}-%",
    )
    return int(number)
