"""A category that people refuse is one, in whatever case it is written.

A recipient's preferences for several spellings become one, in which a refusal wins: what was
refused in one of the spellings stays refused.

A batch is a transaction, and what is done is not done again: interrupted, it is run once more.
"""

from collections import defaultdict
from typing import Any

from django.db import connection, migrations, transaction

from notifier.domain.categories import fold

BATCH = 2_000


def fold_preferences(apps: Any, schema_editor: Any) -> int:
    """Write preferences' categories in their one form; how many recipients had another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT category FROM preferences_preference")
        odd = [name for (name,) in cursor.fetchall() if fold(name) != name]
        if not odd:
            return 0
        cursor.execute(
            """SELECT DISTINCT recipient_id FROM preferences_preference
                WHERE category = ANY(%s) ORDER BY recipient_id""",
            [odd],
        )
        people = [recipient for (recipient,) in cursor.fetchall()]
    for first in range(0, len(people), BATCH):
        with transaction.atomic():
            _fold(people[first : first + BATCH])
    return len(people)


def _fold(people: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [people])
        cursor.execute(_READ, [people])
        held: dict[tuple[int, str], dict[str, dict[str, bool]]] = defaultdict(dict)
        gone, renamed = [], []
        for key, recipient, topic, category, channel, allowed in cursor.fetchall():
            if topic is not None:  # an operator can name both, and the topic's is one already
                renamed.append((key, fold(category)))
                continue
            spellings = held[recipient, fold(category)]
            spellings.setdefault(category, {})[channel] = allowed
            if category != fold(category):
                gone.append(key)
        wanted = [
            (recipient, channel, category, _allowed(spellings.values(), channel))
            for (recipient, category), spellings in held.items()
            if set(spellings) != {category}
            for channel in {channel for one in spellings.values() for channel in one}
        ]
        cursor.execute("DELETE FROM preferences_preference WHERE id = ANY(%s)", [gone])
        if renamed:
            cursor.execute(_RENAME, [list(column) for column in zip(*renamed, strict=True)])
        if wanted:
            cursor.execute(_WRITE, [list(column) for column in zip(*wanted, strict=True)])


def _allowed(spellings: Any, channel: str) -> bool:
    """Return whether each spelling allows the channel; one that names none holds for all."""
    return all(one.get(channel, one.get("", True)) for one in spellings)


_HOLD = """
    SELECT id FROM preferences_recipient WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"""
_READ = """
    SELECT id, recipient_id, topic_id, category, channel, allowed FROM preferences_preference
     WHERE recipient_id = ANY(%s) AND category <> ''"""
_RENAME = """
    UPDATE preferences_preference p SET category = w.category
      FROM unnest(%s::bigint[], %s::text[]) AS w (id, category) WHERE p.id = w.id"""
_WRITE = """
    INSERT INTO preferences_preference (recipient_id, channel, category, allowed, updated_at)
    SELECT w.*, now() FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::boolean[]) AS w
    ON CONFLICT (recipient_id, channel, category) WHERE topic_id IS NULL
    DO UPDATE SET allowed = excluded.allowed, updated_at = now()"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("preferences", "0007_former_secrets")]
    operations = [migrations.RunPython(fold_preferences, migrations.RunPython.noop)]
