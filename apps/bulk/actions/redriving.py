"""Redrive all dead letters that match."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from apps.bulk.actions.base import Batch, Event, Step, moment
from apps.bulk.models import BulkAction
from apps.delivery.operations import dead_letters
from apps.delivery.operations.dead_letters import Match


class Redriving:
    """Redrive dead letters that were there when it was asked for, the oldest first.

    ``match``: as that of ``dead_letters.Match``. A pass goes over those that others have locked;
    the next one begins with the first of these, until nothing is left.
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
        place = _Place.read(row.cursor)
        done = dead_letters.redrive(row.publisher_id, _match(row), place.key)
        events: dict[Event, Mapping[str, Any]] = {
            Event("redrive", "dead_letter", "", owner): {
                "rows": number,
                "match": row.match,
                "bulk_action": str(row.pk),
            }
            for owner, number in done.owners.items()
        }
        # A later pass finds again what is gone, which the first one has counted.
        counts = {"redriven": done.redriven, "gone": 0 if place.again else len(done.gone)}
        skipped = place.skipped or min(done.skipped, default=0)
        waits = done.beyond is None and skipped > 0
        cursor = None
        if done.beyond is not None:
            cursor = str(place._replace(key=done.beyond, skipped=skipped))
        elif waits:
            cursor = str(_Place(skipped - 1, again=True))
        return Step(sum(counts.values()), counts, cursor, events, waits)


class _Place(NamedTuple):
    """The position of a pass: the last key it went through, and the first it skipped (0: none).

    ``again``: another pass has gone through all before.
    """

    key: int = 0
    skipped: int = 0
    again: bool = False

    @classmethod
    def read(cls, cursor: str) -> "_Place":
        key, skipped, again = (*map(int, cursor.split()), 0, 0, 0)[:3]
        return cls(key, skipped, bool(again))

    def __str__(self) -> str:
        return f"{self.key} {self.skipped} {self.again:d}"


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
