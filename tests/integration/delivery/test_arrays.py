"""Columns of many rows reach PostgreSQL as they were."""

import pytest
from django.db import connection

from apps.delivery import arrays

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
