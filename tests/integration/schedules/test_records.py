"""Records of what became of a schedule's runs: how long they are kept, and their metrics."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import clock, old_rows
from apps.schedules import retention
from apps.schedules.models import Run, Schedule
from tests.integration.schedules.conftest import due, runs
from tests.support.publishers.people import recipient


@pytest.fixture(autouse=True)
def _ada(shop) -> None:
    recipient("ada")


def test_old_records_of_runs_go(shop, create, tick):
    create()
    due()
    tick()
    assert retention.purge() == 0
    Run.objects.update(at=clock.moment() - timedelta(days=91))
    assert retention.purge() == 1
    assert runs(shop) == []


def test_old_records_of_runs_go_in_batches(create, monkeypatch):
    monkeypatch.setattr(old_rows, "AT_ONCE", 2)
    create()
    schedule, now = Schedule.objects.get(), clock.moment()
    ages = [*[timedelta(days=91)] * 5, timedelta()]
    Run.objects.bulk_create(Run(schedule=schedule, state="accepted", at=now - age) for age in ages)
    with CaptureQueriesContext(connection) as queries:
        assert retention.purge() == 5
    assert len([one for one in queries if "DELETE" in one["sql"]]) == 3
    assert Run.objects.get().at == now


def test_the_metrics_say_what_became_of_runs_and_what_is_late(shop, create, tick):
    create()
    due(missed=3)
    page = shop.http.get("/metrics").content.decode()
    late = float(page.split("\nnotifier_schedules_overdue_seconds ")[1].split("\n")[0])
    assert 3 * 86_400 <= late < 3 * 86_400 + 3600
    assert "notifier_schedules_failing 0.0" in page
    tick()
    page = shop.http.get("/metrics").content.decode()
    assert "notifier_schedules_overdue_seconds 0.0" in page
    assert 'notifier_schedule_runs_total{state="missed"}' in page
