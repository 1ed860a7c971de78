"""Requests of one process that are committed together, each in a thread of its own."""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from django.db import connection

from apps.delivery.intake import group_commit
from tests.support.database import table_locked
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop
from tests.support.waiting import until

HELLO = {"body": "Hello"}
#: A request: its body, and its Idempotency-Key.
Request = tuple[Mapping[str, Any], str | None]
Answered = tuple[int, dict[str, Any]]


def to_ada(text: str = "Hello", **fields: Any) -> dict[str, Any]:
    posted = {"user_id": "ada", "channels": ["inbox"], "content": {"body": text}}
    return {**posted, "priority": "high", **fields}  # which is never shed


class Asking:
    """Requests of one process, each in a thread of its own."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._threads: list[threading.Thread] = []
        self.answers: dict[int, Answered] = {}

    def ask(self, body: Mapping[str, Any], key: str | None = None) -> threading.Thread:
        place = len(self._threads)

        def run() -> None:
            headers = {} if key is None else {"Idempotency-Key": key}
            answer = self._shop.http.post("/v1/notifications", body, format="json", headers=headers)
            self.answers[place] = answer.status_code, answer.json()
            connection.close()

        thread = threading.Thread(target=run)
        self._threads.append(thread)
        thread.start()
        return thread

    def all(self) -> list[Answered]:
        for thread in self._threads:
            thread.join(90)
        return [self.answers[place] for place in range(len(self._threads))]


def ask_together(
    shop: Shop, *requests: Request, meanwhile: Callable[[], None] | None = None
) -> list[Answered]:
    """Ask all of them while one before them commits, so that the next transaction has them all.

    ``meanwhile`` runs when that one is under way.
    """
    asking = Asking(shop)
    with table_locked("delivery_chunk", "SHARE"):
        asking.ask(to_ada("before them"))
        until(lambda: blocked() == 1)
        for number, (body, key) in enumerate(requests, 1):
            asking.ask(body, key)  # one after the other: their order is that of the group
            until(lambda number=number: len(group_commit._queue._waiting) == number)
        if meanwhile:
            meanwhile()
    (status, _), *answers = asking.all()
    assert status == 202
    return answers


def blocked() -> int:
    """Count the connections that wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def kinds(answers: Sequence[Answered]) -> list[Any]:
    return [202 if status == 202 else body["type"] for status, body in answers]


@pytest.fixture
def ada(shop: Shop) -> None:
    recipient("ada")


@pytest.fixture
def together(
    ada: None, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[Answered]]:
    """``ask_together``, in which nobody stops waiting for the group."""
    monkeypatch.setattr(group_commit, "LONGEST_WAIT", 90.0)
    return partial(ask_together, shop)
