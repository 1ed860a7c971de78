"""The states of each alert: it waits, begins, goes on and ends.

A condition has to hold for a while before its alert begins, and to be clear for a while before that
ends, so that what comes and goes is one alert. All of it is in the rows: a process that takes over
goes on where another one was.
"""

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction

from apps.alerts.conditions.findings import Finding
from apps.alerts.models import Alert
from apps.alerts.rules import RULES, Rule
from apps.core import clock

log = logging.getLogger(__name__)

#: Time for which a condition has to be clear before its alert ends.
CLEAR = timedelta(minutes=2)
#: Time for which an alert that ended stays in the list.
KEPT = timedelta(days=30)
#: Longest time between two readings of a condition in which it may be taken to have gone on
#: holding: a process takes over from one that died within a minute.
GAP = timedelta(seconds=90)
#: Age of a condition from which a rule that is not known here is of an older version, and not of a
#: newer one that is being rolled out.
FOREIGN = timedelta(days=1)
#: Findings of one alert that get a row each; a fault that hits more hits all.
MOST = 50


@transaction.atomic
def advance(found: Mapping[str, Collection[Finding]]) -> None:
    """Bring the alerts up to date. ``found``: what holds now; alerts without an entry stay."""
    now = clock.asked()
    rows = {(row.name, row.about): row for row in Alert.objects.select_for_update()}
    for name, findings in found.items():
        rule = RULES[name]
        unknown = {one.about[:200] for one in findings if not one.known}
        holding = {one.about[:200]: one for one in [one for one in findings if one.known][:MOST]}
        for about, finding in holding.items():
            _hold(rows.get((name, about)) or Alert(name=name, about=about), finding, rule, now)
        for (of, about), row in rows.items():
            if of == name and about not in holding and about not in unknown:
                _clear(row, rule, now)
    Alert.objects.filter(ended_at__lt=now - KEPT).delete()
    Alert.objects.exclude(name__in=RULES).filter(since__lt=now - FOREIGN).delete()


def _hold(row: Alert, finding: Finding, rule: Rule, now: datetime) -> None:
    """The condition holds."""
    before = _columns(row)
    row.clear_since, row.detail = None, finding.detail[:300]
    if not row.fires:
        if row.evaluated_at is None or now - row.evaluated_at > GAP:
            row.since = None  # nobody knows whether it held meanwhile
        row.evaluated_at = now
    row.since = row.since or now
    if not row.fires and now - row.since >= timedelta(seconds=rule.lasts):
        row.began_at, row.ended_at = now, None
        log.warning("alert: %s (%s)", row.summary, row.name)
    _save(row, before)


def _clear(row: Alert, rule: Rule, now: datetime) -> None:
    """The condition does not hold, or no more."""
    if row.since is None:
        return
    before = _columns(row)
    row.clear_since = row.clear_since or now
    if not row.fires:
        row.evaluated_at = now
    clear = now - row.clear_since
    if row.fires and clear >= CLEAR:
        row.since, row.ended_at = None, now
        log.warning("alert ended: %s (%s)", row.summary, row.name)
    elif not row.fires and clear >= timedelta(seconds=rule.forgives):
        row.since = None
        if row.began_at is None:
            row.delete()
            return
    _save(row, before)


def _columns(row: Alert) -> list[object]:
    return [getattr(row, field.attname) for field in Alert._meta.concrete_fields]


def _save(row: Alert, before: list[object]) -> None:
    """Write what has changed: most alerts go on as they are, for hours."""
    if row.pk is None or _columns(row) != before:
        row.save()
