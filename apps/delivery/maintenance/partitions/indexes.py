"""Operations of migrations: add and remove indexes of tables that may be partitioned.

A plain table gets its index concurrently. So does each partition, which nobody waits for, and then
the table has one that finds them: for milliseconds, in a transaction of its own. Both can be run
again after whatever ended them. They are for ``manage.py migrate``, which builds anew what was left
invalid, and for indexes that do not have to be unique.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import ProgrammingError
from django.db.backends.ddl_references import Statement, Table
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models import Index, Model

from apps.delivery.maintenance.partitions import locks
from apps.delivery.maintenance.partitions.tables import IndexInvalid
from apps.delivery.outbox import partition_names

#: Seconds for which the locks are tried: a vacuum of a large partition may take long.
LONGEST = 3_600.0
#: Longest time under the locks, after which nothing has changed: no index is built there.
STATEMENT = "2s"


class _Editor:
    """The schema editor as Django's operations use it, for tables with partitions or without."""

    def __init__(self, editor: DatabaseSchemaEditor) -> None:
        self._editor = editor
        self.connection = editor.connection

    def add_index(self, model: type[Model], index: Index, *, concurrently: bool) -> None:
        """Create an index of a table, and before of each of its partitions, unless it exists."""
        table, name = model._meta.db_table, index.name
        statement = index.create_sql(model, self._editor, concurrently=concurrently)
        statement.template = statement.template.replace(
            "CONCURRENTLY", "CONCURRENTLY IF NOT EXISTS", 1
        )
        partitions = self._partitions(table)
        if not partitions:
            self._editor.execute(statement, params=None)
            return
        whole = str(statement).replace(" CONCURRENTLY", "", 1)
        for partition in partitions:
            try:
                self._editor.execute(self._of(statement, name, table, partition), params=None)
            except ProgrammingError:
                if partition in self._partitions(table):
                    raise
                # It was dropped meanwhile, since its days are over.
        for one in locks.tries(LONGEST):
            with one.transaction() as cursor:
                locks.lock(cursor, [table])
                cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT}'")
                cursor.execute(whole)
                cursor.execute(
                    "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [name]
                )
                if cursor.fetchone() != (True,):
                    raise IndexInvalid(name)

    def remove_index(self, model: type[Model], index: Index, *, concurrently: bool) -> None:
        """Drop an index of a table with those of its partitions, where there are any."""
        table, name = model._meta.db_table, index.name
        partitions = self._partitions(table)
        if not partitions:
            self._editor.remove_index(model, index, concurrently=concurrently)
            return
        for one in locks.tries(LONGEST):
            with one.transaction() as cursor:
                locks.lock(cursor, [table])
                cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT}'")
                cursor.execute(str(index.remove_sql(model, self._editor)))
        for partition in partitions:  # what was built, and the table never had
            left = self._editor.quote_name(_name(name, table, partition))
            self._editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {left}")

    def _partitions(self, table: str) -> list[str]:
        """Return the partitions of a table, none where SQL is only collected (``sqlmigrate``)."""
        if self._editor.collect_sql:
            return []
        with self.connection.cursor() as cursor:
            return partition_names.of(cursor, table)

    def _of(self, statement: Statement, name: str, table: str, partition: str) -> str:
        """Return the statement that creates the index of a partition."""
        quote = self._editor.quote_name
        own = {"name": quote(_name(name, table, partition)), "table": Table(partition, quote)}
        return str(Statement(statement.template, **{**statement.parts, **own}))


def _name(index: str, table: str, partition: str) -> str:
    """Return the name of a partition's index, by which another run finds it."""
    return f"{index}_{partition.removeprefix(f'{table}_')}"


class _ByPartition:
    """Has an operation of Django use ``_Editor``."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        editor = _Editor(schema_editor)
        super().database_forwards(app_label, editor, from_state, to_state)  # type: ignore[misc]

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        editor = _Editor(schema_editor)
        super().database_backwards(app_label, editor, from_state, to_state)  # type: ignore[misc]


class AddIndexByPartition(_ByPartition, AddIndexConcurrently):
    """Add an index to a table that may be partitioned; its arguments are those of ``AddIndex``."""


class RemoveIndexByPartition(_ByPartition, RemoveIndexConcurrently):
    """Remove an index of such a table; its arguments are those of ``RemoveIndex``."""
