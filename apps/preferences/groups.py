"""Write groups and their members, any number of members in one statement."""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

from apps.preferences.models import Group


class Added(NamedTuple):
    """Counts of new and of present members; ``unknown`` are no recipients."""

    added: int
    already: int
    unknown: list[str]


class Removed(NamedTuple):
    """The count of removed members; ``unknown`` are no recipients."""

    removed: int
    unknown: list[str]


def put_group(publisher_id: int, name: str, display_name: str | None) -> tuple[Group, bool]:
    """Create or change the publisher's group of that name; return it and whether it is new.

    A ``display_name`` of ``None`` keeps the present one. Call it in a transaction: an existing row
    is locked until that ends.
    """
    group, created = Group.objects.select_for_update().get_or_create(
        publisher_id=publisher_id, name=name, defaults={"display_name": display_name or ""}
    )
    if not created and display_name is not None and display_name != group.display_name:
        group.display_name = display_name
        group.save(update_fields=["display_name", "updated_at"])
    return group, created


def add_members(group_id: int, user_ids: Collection[str]) -> Added:
    """Add recipients; those who are members already stay so."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD, {"group_id": group_id, "user_ids": list(user_ids)})
        [(known, added)] = cursor.fetchall()
    return Added(added, len(known) - added, _unknown(user_ids, known))


def remove_members(group_id: int, user_ids: Collection[str]) -> Removed:
    """Remove recipients; those who are not members are no error."""
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE, {"group_id": group_id, "user_ids": list(user_ids)})
        [(known, removed)] = cursor.fetchall()
    return Removed(removed, _unknown(user_ids, known))


# Rows in the order of their keys, so that concurrent calls about the same people do not deadlock.
_KNOWN = """
    known AS (SELECT id, user_id FROM preferences_recipient WHERE user_id = ANY(%(user_ids)s)
        ORDER BY id FOR KEY SHARE)"""
_ADD = f"""
    WITH {_KNOWN}, added AS (
        INSERT INTO preferences_membership (group_id, recipient_id, created_at)
        SELECT %(group_id)s, id, now() FROM known ORDER BY id
        ON CONFLICT (group_id, recipient_id) DO NOTHING
        RETURNING 1)
    SELECT coalesce((SELECT array_agg(user_id::text) FROM known), '{{}}'),
        (SELECT count(*) FROM added)"""
_REMOVE = f"""
    WITH {_KNOWN}, leaving AS (
        SELECT id FROM preferences_membership
        WHERE group_id = %(group_id)s AND recipient_id IN (SELECT id FROM known)
        ORDER BY id FOR UPDATE), removed AS (
        DELETE FROM preferences_membership m USING leaving l WHERE m.id = l.id
        RETURNING 1)
    SELECT coalesce((SELECT array_agg(user_id::text) FROM known), '{{}}'),
        (SELECT count(*) FROM removed)"""


def _unknown(user_ids: Collection[str], known: Collection[str]) -> list[str]:
    found = set(known)
    return [user_id for user_id in user_ids if user_id not in found]
