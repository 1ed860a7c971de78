"""Judge audiences as a claim does, and write nothing."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from apps.delivery.state.claiming import (
    JUDGED_CUT,
    JUDGED_NAMED,
    cut_parameters,
    for_cut,
    named_parameters,
)
from apps.delivery.state.eligibility.audience import MEMBERSHIPS, REASON, SUBSCRIPTIONS
from apps.delivery.state.eligibility.rules import ChunkToDeliver, DeliveryRules


class Judged(NamedTuple):
    """The number of a chunk's deliveries with a reason not to be sent, empty for those without.

    ``recipients``: of those with an empty one, each with the recipient, ``None`` for a bare
    endpoint.
    """

    reason: str
    number: int
    recipients: Sequence[int | None]


_SUMMARY = f"""
SELECT {REASON.format(refusal="refusal")}, count(*),
       coalesce(array_agg(recipient_id) FILTER (WHERE refusal IS NULL), ARRAY[]::bigint[])
  FROM judged GROUP BY 1
"""
_EXTENT = "SELECT count(*), min(id), max(id) FROM {audience}"
_PAGE = """
SELECT max(id), count(*)
  FROM (SELECT id FROM {audience} AND id > %(after)s AND id <= %(until)s
         ORDER BY id LIMIT %(size)s) page
"""


class Extent(NamedTuple):
    """The number of an audience's rows, and their lowest and highest id; ``None`` of an empty one.

    Rows are subscriptions of a topic or memberships of a group.
    """

    size: int
    low_id: int | None
    high_id: int | None


def begin() -> None:
    """Let the rest of the transaction write nothing. Call it first."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")


def extent(rules: DeliveryRules, channel: str) -> Extent:
    """Return how large the audience of a topic or group is on a channel."""
    with connection.cursor() as cursor:
        cursor.execute(_of(_EXTENT, rules), _audience(rules, channel))
        return Extent._make(cursor.fetchone())


def page_end(
    rules: DeliveryRules, channel: str, after: int, until: int, size: int
) -> tuple[int | None, int]:
    """Return the last id of the next ``size`` rows with ids in ``(after, until]``, and how many."""
    with connection.cursor() as cursor:
        parameters = {**_audience(rules, channel), "after": after, "until": until, "size": size}
        cursor.execute(_of(_PAGE, rules), parameters)
        last, number = cursor.fetchone()
        return last, number


def judge(channel: str, todo: ChunkToDeliver) -> list[Judged]:
    """Judge the deliveries that a claim would create of this chunk, by reason."""
    if todo.chunk.cut:
        statement = for_cut(JUDGED_CUT + _SUMMARY, todo)
        parameters = cut_parameters(todo)
    else:
        statement = JUDGED_NAMED + _SUMMARY
        parameters = named_parameters([todo])
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, "channel": channel})
        return [Judged._make(row) for row in cursor.fetchall()]


def _of(statement: str, rules: DeliveryRules) -> str:
    return statement.format(audience=SUBSCRIPTIONS if rules.group_id is None else MEMBERSHIPS)


def _audience(rules: DeliveryRules, channel: str) -> dict[str, Any]:
    return {
        "topic_id": rules.topic_id,
        "group_id": rules.group_id,
        "reachable_only": rules.reachable_only,
        "channel": channel,
    }
