"""One purge deletes what every app keeps for some time, in batches."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.utils import timezone

from apps.core import old_rows
from apps.delivery.maintenance import retention
from apps.preferences import audit_trail
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.models import DirectoryChange
from apps.publishers.models import DayCount


def change(days: int) -> None:
    audit_trail.record([Entry(Change.LIFTED, detail=str(days))])
    DirectoryChange.objects.filter(detail=str(days)).update(
        at=timezone.now() - timedelta(days=days)
    )


def changes() -> list[int]:
    return [int(detail) for detail in DirectoryChange.objects.values_list("detail", flat=True)]


def tally(days: int) -> None:
    DayCount.objects.create(
        publisher_id=1, day=timezone.now().date() - timedelta(days=days), slot=0, count=1
    )


def tallies() -> list[int]:
    today: date = timezone.now().date()
    return [(today - day).days for day in DayCount.objects.values_list("day", flat=True)]


@pytest.mark.parametrize("create, left", [(change, changes), (tally, tallies)])
@pytest.mark.django_db(transaction=True)
def test_rows_past_their_days_are_deleted_and_no_others(
    create: Callable[[int], None],
    left: Callable[[], list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(old_rows, "AT_ONCE", 2)
    for days in (500, 450, 402, 398, 0):
        create(days)
    assert retention.purge() == 3
    assert sorted(left()) == [0, 398]
