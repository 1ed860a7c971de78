"""Work that Django repeats for each test, done once: it was a third of the time of all tests.

Likewise both database pools, for each test that uses the database.
"""

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
MANY_BYTES = 4_000_000


@pytest.fixture(scope="session", autouse=True)
def _once() -> Iterator[None]:
    with (
        mock.patch.object(TransactionTestCase, "_fixture_teardown", _empty_the_tables),
        mock.patch.object(WhiteNoiseMiddleware, "add_files_from_finders", _listed_once()),
        mock.patch.object(TransactionTestCase, "databases", {"default", "reserved"}),
    ):
        yield


def _empty_the_tables(_: TransactionTestCase) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_emptying())


@cache
def _emptying() -> str:
    """The statement that empties all tables, by TRUNCATE if they are large.

    TRUNCATE makes new files for every table and index, which takes longer than deleting a few rows
    and less than deleting many. Either waits for what is still being written. Foreign keys are
    checked at the commit, so the order does not matter.
    """
    every = connection.introspection.django_table_names(only_existing=True, include_views=False)
    names = sorted({*every} - KEPT)
    tables = ", ".join(f'"{name}"' for name in names)
    return f"""
        DO $$ BEGIN
            LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE;
            IF (SELECT sum(pg_relation_size(name::regclass)) FROM unnest(ARRAY{names}) AS name)
                > {MANY_BYTES} THEN
                TRUNCATE {tables};
            ELSE
                {"; ".join(f'DELETE FROM "{name}"' for name in names)};
            END IF;
        END $$
    """


def _listed_once() -> Any:
    """Look for static files once: each test's first request would find the same ones again."""
    look = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, Any] = {}

    def add(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            look(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    return add
