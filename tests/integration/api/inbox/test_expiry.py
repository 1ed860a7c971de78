"""Expired items are neither shown nor kept."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from apps.inbox import retention, tasks
from apps.inbox.models import InboxItem
from stack.supervision.process import PATIENCE
from tests.support.publishers.api_client import Api
from tests.support.publishers.inboxes import titles
from tests.support.waiting import somebody_waits, until


def test_what_has_expired_is_neither_shown_nor_counted(inbox: Callable[..., Api], put: Any):
    ada = inbox("ada")
    put("ada", "Over", expires_in=-1)
    put("ada", "Fresh", expires_in=60)
    page = ada.get("inbox")
    assert (titles(page), page["unread"]) == (["Fresh"], 1)
    assert ada.post("inbox/status", {"all": True, "status": "read"})["changed"] == 1


def test_the_purge_takes_what_has_expired_in_batches_and_nothing_else(
    put: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(5):
        put("ada", expires_in=-1)
    left = put("ada", expires_in=60)
    tasks.purge.apply(throw=True)
    assert list(InboxItem.objects.values_list("pk", flat=True)) == [left]
    assert retention.purge() == 0


def test_the_purge_is_on_without_being_asked_for(settings: Any):
    assert "inbox.purge" in [entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()]


@pytest.mark.django_db(transaction=True)
def test_one_cleaner_works_at_a_time(put: Any):
    for _ in range(3):
        put("ada", expires_in=-1)
    purged: list[int] = []

    def clean() -> None:
        purged.append(retention.purge())
        connection.close()

    second = connections.create_connection("default")
    second.set_autocommit(False)
    first = threading.Thread(target=clean)
    try:
        with second.cursor() as cursor:
            cursor.execute("LOCK TABLE inbox_inboxitem IN SHARE MODE")  # no row can be deleted
            first.start()
            until(somebody_waits)  # the first cleaner is at it
            assert retention.purge() == 0, (
                "it would wait for our lock, and be given up after a while"
            )
        second.rollback()
    finally:
        second.close()
        first.join(PATIENCE)
    assert purged == [3]
    put("ada", expires_in=-1)
    assert retention.purge() == 1, "the lock is free again"
