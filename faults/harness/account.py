"""The account of one trial: what was accepted, what the database says, what providers received."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from faults.harness.load import ITEM, Posted
from faults.harness.service import Service
from notifier.domain.ids import delivery_ids
from notifier.domain.states import WAITING, DeliveryState

#: States in which the provider has the message, or may have it.
SENT = frozenset(
    {
        DeliveryState.ACCEPTED,
        DeliveryState.DELIVERED,
        DeliveryState.BOUNCED,
        DeliveryState.UNKNOWN,
    }
)
#: Kind of a notification to people who have frequency caps, and need not get it.
CAPPED = "capped"
#: Seconds between the worker's reading of its clock and the provider's record.
ON_THE_WAY = 0.5
PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery in the database; times in unix seconds."""

    id: str
    notification: str
    state: str
    created_at: float
    updated_at: float
    accepted_at: float
    #: Start of the worker's last call, and the number of calls with an unknown outcome, by its own
    #: record of attempts.
    called_at: float | None = None
    no_answer: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """The result of the comparison. ``problems``: sentences on what does not add up.

    ``unanswered``: the duplicates that calls without an answer explain, one for each such call.
    """

    accepted: int
    terminal: int
    waiting: int
    lost: int
    duplicates: int
    unanswered: int
    after_cancel: int
    after_expiry: int
    states: Mapping[str, int]
    codes: list[float]
    last_change: float
    problems: list[str]


def rows(service: Service, ids: Iterable[str]) -> list[Row]:
    """Return the deliveries of these notifications.

    One that a digest told has the id of the delivery that told it, which its provider has.
    """
    found = service.sql(
        """SELECT coalesce(d.told_in, d.id)::text, n.id::text, d.state,
                  extract(epoch FROM d.created_at)::float8,
                  extract(epoch FROM d.updated_at)::float8,
                  extract(epoch FROM n.created_at)::float8,
                  a.called_at, a.no_answer
             FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id,
                  LATERAL (SELECT extract(epoch FROM max(started_at))::float8 AS called_at,
                                  count(*) FILTER (WHERE outcome = 'unknown') AS no_answer
                             FROM delivery_attempt WHERE delivery_id = d.id) a
            WHERE n.id = ANY(%s::uuid[])""",
        list(ids),
    )
    return [Row(*row) for row in found]


def ledger(service: Service) -> list[dict[str, Any]]:
    """Return all that the stand-in providers received, oldest first; deliveries by their keys."""
    entries: list[dict[str, Any]] = []
    since = 0
    while page := service.sandbox.messages(since=since, limit=PAGE):
        entries += page
        since = page[-1]["seq"]
    for entry in entries:
        if (name := delivery_ids.parse(entry["delivery_id"])) is not None:
            entry["delivery_id"] = str(name.number)
    return entries


def balance(
    posted: Mapping[str, Posted],
    deliveries: list[Row],
    entries: list[dict[str, Any]],
    before: float,
    *,
    forgotten: bool = False,
) -> Account:
    """Compare the deliveries of the published notifications with the ledger's entries.

    ``forgotten``: whether the database may lack deliveries that the provider has.
    ``last_change``: of deliveries accepted ``before`` that time, in unix seconds.
    """
    arrivals = Counter(e["delivery_id"] for e in entries if e["accepted"])
    problems: list[str] = []

    by_notification = Counter(row.notification for row in deliveries)
    lost = taken_back = 0
    for one in posted.values():
        missing = one.audience - by_notification[one.id]
        if one.cancelled_at is not None and missing >= 0:
            taken_back += missing
        elif missing > 0:
            lost += missing
            problems.append(f"{missing} deliveries of a {one.kind} were never made")
        elif missing < 0:
            problems.append(f"{-missing} deliveries too many of a {one.kind}")

    untrue: Counter[str] = Counter()
    for row in deliveries:
        one = posted[row.notification]
        if row.state in WAITING or (one.kind == ITEM and row.state == DeliveryState.DELIVERED):
            continue
        arrived, says_sent = arrivals[row.id] > 0, row.state in SENT
        excused = (
            one.cancelled_at is not None
            if row.state == DeliveryState.CANCELLED
            else one.expires_at is not None
            if row.state == DeliveryState.EXPIRED
            else one.kind == CAPPED
            if row.state == DeliveryState.SUPPRESSED
            else row.state == DeliveryState.UNKNOWN and one.kind != "blast" and one.kind != "code"
        )
        if not arrived and not excused:
            lost += 1
            problems.append(f"a {one.kind} is {row.state}, and its provider never had it")
        if arrived and not says_sent:
            untrue[row.state] += 1
    for state, number in untrue.items():
        problems.append(f"{number} are {state}, and their provider has them")
    strangers = arrivals.keys() - {row.id for row in deliveries}
    if strangers and not forgotten:
        problems.append(f"the provider has {len(strangers)} that nobody published")

    terminal = sum(row.state not in WAITING for row in deliveries) + taken_back
    return Account(
        accepted=sum(one.audience for one in posted.values()),
        terminal=terminal,
        waiting=sum(row.state in WAITING for row in deliveries),
        lost=lost,
        duplicates=sum(number - 1 for number in arrivals.values()),
        unanswered=sum(min(max(0, arrivals[row.id] - 1), row.no_answer) for row in deliveries),
        after_cancel=_after_cancel(posted, deliveries, entries),
        after_expiry=_after_expiry(posted, deliveries, entries),
        states=dict(Counter(row.state for row in deliveries)),
        codes=_code_waits(posted, deliveries, entries),
        last_change=max(
            (row.updated_at for row in deliveries if row.accepted_at < before), default=before
        ),
        problems=_shortened(problems),
    )


def _after_cancel(
    posted: Mapping[str, Posted], deliveries: list[Row], entries: list[dict[str, Any]]
) -> int:
    """Count calls after a cancel was answered, except one for each delivery in flight by then."""
    cancelled = {
        row.id: (row, one)
        for row in deliveries
        if (one := posted[row.notification]).cancelled_at is not None
    }
    late: Counter[str] = Counter()
    for entry in entries:
        if found := cancelled.get(entry["delivery_id"]):
            row, one = found
            assert one.cancelled_at is not None
            if entry["at"] > one.cancelled_at:
                late[row.id] += 1
    total = 0
    for key, number in late.items():
        row, one = cancelled[key]
        assert one.cancelled_at is not None
        excused = key in one.sending and row.created_at < one.cancelled_at
        total += number - excused
    return total


def _after_expiry(
    posted: Mapping[str, Posted], deliveries: list[Row], entries: list[dict[str, Any]]
) -> int:
    """Count calls that reached the provider after expiry, except those that began before it.

    On a busy machine a call takes long to reach the provider.
    """
    ends = {
        row.id: one.expires_at
        for row in deliveries
        if (one := posted[row.notification]).expires_at is not None
        and not (row.called_at is not None and row.called_at < one.expires_at)
    }
    return sum(
        1
        for entry in entries
        if (end := ends.get(entry["delivery_id"])) is not None and entry["at"] > end + ON_THE_WAY
    )


def _code_waits(
    posted: Mapping[str, Posted], deliveries: list[Row], entries: list[dict[str, Any]]
) -> list[float]:
    """Return the sorted seconds from each one-time code's acceptance to its arrival."""
    first: dict[str, float] = {}
    for entry in entries:
        if entry["accepted"]:
            first.setdefault(entry["delivery_id"], entry["at"])
    return sorted(
        first[row.id] - row.accepted_at
        for row in deliveries
        if posted[row.notification].kind == "code" and row.id in first
    )


def _shortened(problems: list[str]) -> list[str]:
    return [
        text if number == 1 else f"{text} (x{number})" for text, number in Counter(problems).items()
    ]
