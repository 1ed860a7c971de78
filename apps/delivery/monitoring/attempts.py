"""Attempts over time, with latencies: what the charts of the admin show.

Read from three tables, each only where the one with longer spans does not reach: hours, spans of
five minutes, and minutes (``MinuteCount``, ``SpanCount``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from notifier.domain.histograms import BUCKETS

#: Lengths of spans, in seconds.
FIVE_MINUTES, HOUR = 300, 3600


def _added_up(first: int) -> str:
    """Return SQL for the sum of the rows' histograms of which this is the first element."""
    buckets = (f"coalesce(sum(latencies[{place}]), 0)" for place in range(first, first + BUCKETS))
    return f"ARRAY[{', '.join(buckets)}]::int[]"


#: SQL that adds up the two histograms of ``latencies`` over the rows of a group.
DURATIONS, WAITS = _added_up(1), _added_up(1 + BUCKETS)


class Step(NamedTuple):
    """Attempts by one channel and provider within one step of a range, from ``since`` on.

    ``accepted`` and ``failed`` are calls by their outcome; ``delivered`` are messages of which
    somebody said within the step that they arrived. ``durations`` of calls and ``waits`` for them
    are histograms: see ``MinuteCount``.
    """

    since: datetime
    channel: str
    provider: str
    accepted: int
    failed: int
    delivered: int
    durations: Sequence[int]
    waits: Sequence[int]


@dataclass(frozen=True, slots=True)
class Error:
    """Number of attempts that failed for one reason."""

    channel: str
    provider: str
    reason: str
    count: int


def steps(since: datetime, until: datetime, step: timedelta, provider: str = "") -> list[Step]:
    """Return the attempts from ``since`` to before ``until``, of all providers or of one.

    ``step`` is a minute, or some times five minutes or an hour that divide a day; ``since`` and
    ``until`` are multiples of it. Steps without attempts are left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _STEPS.format(rows=_rows(step, _COUNTED, _COUNTED_BY_MINUTE)),
            {"since": since, "until": until, "step": step.total_seconds(), "provider": provider},
        )
        return [Step(*row) for row in cursor.fetchall()]


def errors(
    since: datetime, until: datetime, step: timedelta, most: int, provider: str = ""
) -> list[Error]:
    """Return the ``most`` frequent reasons of attempts that failed, the most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ERRORS.format(rows=_rows(step, _REASONS, _REASONS_BY_MINUTE)),
            {"since": since, "until": until, "provider": provider, "most": most},
        )
        return [Error(*row) for row in cursor.fetchall()]


def _rows(step: timedelta, spans: str, minutes: str) -> str:
    """Return SQL for the rows of the longest spans that are no longer than a step, and the rest."""
    lengths = [one for one in (HOUR, FIVE_MINUTES) if one <= step.total_seconds()]
    ends = [f"({_END.format(seconds=one)})" for one in lengths]
    parts = [
        f"{spans} AND seconds = {one} AND since >= {_latest(ends[:place])}"
        for place, one in enumerate(lengths)
    ]
    return "\nUNION ALL\n".join([*parts, f"{minutes} AND minute >= {_latest(ends)}"])


def _latest(moments: Sequence[str]) -> str:
    return f"greatest({', '.join(['%(since)s', *moments])})"


_END = """
SELECT max(since) + make_interval(secs => {seconds})
  FROM delivery_spancount WHERE seconds = {seconds}"""
_COUNTED = """
SELECT since, channel, provider, accepted, failed, delivered, latencies FROM delivery_spancount
 WHERE since < %(until)s AND %(provider)s IN ('', provider)"""
_COUNTED_BY_MINUTE = """
SELECT minute AS since, channel, provider, CASE WHEN outcome = 'accepted' THEN count ELSE 0 END,
       CASE WHEN outcome <> 'accepted' THEN count ELSE 0 END, delivered, latencies
  FROM delivery_minutecount
 WHERE minute < %(until)s AND %(provider)s IN ('', provider)"""
_STEPS = f"""
SELECT date_bin(make_interval(secs => %(step)s), since, 'epoch'), channel, provider,
       sum(accepted)::bigint, sum(failed)::bigint, sum(delivered)::bigint, {DURATIONS}, {WAITS}
  FROM ({{rows}}) AS found (since, channel, provider, accepted, failed, delivered, latencies)
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
"""
_REASONS = """
SELECT channel, provider, of.reason, of.number::bigint
  FROM delivery_spancount, jsonb_each_text(reasons) AS of (reason, number)
 WHERE since < %(until)s AND %(provider)s IN ('', provider)"""
_REASONS_BY_MINUTE = """
SELECT channel, provider, reason, count FROM delivery_minutecount
 WHERE outcome <> 'accepted' AND minute < %(until)s AND %(provider)s IN ('', provider)"""
_ERRORS = """
SELECT channel, provider, reason, sum(number)::bigint AS total
  FROM ({rows}) AS found (channel, provider, reason, number)
 GROUP BY 1, 2, 3
 ORDER BY total DESC, 1, 2, 3
 LIMIT %(most)s
"""
