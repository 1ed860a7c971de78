"""Migrations add and remove indexes of tables that are plain or partitioned, and are run again."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import OperationalError, connection, models
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState

from apps.delivery.maintenance.partitions import indexes, making, moving
from apps.delivery.maintenance.partitions.indexes import (
    AddIndexByPartition,
    RemoveIndexByPartition,
)
from apps.delivery.maintenance.partitions.tables import TABLES
from apps.delivery.models import Delivery
from apps.publishers.management.commands.migrate import _Patient
from tests.integration.delivery.partitions.conftest import held
from tests.support.deliveries.workers import in_thread
from tests.support.waiting import until

TABLE = TABLES[1]
NAME = "delivery_of_provider"
INDEX = models.Index(fields=["provider", "-id"], condition=~models.Q(provider="0 %s"), name=NAME)


class Added(Migration):
    """A migration that a later version might have."""

    atomic = False
    operations = [AddIndexByPartition("delivery", INDEX)]


class Removed(Migration):
    """One that takes the index away."""

    atomic = False
    operations = [RemoveIndexByPartition("delivery", NAME)]


def migrate(migration: type[Migration], *, patient: bool = True, back: bool = False) -> None:
    """Run a migration, or take it back, as ``manage.py migrate`` does."""
    state = ProjectState.from_apps(apps)
    if migration is Removed:
        Added.operations[0].state_forwards("delivery", state)
    one = migration("0999_index", "delivery")
    with (
        connection.execute_wrapper(_Patient(connection)) if patient else nullcontext(),
        connection.schema_editor(atomic=False) as editor,
    ):
        (one.unapply if back else one.apply)(state, editor)


@pytest.fixture(params=["plain", "partitioned"])
def tables(request, transactional_db) -> Iterator[str]:
    """The tables of either shape, without the index before and after."""
    if request.param == "partitioned":
        request.getfixturevalue("partitioned")
    yield request.param
    migrate(Added, back=True)


@pytest.fixture
def by_day(partitioned: None) -> Iterator[None]:
    """The tables partitioned, without the index before and after."""
    yield
    migrate(Added, back=True)


def interrupt() -> None:
    """Have the migration end while it waits for somebody who wrote to the table."""

    def migrating() -> None:
        with pytest.raises(OperationalError, match="canceling statement"):
            migrate(Added)

    with held("delivery_delivery"):
        thread = in_thread(migrating)
        until(found)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'"
            )
        thread.join(60)
    assert list(found().values()) == [False]


def found() -> dict[str, bool]:
    """Return the index of the table and those of its partitions: whether each is valid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT x.indrelid::regclass::text, x.indisvalid FROM pg_index x "
            "WHERE pg_get_indexdef(x.indexrelid) LIKE %s",
            ["%0 \\%s%"],
        )
        return dict(cursor.fetchall())


def everywhere() -> dict[str, bool]:
    """Return what ``found`` returns where everything has a valid index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relid::text FROM pg_partition_tree(%s::regclass)", ["delivery_delivery"]
        )
        return {name: True for (name,) in cursor.fetchall()} or {"delivery_delivery": True}


def test_an_index_is_added_and_taken_back(tables):
    migrate(Added)
    assert found() == everywhere()
    assert len(everywhere()) == (1 if tables == "plain" else 11)
    migrate(Added)
    assert found() == everywhere(), "it can be run again"
    migrate(Added, back=True)
    assert found() == {}


def test_an_index_is_removed_and_comes_back(tables):
    migrate(Added)
    migrate(Removed)
    assert found() == {}
    migrate(Removed, back=True)
    assert found() == everywhere()


def test_a_day_that_comes_has_the_index_and_plain_tables_keep_it(by_day):
    migrate(Added)
    with connection.cursor() as cursor:
        making.add(cursor, TABLE, datetime.now(UTC).date() + timedelta(days=20))
    assert found() == everywhere()
    moving.undo()
    assert found() == {"delivery_delivery": True}


def test_what_was_interrupted_is_run_again(tables):
    interrupt()
    migrate(Added)
    assert found() == everywhere()


def test_what_was_interrupted_is_taken_back(tables):
    interrupt()
    migrate(Added, back=True)
    assert found() == {}


def test_the_table_gets_no_index_that_one_partition_lacks(by_day):
    rest = f"{NAME}_rest"
    migrate(Added)
    [definition] = definitions(rest)
    migrate(Added, back=True)
    with connection.cursor() as cursor:
        cursor.execute(definition)
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [rest]
        )
    with pytest.raises(indexes.IndexInvalid):
        migrate(Added, patient=False)
    assert "delivery_delivery" not in found()
    migrate(Added)
    assert found() == everywhere()


def definitions(index: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [index])
        return [one for (one,) in cursor.fetchall()]


def test_others_go_on_meanwhile_and_a_day_may_go(by_day):
    first, *_, last = sorted(name for name in everywhere() if name[-1].isdigit())
    with held(first):
        migrating = in_thread(lambda: migrate(Added))
        until(lambda: first in found())
        assert not Delivery.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {last}")
        assert migrating.is_alive()
    migrating.join(60)
    assert found() == everywhere()
