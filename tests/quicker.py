"""What Django does anew for each test, done once: it was a third of the time of all tests."""

from collections.abc import Iterator
from functools import cache
from typing import Any
from unittest import mock

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase
from whitenoise.middleware import WhiteNoiseMiddleware

#: Django fills them by itself. Tests only read them.
KEPT = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="session", autouse=True)
def _once() -> Iterator[None]:
    with (
        mock.patch.object(TransactionTestCase, "_fixture_teardown", _empty_the_tables),
        mock.patch.object(WhiteNoiseMiddleware, "add_files_from_finders", _listed_once()),
    ):
        yield


def _empty_the_tables(_: TransactionTestCase) -> None:
    """TRUNCATE makes new files for every table and index, most of which were empty."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_emptying())


@cache
def _emptying() -> str:
    """As TRUNCATE does, it waits for whatever is still being written. Foreign keys are looked at
    when it is committed, so the order does not matter."""
    every = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [f'"{name}"' for name in sorted({*every} - KEPT)]
    locked = f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE"
    return ";".join([locked, *(f"DELETE FROM {name}" for name in tables)])


def _listed_once() -> Any:
    """Each test's first request looks for all static files again, and finds the same ones."""
    look = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, Any] = {}

    def add(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            look(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    return add
