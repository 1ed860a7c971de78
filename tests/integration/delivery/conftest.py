"""Deliveries in one process: the real API, database and sandbox, tasks run by hand."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app
from django.db import connection as database
from kombu import Queue

from tests.support.fixtures.deliveries import *  # noqa: F403


@pytest.fixture
def queue() -> Iterator[Queue]:
    """The broker's queue of high-priority doorbells of the inbox, emptied."""
    with current_app.connection_for_write() as connection:
        queue = current_app.amqp.queues["deliver.inbox.high"].bind(connection.default_channel)
        queue.declare()
        queue.purge()
        yield queue


@pytest.fixture
def execute(transactional_db: None) -> Callable[..., list[tuple]]:
    """Run an SQL statement with its parameters; the rows that it returns."""

    def run(statement: str, *params: Any) -> list[tuple]:
        with database.cursor() as cursor:
            cursor.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

    return run
