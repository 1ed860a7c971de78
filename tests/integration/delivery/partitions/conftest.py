"""The tables partitioned by day, and plain again afterwards."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
from django.db import connection

from apps.delivery.maintenance import notification_retention
from apps.delivery.maintenance.partitions import dropping, making, moving
from apps.delivery.maintenance.partitions.tables import TABLES
from stack.supervision.process import PATIENCE
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop


@pytest.fixture
def partitioned(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Partition empty tables, today's rows included."""
    monkeypatch.setattr(moving, "MARGIN", 0)
    monkeypatch.setattr(notification_retention, "_not_before", {})
    monkeypatch.setattr(dropping, "UNDER_LOCKS", PATIENCE)  # a busy machine needs longer
    monkeypatch.setattr(dropping, "UNDER_LOCKS_OVERDUE", PATIENCE)
    monkeypatch.setattr(making, "STATEMENT", f"{PATIENCE:.0f}s")
    assert moving.partition_all() == 5
    yield
    make_plain()


@pytest.fixture
def plain_afterwards(transactional_db: None) -> Iterator[None]:
    """Have plain tables after the test."""
    yield
    make_plain()


@contextmanager
def held(table: str, mode: str = "ROW EXCLUSIVE") -> Iterator[None]:
    """Have a transaction of somebody else hold a table, as one does that wrote to it."""
    parameters = connection.get_connection_params() | {"cursor_factory": None}
    with closing(psycopg2.connect(**parameters)) as other:
        other.cursor().execute(f"LOCK TABLE {table} IN {mode} MODE")
        try:
            yield
        finally:
            other.rollback()  # closing alone would leave the lock until the server sees it


@contextmanager
def slow_alter(table: str) -> Iterator[None]:
    """Have whatever alters a table take half a second more, as on a server that is short of CPU."""
    with connection.cursor() as cursor:
        cursor.execute(_SLOW_ALTER, [table])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION slow_alter CASCADE")


_SLOW_ALTER = """
CREATE FUNCTION slow_alter() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE objid = %s::regclass) THEN
        PERFORM pg_sleep(0.5);
    END IF;
END $$;
CREATE EVENT TRIGGER slow_alter ON ddl_command_end WHEN TAG IN ('ALTER TABLE')
    EXECUTE FUNCTION slow_alter()
"""


def make_plain() -> None:
    """Make the tables anew, without rows or statistics, as other tests expect them."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(table.name for table in TABLES)}")
    moving.partition_all()
    moving.undo()


@pytest.fixture
def blast(partitioned: None, shop: Shop, providers: Any, work: Callable[[], None]) -> Any:
    """A notification to a topic's three subscribers, one of whose tokens is dead."""
    topic = shop.topic()
    for name in ("ada", "bob", "cyd"):
        subscribe(topic, recipient(name, email=f"{name}@example.com"), "email")
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["email"]})
    work()
    return posted
