"""Beat's scheduler."""

import pytest
from celery import current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask

from config.worker import beat_scheduler
from config.worker.beat_scheduler import Scheduler


@pytest.fixture
def scheduler(transactional_db) -> Scheduler:
    made = Scheduler(app=current_app._get_current_object())
    assert made.schedule
    return made


def test_it_looks_for_changes_once_in_a_while(scheduler, monkeypatch):
    monkeypatch.setattr(beat_scheduler, "CHECK_EVERY", 3_600.0)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(20):
            assert "sweep" in scheduler.schedule
    assert len(queries) == 0


def test_a_task_that_an_operator_disables_is_not_started_any_more(scheduler, monkeypatch):
    monkeypatch.setattr(beat_scheduler, "CHECK_EVERY", 0.0)
    assert "sweep" in scheduler.schedule
    task = PeriodicTask.objects.get(name="sweep")
    task.enabled = False
    task.save()
    assert "sweep" not in scheduler.schedule
