"""Conditions of deliveries: a backlog, dead letters, refusals, addresses given up."""

from collections.abc import Iterator
from datetime import timedelta

from apps.alerts.conditions.findings import Finding, ago
from apps.alerts.rules import (
    DEAD_LETTERS_WITHIN,
    HIGH_BACKLOG,
    LOW_BACKLOG,
    NORMAL_BACKLOG,
    SCHEDULES_OVERDUE,
)
from apps.delivery.holding import selection
from apps.delivery.intake import load_shedding
from apps.delivery.monitoring import dead_letters as letters
from apps.delivery.outbox.backlog import ages
from apps.delivery.outbox.queues import all_queues
from apps.schedules import monitoring as schedules
from notifier.domain.priorities import Priority

#: Seconds for which the oldest may be due, where a ticket is enough.
_LONGEST = {Priority.NORMAL: NORMAL_BACKLOG, Priority.LOW: LOW_BACKLOG}
#: Seconds to wait for what a request does not wait for.
MEASURED_WITHIN = 10.0
_BECAUSE = {"backlog": "too much waits", "database": "the database is slow"}


def _shown(channel: str) -> str:
    return channel or "fanout"


def high_backlog() -> Iterator[Finding]:
    """Find channels on which something urgent waits."""
    urgent = [queue for queue in all_queues() if queue.priority == Priority.HIGH]
    for queue, seconds in ages(urgent).items():
        if seconds > HIGH_BACKLOG:
            yield Finding(_shown(queue.channel), f"The oldest has been due for {ago(seconds)}.")


def backlog() -> Iterator[Finding]:
    """Find channels on which anything else waits for too long."""
    others = [queue for queue in all_queues() if queue.priority in _LONGEST]
    for queue, seconds in ages(others).items():
        if seconds > _LONGEST[Priority(queue.priority)]:
            about = f"{_shown(queue.channel)} at {queue.priority} priority"
            yield Finding(about, f"The oldest has been due for {ago(seconds)}.")


def dead_letters() -> Iterator[Finding]:
    """Find channels with new dead letters."""
    for channel, number in letters.newest(timedelta(seconds=DEAD_LETTERS_WITHIN)).items():
        yield Finding(channel, f"{number:,} within {ago(DEAD_LETTERS_WITHIN)}.")


def overload() -> Iterator[Finding]:
    """Find what publishers are refused."""
    found = load_shedding.refused(timeout=MEASURED_WITHIN)
    for queue, because in found.items():
        about = f"{_shown(queue.channel)} at {queue.priority} priority"
        yield Finding(about, f"Publishers get 503 for them: {_BECAUSE[because]}.")


def schedules_overdue() -> Iterator[Finding]:
    """Find out whether schedules are run."""
    late, _ = schedules.read()
    if late > SCHEDULES_OVERDUE:
        yield Finding("", f"The oldest that is due has waited for {ago(late)}.")


def held() -> Iterator[Finding]:
    """Find out whether something waits for a decision since a restore."""
    everything = selection.Filter()
    if selection.chunks(everything).exists() or selection.deliveries(everything).exists():
        yield Finding("", "manage.py held lists it.")
