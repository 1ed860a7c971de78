"""The queries that the page on operations gives to operators."""

import re

import pytest
from django.db import connection

from tests.integration.delivery.partitions.conftest import partitioned
from tests.support.pages import DOCS

__all__ = ["partitioned"]  # fixtures

PAGE = (DOCS / "operations" / "vacuum.md").read_text()
BLOCKS = re.findall("^```sql\n(.+?)^```", PAGE, re.M | re.S)
QUERIES = [query for block in BLOCKS for query in re.findall(".+?;", block, re.S)]


def rows_of(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@pytest.mark.parametrize("query", QUERIES)
def test_postgresql_takes_each_query_about_vacuum(db, query):
    rows_of(query)


def test_the_query_about_bloat_knows_the_fill_factor(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE half (id int) WITH (fillfactor = 50, autovacuum_enabled = off)"
        )
        cursor.execute("INSERT INTO half SELECT generate_series(1, 20000)")
        cursor.execute("ANALYZE half")
        [about_bloat] = [query for query in QUERIES if "fillfactor" in query]
        try:
            [(_, _, taken, needed)] = [row for row in rows_of(about_bloat) if row[0] == "half"]
            assert needed == (28 + 4) * 2 and needed * 0.9 < taken < needed * 1.3
            cursor.execute("UPDATE half SET id = id + 1")
            [(_, _, taken, _)] = [row for row in rows_of(about_bloat) if row[0] == "half"]
        finally:
            cursor.execute("DROP TABLE half")
    assert taken > needed * 0.9


def test_the_query_about_statistics_names_each_partitioned_table(partitioned):
    [about_statistics] = [query for query in QUERIES if "relkind = 'p'" in query]
    assert len(rows_of(about_statistics)) == 5
