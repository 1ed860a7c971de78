"""The migrations, which make the models' tables."""

import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db.migrations import Migration
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AddConstraint,
    AddIndex,
    CreateModel,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.fields import FieldOperation
from django.db.migrations.state import ProjectState
from django.db.models import Index, UniqueConstraint

from apps.delivery.maintenance.partitions.indexes import (
    AddIndexByPartition,
    RemoveIndexByPartition,
)
from apps.delivery.maintenance.partitions.tables import TABLES
from apps.delivery.models import Attempt, Delivery, Notification, ReceiptEvent, StateCount
from faults.kinds.stopping import BEFORE
from tests.support.migration_rules import objections_to_indexes


def test_makemigrations_finds_nothing():
    loader = MigrationLoader(None)
    found = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    assert not found.changes(graph=loader.graph)


#: Migrations from before this rule, which installations have run.
BEFORE_THE_RULE = {
    ("delivery", "0003_doors"),
    ("delivery", "0008_failover_and_fallback"),
    ("delivery", "0015_claims"),
    ("preferences", "0005_why_given_up"),
    ("publishers", "0003_limits"),
    ("topics", "0002_doors"),
    ("topics", "0004_confirmation_of_each_contact"),
}


def test_a_migration_holds_the_lock_of_one_table_at_a_time():
    """Two would deadlock with a claim, which locks the same tables in another order."""
    found = {
        name: altered
        for name, migration in MigrationLoader(None).disk_migrations.items()
        if type(migration).__module__.startswith("apps.")
        and migration.atomic
        and len(altered := _altered(migration)) > 1
    }
    assert found.keys() == BEFORE_THE_RULE, found


def _altered(migration: Migration) -> set[str]:
    """Return the tables, by their models, that were there before and have fields altered."""
    made = {one.name_lower for one in migration.operations if isinstance(one, CreateModel)}
    altered = {
        one.model_name_lower for one in migration.operations if isinstance(one, FieldOperation)
    }
    return altered - made


#: The tables that may be partitioned, by their models.
PARTITIONED: dict[str, str] = {
    model._meta.model_name: model._meta.db_table
    for model in (Notification, Delivery, Attempt, StateCount, ReceiptEvent)
}
#: The last migration of delivery from before tables could be partitioned.
LAST_OF_PLAIN_TABLES = 44


def test_the_tables_that_may_be_partitioned_are_those_of_the_rule():
    assert [table.name for table in TABLES] == list(PARTITIONED.values())


def test_indexes_of_tables_that_may_be_partitioned_are_made_partition_by_partition():
    wrong = {
        name: said
        for (label, name), migration in MigrationLoader(None).disk_migrations.items()
        if label == "delivery" and int(name[:4]) > LAST_OF_PLAIN_TABLES
        if (said := objections_to_indexes(migration.operations, PARTITIONED))
    }
    assert not wrong


ON_DELIVERIES = Index(fields=["provider"], name="of_provider")


@pytest.mark.parametrize(
    "operation",
    [
        AddIndex("delivery", ON_DELIVERIES),
        AddIndexConcurrently("Delivery", ON_DELIVERIES),
        RemoveIndexConcurrently("notification", "notification_replays"),
        AddConstraint("attempt", UniqueConstraint(fields=["number"], name="once")),
        RunSQL("CREATE INDEX CONCURRENTLY of_it ON delivery_statecount (state)"),
        RunSQL("DROP INDEX CONCURRENTLY of_it", 'CREATE INDEX of_it ON "delivery_delivery" (id)'),
        SeparateDatabaseAndState(database_operations=[AddIndex("delivery", ON_DELIVERIES)]),
    ],
)
def test_what_the_rule_of_partitions_refuses(operation: Operation):
    [said] = objections_to_indexes([operation], PARTITIONED)
    assert "AddIndexByPartition" in said


@pytest.mark.parametrize(
    "operation",
    [
        AddIndexByPartition("delivery", ON_DELIVERIES),
        RemoveIndexByPartition("notification", "notification_replays"),
        AddIndexConcurrently("chunk", ON_DELIVERIES),
        RunSQL("CREATE INDEX CONCURRENTLY of_it ON delivery_deliveryold (state)"),
        SeparateDatabaseAndState(state_operations=[AddIndex("delivery", ON_DELIVERIES)]),
    ],
)
def test_what_the_rule_of_partitions_lets_through(operation: Operation):
    assert objections_to_indexes([operation], PARTITIONED) == []


def test_processes_of_this_version_run_without_what_the_deployment_fault_takes_back():
    app, number = BEFORE
    taken_back = {
        name: [one for one in migration.operations if not _is_not_missed(one)]
        for (label, name), migration in MigrationLoader(None).disk_migrations.items()
        if label == app and name[:4] > number
    }
    assert taken_back and not any(taken_back.values()), taken_back


def _is_not_missed(operation: Operation) -> bool:
    if isinstance(operation, SeparateDatabaseAndState):
        return all(map(_is_not_missed, operation.database_operations))
    if isinstance(operation, RunSQL):
        return "INDEX CONCURRENTLY" in str(operation.sql)
    return isinstance(operation, AddIndexConcurrently | RemoveIndexConcurrently)
