"""Encrypt everything anew under the first key, beside processes that read and write it.

Rows are looked through in the order of their primary keys, in windows, and those of other keys are
rewritten a batch at a time. A batch locks its rows, so that no writer's change is lost, and leaves
out those that a writer has locked, so that it waits for nobody: the next pass finds them.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import connection, transaction

from apps.core import arrays
from apps.preferences.vault import keyring
from apps.privacy.keys.columns import EncryptedColumn
from notifier.security.crypto import HEADER_BYTES, DecryptionError

#: Rows of a window, which are looked at by one statement.
WINDOW = 10_000
#: Rows that one transaction rewrites. Contents have up to 64 kB.
AT_ONCE = 200
#: Stands for the key of values that are too short to name one.
NO_KEY = -1

# A ciphertext of another key than the first; empty values are none.
_OTHER = f"octet_length({{0}}) > 0 AND substr({{0}}, 1, {HEADER_BYTES}) <> %(header)s"
_OTHER_ROW = _OTHER.format("{column}")
_OTHER_LIST = f"EXISTS (SELECT FROM unnest({{column}}) AS one WHERE {_OTHER.format('one')})"
_WITHIN = (
    "(%(after)s::{kind} IS NULL OR {key} > %(after)s::{kind}) "
    "AND (%(until)s::{kind} IS NULL OR {key} <= %(until)s::{kind})"
)
_LOCK = """
SELECT {key}, {column}, {made_from} FROM {table}
 WHERE {within} AND {other}
 ORDER BY {key} LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
"""
_WRITE = """
UPDATE {table} SET {column} = new.value::{type}
  FROM unnest(%s::text[], %s::text[]) AS new (id, value) WHERE {table}.{key} = new.id::{kind}
"""
_KEYS = f"""
SELECT CASE WHEN octet_length(one) >= {HEADER_BYTES}
            THEN get_byte(one, 1) * 256 + get_byte(one, 2) ELSE {NO_KEY} END, count(*)
  FROM {{table}} CROSS JOIN LATERAL (SELECT {{values}} AS one) AS each
 WHERE {{within}} AND {{other_one}} GROUP BY 1
"""


class Batch(NamedTuple):
    """Numbers of a batch: rows that were rewritten, and those that could not be decrypted."""

    rewritten: int
    unreadable: int


class _Window(NamedTuple):
    """The rows behind one primary key, up to another one; ``None`` is no bound."""

    after: Any
    until: Any


def rewrite(column: EncryptedColumn) -> Iterator[Batch]:
    """Encrypt a column's values anew where they have another key; yield after each batch.

    What cannot be decrypted stays as it is.
    """
    for window in _windows(column):
        after = window.after
        while True:
            after, batch = _rewrite(column, _Window(after, window.until))
            if batch is None:
                break
            yield batch


def others(column: EncryptedColumn) -> Counter[int]:
    """Return how many of a column's values are encrypted with each other key than the first.

    Those that name none are counted under ``NO_KEY``.
    """
    found: Counter[int] = Counter()
    statement = _formatted(_KEYS, column)
    for window in _windows(column):
        with connection.cursor() as cursor:
            cursor.execute(statement, {**window._asdict(), "header": keyring().header})
            for key, number in cursor.fetchall():
                found[key] += number
    return found


@transaction.atomic
def _rewrite(column: EncryptedColumn, window: _Window) -> tuple[Any, Batch | None]:
    """Rewrite the first rows of a window; return the last one's key, and ``None`` at its end."""
    with connection.cursor() as cursor:
        cursor.execute(
            _formatted(_LOCK, column),
            {**window._asdict(), "header": keyring().header, "most": AT_ONCE},
        )
        rows = cursor.fetchall()
        if not rows:
            return None, None
        ids, values = [], []
        for key, value, made_from in rows:
            try:
                values.append(_encrypted_anew(column, value, made_from))
            except DecryptionError:
                continue
            ids.append(str(key))
        if ids:
            cursor.execute(_formatted(_WRITE, column), [arrays.texts(ids), arrays.texts(values)])
    return rows[-1][0], Batch(len(ids), len(rows) - len(ids))


def _encrypted_anew(column: EncryptedColumn, value: Any, made_from: Any) -> str:
    """Return a row's value under the first key, as PostgreSQL reads it from a text."""
    ring = keyring()
    context = column.context(bytes(made_from) if isinstance(made_from, memoryview) else made_from)

    def anew(one: memoryview) -> bytes:
        stored = bytes(one)
        return ring.encrypt(ring.decrypt(stored, context), context) if stored else stored

    if column.is_list:
        return arrays.blobs(anew(one) for one in value)
    return f"\\x{anew(value).hex()}"


def _windows(column: EncryptedColumn) -> Iterator[_Window]:
    """Yield the windows of a table; the last one has no end, for what comes meanwhile."""
    keys = column.model._default_manager.order_by("pk").values_list("pk", flat=True)
    after = None
    while True:
        behind = keys if after is None else keys.filter(pk__gt=after)
        end = behind[WINDOW - 1 : WINDOW].first()
        yield _Window(after, end)
        if end is None:
            return
        after = end


def _formatted(statement: str, column: EncryptedColumn) -> str:
    quote, meta = connection.ops.quote_name, column.model._meta
    field, key = meta.get_field(column.name), meta.pk
    is_list = column.is_list
    names = {
        "table": quote(meta.db_table),
        "column": quote(column.name),
        "made_from": quote(column.made_from),
        "key": quote(key.name),
        "kind": key.rel_db_type(connection),
        "type": field.db_type(connection),
    }
    return statement.format(
        **names,
        within=_WITHIN.format(**names),
        other=(_OTHER_LIST if is_list else _OTHER_ROW).format(**names),
        other_one=_OTHER.format("one"),
        values=f"unnest({names['column']})" if is_list else names["column"],
    )
