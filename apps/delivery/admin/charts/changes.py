"""Changes within a range: migrations, pauses, breakers, keys and other objects of the service."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser, User
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max

from apps.delivery.admin.charts.drawing import Mark
from apps.delivery.flow.breakers import PAUSED, Breaker
from apps.publishers import audit
from apps.publishers.models import AuditEvent

#: Permission to see what the audit trail has; migrations and breakers are shown to everybody.
TRAIL = "publishers.view_auditevent"
#: Types of objects whose changes may explain a curve. None is a person.
TYPES = (
    *("provider", "host", "api_key", "publisher", "topic", "template", "category", "schedule"),
    *("status_webhook", "bulk_action", "held_work", "retention_rule"),
)
#: Changes that are listed and marked, at most, and events of the trail that are looked through.
MOST, MOST_EXAMINED = 30, 20_000
#: Migrations that were applied within this time of each other are one change.
TOGETHER = timedelta(minutes=5)


class Change(NamedTuple):
    """A change; ``by``: who made it, empty if nobody did."""

    at: datetime
    what: str
    by: str = ""

    def mark(self) -> Mark:
        """Return its mark on a chart."""
        return Mark(self.at, f"{self.what} ({self.by})" if self.by else self.what)


def since(
    moment: datetime,
    user: User | AnonymousUser,
    breakers: Iterable[Breaker],
    provider: str = "",
) -> list[Change]:
    """Return the newest changes since a moment that a user may see, the newest first.

    ``provider``: only changes of this one, and migrations. Of breakers only the present state is
    known.
    """
    found = [*_migrations(moment), *_opened(moment, breakers, provider)]
    if user.has_perm(TRAIL):
        found += _trail(moment, provider)
    return sorted(found, reverse=True)[:MOST]


def _migrations(moment: datetime) -> Iterable[Change]:
    """Yield upgrades: what ``migrate`` applied."""
    rows = list(
        MigrationRecorder.Migration.objects.filter(applied__gte=moment)
        .order_by("applied")
        .values_list("applied", "app", "name")
    )
    for _, group in groupby(rows, key=lambda row: (row[0] - moment) // TOGETHER):
        applied = list(group)
        at, app, name = applied[-1]
        rest = f" and {len(applied) - 1} more" if len(applied) > 1 else ""
        yield Change(at, f"migrated: {app} {name}{rest}")


def _opened(moment: datetime, breakers: Iterable[Breaker], provider: str) -> Iterable[Change]:
    for breaker in breakers:
        # The trail has pauses, with who paused.
        if breaker.state in ("closed", PAUSED) or provider not in ("", breaker.name):
            continue
        if breaker.since is not None and breaker.since >= moment:
            state = breaker.state.replace("_", " ")
            yield Change(breaker.since, f"breaker of {breaker.name} {state}: {breaker.why}")


def _trail(moment: datetime, provider: str) -> Iterable[Change]:
    newest = AuditEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
    rows = AuditEvent.objects.filter(
        pk__gt=newest - MOST_EXAMINED, at__gte=moment, object_type__in=TYPES
    ).exclude(actor_kind=audit.PERSON)
    if provider:
        rows = rows.filter(object_type="provider", object_name=provider)
    for row in rows.order_by("-pk")[:MOST]:
        kind = row.object_type.replace("_", " ")
        what = f"{row.action.replace('_', ' ')} {kind} {row.object_name}"
        yield Change(row.at, what, f"{row.actor_kind} {row.actor}")
