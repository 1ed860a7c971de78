"""Read the inboxes of many people as events; blocks, so streams call it in a thread."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db import connection

from apps.inbox.stream import events, statements
from apps.inbox.stream.events import ChangeEvent
from apps.inbox.stream.statements import WHOLE, Since, State


class Changes(NamedTuple):
    """Events of what changed. ``complete``: these are all of them.

    ``known``: false where what was missed cannot be sent any more.
    """

    rows: list[ChangeEvent]
    complete: bool
    known: bool = True


NOTHING = Changes([], True)
_UNKNOWN = Changes([], True, known=False)


class Asked(NamedTuple):
    """Asks for what changed after an item of a version.

    ``listening``: see ``statements.is_known``.
    """

    since: int
    item_id: int
    listening: bool


class InboxChanges(NamedTuple):
    """An inbox now, and what its connections have not been sent, by what they have."""

    state: State
    missed: dict[Asked, Changes]


def read_changes(
    asked: Mapping[str, Collection[Asked]], *, limit: float | None = None
) -> dict[str, InboxChanges]:
    """Return the inboxes of these people, with what changed after each of the places given.

    People who are not registered are left out. ``limit``: seconds that a statement may take.
    """
    try:
        with statements.limited(limit):
            found = statements.states(asked)
            wanted = {
                Since(state.recipient_id, one.since, one.item_id)
                for user_id, state in found.items()
                for one in asked[user_id]
                if (one.since, one.item_id) != (state.version, WHOLE) and _is_known(one, state)
            }
            missed = statements.changes(wanted) if wanted else {}
        places = statements.places(row for some in missed.values() for row in some.rows)
    finally:
        connection.close()
    made = {
        since: Changes(events.changes(some.rows, places), some.complete)
        for since, some in missed.items()
    }
    return {
        user_id: InboxChanges(
            state,
            {
                one: made.get(Since(state.recipient_id, one.since, one.item_id), NOTHING)
                if _is_known(one, state)
                else _UNKNOWN
                for one in asked[user_id]
            },
        )
        for user_id, state in found.items()
    }


def _is_known(one: Asked, state: State) -> bool:
    return statements.is_known(one.since, state, listening=one.listening)


def ping(_: object) -> dict[str, bool]:
    """Ask the database whether it answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()
    return {}


def latest(recipient_ids: Collection[int]) -> dict[int, int]:
    """Return the version of each of these inboxes."""
    try:
        return statements.latest(recipient_ids)
    finally:
        connection.close()
