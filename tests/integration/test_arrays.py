"""Columns of many rows reach PostgreSQL as they were."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection

from apps.core import arrays

ODD = [
    "",
    " ",
    "NULL",
    "null",
    '"',
    '\\"',
    "\\",
    "{}",
    "a,b",
    "it's",
    "%s",
    "λ🙂",
    "\n\t\r\x01",
    "{a}",
]


@pytest.mark.django_db
@pytest.mark.parametrize("texts", [[], [""], ODD], ids=["none", "an empty one", "odd ones"])
def test_texts_come_as_they_were(texts):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", [arrays.texts(texts)])
        assert cursor.fetchone()[0] == texts


@pytest.mark.django_db
def test_numbers_come_as_they_were():
    whole, times = [1, None, -(2**63), 2**63 - 1], [1795390097.123456, None, 0.0, 1e-7]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::bigint[], %s::float8[], %s::smallint[]",
            [arrays.numbers(whole), arrays.numbers(times), arrays.numbers([])],
        )
        assert cursor.fetchone() == (whole, times, [])


@pytest.mark.django_db
def test_missing_texts_times_bytes_and_lists_come_as_they_were():
    at = datetime(2026, 11, 23, 4, 5, 6, 789, UTC)
    blobs = [b"", b"\x00\xff\\", b'"']
    lists = [[1, 2], [], None, [-(2**63)]]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::text[], %s::timestamptz[], %s::bytea[], "
            "array(SELECT to_jsonb(one::bigint[]) FROM unnest(%s::text[]) AS one)::text[]",
            [
                arrays.texts(["a", None]),
                arrays.times([at, None]),
                arrays.blobs(blobs),
                arrays.lists(lists),
            ],
        )
        texts, times, came, listed = cursor.fetchone()
    assert texts == ["a", None]
    assert times == [at, None]
    assert [bytes(one) for one in came] == blobs
    assert [one and json.loads(one) for one in listed] == lists
