"""Rules for migrations that run beside processes of the version before.

Most are those of squawk, which parses the SQL. A few statements it lets pass are here.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from django.db.migrations.operations import (
    AddConstraint,
    AddIndex,
    RemoveIndex,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.operations.base import Operation
from django.db.models import UniqueConstraint

from apps.delivery.maintenance.partitions.indexes import (
    AddIndexByPartition,
    RemoveIndexByPartition,
)

SQUAWK = Path(sys.executable).with_name("squawk")
#: The oldest PostgreSQL that will do.
OLDEST = "14.0"
#: Rules of squawk that do not hold here, and why.
EXCLUDED = {
    "prefer-text-field": "a CharField's length is part of the API, and a longer one writes nothing",
    "prefer-bigint-over-int": "numbers that stay small, in rows of which there are billions",
    "prefer-bigint-over-smallint": "likewise",
    "prefer-robust-stmts": "Django runs what is atomic again as a whole, and nothing else is mixed",
    "require-lock-timeout": "manage.py migrate sets it, and tries again",
    "require-statement-timeout": "an index of a large table takes as long as it takes",
}
_CONCURRENTLY = re.compile(r"^(CREATE|DROP|REINDEX)\b.*\bCONCURRENTLY\b", re.I | re.S)
_LOCKS = re.compile(r"^(LOCK|CLUSTER|VACUUM FULL)\b", re.I)


def objections(statements: Sequence[str], *, atomic: bool) -> list[str]:
    """Return the objections to the SQL of one migration, a sentence for each."""
    plain = [one for one in map(_plain, statements) if one]
    found = _of_squawk(plain, atomic=atomic)
    found += [f"{one}: stops everybody who wants the table" for one in plain if _LOCKS.match(one)]
    if not atomic and (others := [one for one in plain if not _CONCURRENTLY.match(one)]):
        found.append(
            f"{others[0]}: is not done again where a migration that is not atomic is run again: "
            "only CONCURRENTLY belongs in it"
        )
    return found


def objections_to_indexes(operations: Iterable[Operation], tables: Mapping[str, str]) -> list[str]:
    """Return the objections to how operations make or drop indexes of tables with partitions.

    ``tables``: by the names of their models, in lower case.
    """
    return [
        f"{one.describe()}: fails where {', '.join(tables.values())} are partitioned: "
        "AddIndexByPartition and RemoveIndexByPartition do not"
        for one in _flat(operations)
        if not isinstance(one, AddIndexByPartition | RemoveIndexByPartition)
        and _indexes(one, tables)
    ]


def _flat(operations: Iterable[Operation]) -> Iterator[Operation]:
    for one in operations:
        if isinstance(one, SeparateDatabaseAndState):
            yield from _flat(one.database_operations)
        else:
            yield one


def _indexes(operation: Operation, tables: Mapping[str, str]) -> bool:
    """Return whether an operation makes or drops an index of one of the tables."""
    if isinstance(operation, RunSQL):
        named = rf'\bINDEX\b.*\bON\s+(ONLY\s+)?"?({"|".join(tables.values())})\b'
        return bool(re.search(named, f"{operation.sql} {operation.reverse_sql}", re.I | re.S))
    if isinstance(operation, AddConstraint):
        unique = isinstance(operation.constraint, UniqueConstraint)
        return unique and operation.model_name_lower in tables
    return isinstance(operation, AddIndex | RemoveIndex) and operation.model_name_lower in tables


def _of_squawk(statements: Sequence[str], *, atomic: bool) -> list[str]:
    """Return what squawk says of the statements, of which each is one line."""
    done = subprocess.run(
        [
            *(SQUAWK, "--reporter", "json", "--pg-version", OLDEST),
            *(f"--exclude={rule}" for rule in EXCLUDED),
            *(["--assume-in-transaction"] if atomic else []),
        ],
        input="".join(f"{one};\n" for one in statements),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    by_statement: dict[str, list[str]] = {}
    for one in json.loads(done.stdout):
        by_statement.setdefault(statements[one["line"]], []).append(
            f"{one['rule_name']}: {one['message']}"
        )
    return [f"{statement}: {'; '.join(said)}" for statement, said in by_statement.items()]


def _plain(statement: str) -> str:
    """A statement without comments and needless space; "" where it bounds a transaction."""
    text = re.sub(r"--[^\n]*", "", statement)
    text = re.sub(r"\s+", " ", text).strip().rstrip(";")
    return "" if text in ("BEGIN", "COMMIT") or text.startswith("SET CONSTRAINTS") else text
