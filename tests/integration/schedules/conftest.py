"""Schedules in one process: the real API and database, ticks run by hand."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.delivery.models import IdempotencyKey
from apps.schedules import tasks
from apps.schedules.models import Run, Schedule
from tests.support.deliveries.engine import fresh_engine, work
from tests.support.deliveries.sandbox_providers import providers
from tests.support.publishers.lookups import fresh_lookups
from tests.support.publishers.shop import Shop, other_shop, shop

__all__ = ["fresh_engine", "fresh_lookups", "other_shop", "providers", "shop", "work"]  # fixtures

DAY = timedelta(days=1)
Create = Callable[..., dict[str, Any]]


@pytest.fixture
def create(shop: Shop) -> Create:
    """Create a schedule, every day at nine in Vienna to ada unless told otherwise."""

    def make(name: str = "daily", *, status: int = 201, **fields: Any) -> dict[str, Any]:
        body = {
            "name": name,
            "cron": "0 9 * * *",
            "time_zone": "Europe/Vienna",
            "notification": {"user_id": "ada", "channels": ["inbox"], "content": {"body": "Hi"}},
            **fields,
        }
        return shop.post("schedules", {k: v for k, v in body.items() if v is not None},
                         status=status)  # fmt: skip

    return make


@pytest.fixture
def tick() -> Callable[[], None]:
    """Run what is due, as beat has it done."""

    def run() -> None:
        tasks.run.apply(throw=True)

    return run


def due(name: str = "daily", *, missed: int = 0) -> datetime:
    """Make a daily schedule due, at this minute; return the occurrence that is.

    ``missed``: occurrences before it.
    """
    now = clock.moment().replace(second=0, microsecond=0)
    Schedule.objects.filter(name=name).update(
        cron=f"{now.minute} {now.hour} * * *",
        time_zone="UTC",
        starts_at_local="2000-01-01T00:00",
        over_until=now - DAY * (1 + missed),
        next_at=now - DAY * missed,
        due_at=now - DAY * missed,
    )
    return now


def forget_runs() -> None:
    """Forget that occurrences were run, so that the same ones are run again."""
    Run.objects.all().delete()
    IdempotencyKey.objects.all().delete()


def runs(shop: Shop, name: str = "daily") -> list[dict[str, Any]]:
    """The runs of a schedule, newest first."""
    found: list[dict[str, Any]] = shop.get(f"schedules/{name}/runs")["data"]
    return found
