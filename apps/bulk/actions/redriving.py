"""Redrive all dead letters that match."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.bulk.actions.base import Batch, Event, Step, moment
from apps.bulk.models import BulkAction
from apps.delivery.operations import dead_letters
from apps.delivery.operations.dead_letters import Match


class Redriving:
    """Redrive dead letters that were there when it was asked for, the oldest first.

    ``match``: as that of ``dead_letters.Match``.
    """

    criteria = (
        "topic",
        "topic_id",
        "channel",
        "provider",
        "reason",
        "died_after",
        "died_before",
    )

    def total(self, row: BulkAction) -> int:
        rows = dead_letters.of(row.publisher_id)
        return rows.filter(dead_letters.matching(_match(row))).count()

    def batches(self, row: BulkAction) -> Iterator[Batch]:
        yield self._step

    def _step(self, row: BulkAction) -> Step:
        done = dead_letters.redrive(row.publisher_id, _match(row), int(row.cursor or 0))
        events: dict[Event, Mapping[str, Any]] = {
            Event("redrive", "dead_letter", "", owner): {
                "rows": number,
                "match": row.match,
                "bulk_action": str(row.pk),
            }
            for owner, number in done.owners.items()
        }
        counts = {"redriven": done.redriven, "gone": len(done.gone)}
        cursor = None if done.beyond is None else str(done.beyond)
        return Step(sum(counts.values()), counts, cursor, events)


def _match(row: BulkAction) -> Match:
    """Return the criteria. What dies later, perhaps again, is none of it."""
    times: dict[str, Any] = {
        name: moment(row.match, name) for name in ("died_after", "died_before")
    }
    before = times["died_before"]
    if before is None or before > row.requested_at:
        times["died_before"] = row.requested_at
    others = {name: value for name, value in row.match.items() if name not in times}
    return Match(**others, **times)
