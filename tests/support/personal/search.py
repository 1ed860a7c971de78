"""Search for marks in all that the service keeps: tables, decrypted, Redis, queues."""

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.db import connection

from apps.preferences.vault import keyring
from notifier.security.crypto import DecryptionError

#: The context in which each encrypted column is, from its row.
CONTEXTS: dict[tuple[str, str], Callable[[dict[str, Any]], bytes]] = {
    ("preferences_contact", "address"): lambda row: b"contact:" + bytes(row["address_index"]),
    ("preferences_contact", "secret"): lambda row: b"secret:" + bytes(row["address_index"]),
    ("preferences_recipient", "name"): lambda row: b"recipient-name:" + row["user_id"].encode(),
    ("preferences_recipient", "attributes"): (
        lambda row: b"recipient-attributes:" + row["user_id"].encode()
    ),
    ("delivery_notification", "content"): lambda row: b"notification:" + row["id"].bytes,
    ("delivery_receipt", "body"): lambda row: b"receipt:" + row["provider"].encode(),
    ("inbox_inboxitem", "content"): lambda row: b"inbox:%d" % row["delivery_id"],
    ("schedules_schedule", "notification"): lambda row: b"schedule:" + row["id"].bytes,
    ("privacy_erasure", "user_id"): lambda row: b"erasure:" + row["id"].bytes,
    ("privacy_erasure", "numbers"): lambda row: b"erasure-numbers:" + row["id"].bytes,
    ("signin_secondfactor", "secret"): lambda row: b"second-factor:%d" % row["user_id"],
}
#: Columns of hashes and of random ids. Whoever adds a column of bytes says in one of the two what
#: it has.
HASHES = {
    ("delivery_deduplication", "fingerprint"),
    ("delivery_idempotencykey", "fingerprint"),
    ("delivery_notification", "traceparent"),
    ("inbox_ticket", "digest"),
    ("delivery_reply", "address_index"),
    ("preferences_contact", "address_index"),
    ("preferences_directorychange", "address_index"),
    ("preferences_optout", "address_index"),
    ("preferences_suppression", "address_index"),
    ("privacy_erasure", "subject"),
    ("publishers_apikey", "digest"),
    ("topics_confirmationsent", "address_index"),
}
#: Arrays of encrypted secrets, which the contact's ``secret`` stands for here.
LISTS = {("preferences_contact", "former_secrets")}


def columns() -> dict[str, dict[str, str]]:
    """The type of each column of each table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name, c.udt_name FROM information_schema.columns c "
            "JOIN information_schema.tables t USING (table_schema, table_name) "
            "WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
        )
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in cursor.fetchall():
            found.setdefault(table, {})[column] = kind
    return found


def rows(table: str) -> Iterator[dict[str, Any]]:
    """Every row of a table, by column."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}"')
        names = [one.name for one in cursor.description or ()]
        for row in cursor.fetchall():
            yield dict(zip(names, row, strict=True))


def in_tables(marks: Collection[str]) -> dict[str, str]:
    """Each ``table.column`` in which a mark is, with the text that has it."""
    found: dict[str, str] = {}
    for table, kinds in columns().items():
        sealed = {name for name, kind in kinds.items() if kind in ("bytea", "_bytea")}
        unknown = {(table, name) for name in sealed} - CONTEXTS.keys() - HASHES - LISTS
        assert not unknown, f"what do they have, and how is it decrypted? {unknown}"
        for row in rows(table):
            for name, value in row.items():
                text = _text(table, row, name) if name in sealed else str(value)
                if _has(text, marks):
                    found[f"{table}.{name}"] = text
    return found


def in_redis(marks: Collection[str]) -> dict[str, str]:
    """Each key of Redis in whose name or value a mark is."""
    found: dict[str, str] = {}
    client = redis.Redis.from_url(settings.REDIS_URL)
    readers: dict[bytes, Callable[[bytes], Any]] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
    }
    for key in client.scan_iter(count=1000):
        text = f"{key!r} {readers[client.type(key)](key)!r}"
        if _has(text, marks):
            found[key.decode(errors="replace")] = text
    client.close()
    return found


def counters(recipient_id: int) -> list[bytes]:
    """The keys of Redis under which a person's notifications are counted for frequency caps."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    found = list(client.scan_iter(f"notifier:frequency:*:{recipient_id}", count=1000))
    client.close()
    return found


def in_queues(marks: Collection[str]) -> dict[str, str]:
    """Each queue of the broker with a message in which a mark is. Takes the messages out."""
    found: dict[str, str] = {}
    with current_app.connection_for_write() as broker:
        for name, one in current_app.amqp.queues.items():
            queue = one.bind(broker.default_channel)
            queue.declare()
            while (message := queue.get(no_ack=True)) is not None:
                text = f"{message.body!r} {message.headers} {message.properties}"
                if _has(text, marks):
                    found[name] = text
    return found


def referring(column: str, ids: Collection[int]) -> dict[str, list[Any]]:
    """Values of columns of this name, or of lists of such, that are among ``ids``, by table.

    Members of JSON of this name are among them.
    """
    found: dict[str, list[Any]] = {}
    for table, kinds in columns().items():
        for name in (name for name, kind in kinds.items() if kind == "jsonb"):
            for row in rows(table):
                if set(_members(_json(row[name]), column)) & set(ids):
                    found.setdefault(f"{table}.{name}", []).append(row[name])
        for name in kinds.keys() & {column, f"{column}s"}:
            for row in rows(table):
                values = row[name] if isinstance(row[name], list) else [row[name]]
                if set(values) & set(ids):
                    found.setdefault(f"{table}.{name}", []).append(row[name])
    return found


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _members(value: Any, member: str) -> Iterator[Any]:
    """Each value of the members of this name, however deep they are."""
    if isinstance(value, dict):
        if isinstance(found := value.get(member), int):
            yield found
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _members(one, member)


def hashes(indexes: Collection[bytes]) -> set[str]:
    """Each ``table.column`` that has one of these keyed hashes."""
    return {
        f"{table}.{name}"
        for table, name in HASHES
        for row in rows(table)
        if row[name] is not None and bytes(row[name]) in indexes
    }


def _text(table: str, row: dict[str, Any], name: str) -> str:
    context = CONTEXTS.get((table, name))
    if context is None or not row[name]:
        return ""
    try:
        return keyring().decrypt(bytes(row[name]), context(row)).decode(errors="replace")
    except DecryptionError:
        assert not row[name], f"{table}.{name} does not decrypt"
        return ""


def _has(text: str, marks: Collection[str]) -> bool:
    lowered = text.lower()
    return any(mark.lower() in lowered for mark in marks)
