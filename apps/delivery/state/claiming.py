"""Create the deliveries of claimed chunks, and count these and what was taken up again."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from apps.core import arrays
from apps.delivery.outbox import delivery_numbers
from apps.delivery.outbox.pending import LockedChunk
from apps.delivery.state import counts, ordering
from apps.delivery.state.eligibility.audience import (
    AUDIENCE,
    CONFIRMED_AUDIENCE,
    CONFIRMED_SUBSCRIBERS,
    MEMBERS,
    REASON,
    REFUSAL,
    REFUSED_BY,
    SUBSCRIBERS,
    listed,
)
from apps.delivery.state.eligibility.rules import ChunkToDeliver
from apps.delivery.state.fallback import NEEDLESS, reporting
from apps.delivery.state.signals import deliveries_moved
from notifier.domain.states import DeliveryState


class Claimed(NamedTuple):  # the row itself: a dataclass would cost a microsecond more
    """A delivery that a claim created or took up, with what a worker needs to address it.

    The worker sends it where its ``state`` is ``sending``; the columns of its contact are null
    where it is not.
    """

    #: ``None`` where the claim created it.
    state_before: str | None
    state: str
    delivery_id: int
    notification_id: str
    attempts: int
    #: Attempts that the retry policy does not count.
    attempts_uncounted: int
    #: The dead delivery in whose place this one is sent, if any.
    instead_of: int | None
    contact_id: int
    address: memoryview
    address_index: memoryview
    platform: str
    app: str
    secret: memoryview | None
    #: Rotated secrets, which still sign for a day beside ``secret``.
    former_secrets: list[memoryview] | None
    user_id: str
    locale: str
    #: The recipient's zone, and their own quiet hours as JSON: see ``QuietColumns``.
    time_zone: str | None
    quiet_hours: str | None
    #: The provider at fault for the failure of the last attempt; or empty.
    failed_at: str
    #: True if a provider may have it already, because an earlier call went unanswered.
    unanswered: bool
    #: ``None`` for a bare endpoint.
    recipient_id: int | None
    #: The step of the notification's fallback that it belongs to; 0 for the first channels.
    step: int


# The columns of ``Claimed`` for the rows of ``moved``, but for the state before.
ADDRESSED = """
 moved.state, moved.id, moved.notification_id::text, moved.attempts, moved.attempts_uncounted,
 moved.instead_of, moved.contact_id,
 k.address, k.address_index, k.platform, k.app, k.secret,
 CASE WHEN k.former_secrets IS NOT NULL THEN
     (SELECT array_agg(f.secret) FROM unnest(k.former_secrets, k.former_secrets_until)
                                      AS f (secret, until)
       WHERE f.until > clock_timestamp()) END, coalesce(r.user_id, ''),
 coalesce(r.locale, ''),
 CASE WHEN %(may_wait)s AND (%(company)s OR r.quiet_hours IS NOT NULL) THEN r.time_zone END,
 CASE WHEN %(may_wait)s THEN r.quiet_hours::text END, {failed_at}, {unanswered},
 moved.recipient_id, moved.step
  FROM moved
  LEFT JOIN preferences_contact k ON k.id = moved.contact_id AND moved.state = 'sending'
  LEFT JOIN preferences_recipient r ON r.id = moved.recipient_id
"""
# Insert the rows of ``judged`` as deliveries; those that exist already (``ON CONFLICT``) stay as
# they are. Deliveries beyond the ``most`` of one claim are queued and due at once, for any worker.
_INSERT = """
moved AS (
    INSERT INTO delivery_delivery (id, notification_id, chunk_id, publisher_id, contact_id,
                                   recipient_id, channel, priority, state, reason, refused_by,
                                   next_attempt_at, created_at, updated_at{and_step})
    SELECT {new_id}, {notification_id}, %(claim_id)s, {publisher_id}, contact_id, recipient_id,
           %(channel)s, %(priority)s, after, {reason}, {refused_by},
           CASE WHEN after = 'queued' THEN clock_timestamp() END, clock_timestamp(),
           clock_timestamp(){and_its_step}
      FROM (SELECT *, CASE WHEN refusal IS NOT NULL THEN 'suppressed'
                           WHEN {expires_at} <= clock_timestamp() THEN 'expired'
                           WHEN row_number() OVER () > %(most)s THEN 'queued'
                           ELSE 'sending' END AS after
              FROM judged) decided
    ON CONFLICT DO NOTHING
    RETURNING id, notification_id, state, attempts, attempts_uncounted, instead_of,
              contact_id, recipient_id, step
)
"""
_WRITTEN = {
    "reason": REASON.format(refusal="refusal"),
    "refused_by": REFUSED_BY.format(refusal="refusal"),
}
_SELECTED = " SELECT NULL, " + ADDRESSED.format(failed_at="''", unanswered="false")


def _of_step(step: str) -> dict[str, str]:
    """Return what completes ``_INSERT`` for deliveries of a step, given in SQL; empty for none."""
    return {"and_step": ", step" if step else "", "and_its_step": f", {step}" if step else ""}


# The audience of a chunk that was cut, as ``judged``: its recipients' contacts, and why each must
# not be sent to.
JUDGED_CUT = (
    "WITH {subscribers}, {audience}"
    + ", judged AS MATERIALIZED (SELECT a.recipient_id, a.contact_id, "
    + REFUSAL.format(
        channel="%(channel)s",
        mandatory="%(mandatory)s",
        topic_id="%(topic_id)s",
        category="%(category)s",
        off="%(off)s",
    )
    + " AS refusal FROM audience a{but})"
)


def create_cut_statement(step: str = "") -> str:
    """Return the statement that creates a cut chunk's deliveries, for ``for_cut`` to complete.

    ``step``: the SQL of their step, if they are of one.
    """
    return (
        JUDGED_CUT
        + ", "
        + _INSERT.format(
            new_id=delivery_numbers.NEW.format(notification_id="%(notification_id)s"),
            notification_id="%(notification_id)s",
            publisher_id="%(publisher_id)s",
            expires_at="%(expires_at)s::timestamptz",
            **_WRITTEN,
            **_of_step(step),
        )
        + _SELECTED
    )


_CREATE_CUT = create_cut_statement()

# The same for named recipients and contacts, of any number of notifications, each by its own rules.
# ``columns``: more of each slice, from these ``parameters``. ``who``: those who are not left out.
_JUDGED_NAMED = (
    """
WITH slice AS MATERIALIZED (
    SELECT * FROM unnest(%(slices)s::int[], %(notifications)s::uuid[], %(publishers)s::bigint[],
                         %(topics)s::bigint[], %(categories)s::text[], %(off)s::bool[],
                         %(mandatory)s::bool[], %(expiries)s::timestamptz[],
                         {parameters})
      AS s (slice, notification_id, publisher_id, topic_id, category, off, mandatory, expires_at,
            {columns})
), subscriber AS MATERIALIZED (
    SELECT * FROM unnest(%(of_slices)s::int[], %(recipients)s::bigint[], %(contacts)s::bigint[])
      AS n (slice, recipient_id, contact_id)
), addressed AS MATERIALIZED (
    SELECT s.slice, s.recipient_id, k.id AS contact_id, k.state AS contact_state, k.address_index
      FROM subscriber s
      LEFT JOIN preferences_contact k
        ON k.recipient_id = s.recipient_id AND k.channel = %(channel)s AND k.state = 'active'
     WHERE s.contact_id IS NULL
    UNION ALL
    SELECT s.slice, k.recipient_id, k.id, k.state, k.address_index
      FROM subscriber s JOIN preferences_contact k ON k.id = s.contact_id
), audience AS (
    SELECT * FROM addressed JOIN slice USING (slice)
), judged AS MATERIALIZED (
    SELECT a.*, """
    + REFUSAL.format(
        channel="%(channel)s",
        mandatory="a.mandatory",
        topic_id="a.topic_id",
        category="a.category",
        off="a.off",
    )
    + """ AS refusal FROM audience a
     WHERE {who}
)"""
)


def create_named_statement(judged: str, step: str = "") -> str:
    """Return the statement that creates the deliveries of ``judged``; ``step``: as above."""
    insert = _INSERT.format(
        new_id=delivery_numbers.NEW.format(notification_id="notification_id"),
        notification_id="notification_id",
        publisher_id="publisher_id",
        expires_at="expires_at",
        **_WRITTEN,
        **_of_step(step),
    )
    return f"{judged}, {insert}{_SELECTED}"


def judged_named(parameters: str, columns: str, who: str) -> str:
    """Return ``JUDGED_NAMED`` with other columns of each slice, and for others of the audience."""
    return _JUDGED_NAMED.format(parameters=parameters, columns=columns, who=who)


JUDGED_NAMED = judged_named(
    "%(fallbacks)s::bool[]",
    "fallback",
    f"NOT a.fallback OR NOT {NEEDLESS.replace('%(notification_id)s', 'a.notification_id')}",
)
_CREATE_NAMED = create_named_statement(JUDGED_NAMED)


class QuietColumns(NamedTuple):
    """The choice of a claim's recipients whose zone and quiet hours are read.

    ``may_wait``: those who have quiet hours of their own; ``company``: the others as well.
    """

    may_wait: bool = False
    company: bool = False


NOBODY = QuietColumns()


class ClaimBudget(NamedTuple):
    """The claim that deliveries are created for, which sends ``most`` of them."""

    claim_id: int
    channel: str
    priority: str
    most: int
    quiet: QuietColumns = NOBODY

    def spent(self, number: int) -> "ClaimBudget":
        """Return what is left of it after ``number`` deliveries."""
        return self._replace(most=self.most - number)

    def parameters(self) -> dict[str, int | str | bool]:
        """Return it as parameters of a statement."""
        return {
            "claim_id": self.claim_id,
            "channel": self.channel,
            "priority": self.priority,
            "most": self.most,
            **self.quiet._asdict(),
        }


def create_deliveries(budget: ClaimBudget, todo: Sequence[ChunkToDeliver]) -> list[Claimed]:
    """Create the deliveries of these chunks, in the claim's transaction.

    Deliveries that are refused or expired are created, too, with their reason; and so are those
    beyond the budget, since a chunk is of so many recipients and these may have several addresses
    each.
    """
    named = [one for one in todo if not one.chunk.cut]
    rows = _create_named(budget, named) if named else []
    for one in (one for one in todo if one.chunk.cut):
        rows += _create_cut(budget.spent(len(rows)), one)
    give_reasons(todo, rows)
    return rows


def give_reasons(todo: Sequence[ChunkToDeliver], rows: Sequence[Claimed]) -> None:
    """Record why those of the new ``rows`` have expired that did before they were due."""
    passed = {str(one.chunk.notification_id) for one in todo if one.rules.passed}
    if not passed:
        return
    delivery_ids = [row.delivery_id for row in rows if row.notification_id in passed]
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE delivery_delivery d SET reason = 'local_time_passed'
                 FROM delivery_notification n
                WHERE d.id = ANY(%s) AND d.state = 'expired' AND n.id = d.notification_id
                  AND (n.expires_at > clock_timestamp() OR n.expires_at IS NULL)""",
            [delivery_ids],
        )


def create_in_order(budget: ClaimBudget, one: ChunkToDeliver) -> list[Claimed]:
    """Create the deliveries of a chunk under an ordering key.

    Those that are not at the front of their line wait. The caller holds the lock of the line.
    """
    return ordering.hold_back(one.chunk, create_deliveries(budget, [one]))


def _create_named(budget: ClaimBudget, todo: Sequence[ChunkToDeliver]) -> list[Claimed]:
    with connection.cursor() as cursor:
        cursor.execute(_CREATE_NAMED, {**budget.parameters(), **named_parameters(todo)})
        return [Claimed._make(row) for row in cursor.fetchall()]


def named_parameters(todo: Sequence[ChunkToDeliver]) -> dict[str, Any]:
    """Return the parameters of ``JUDGED_NAMED``, but for the channel."""
    members = [
        (number, recipient_id, contact_id)
        for number, one in enumerate(todo)
        for recipient_id, contact_id in _members(one.chunk)
    ]
    return {
        "slices": arrays.numbers(range(len(todo))),
        "notifications": arrays.texts(str(one.chunk.notification_id) for one in todo),
        "publishers": arrays.numbers(one.chunk.publisher_id for one in todo),
        "topics": arrays.numbers(one.rules.topic_id for one in todo),
        "categories": arrays.texts(one.rules.category for one in todo),
        "off": arrays.numbers(one.rules.off for one in todo),
        "mandatory": arrays.numbers(one.rules.mandatory for one in todo),
        "expiries": arrays.times(one.rules.ends_at for one in todo),
        "fallbacks": arrays.numbers(one.rules.fallback for one in todo),
        "of_slices": arrays.numbers(number for number, _, _ in members),
        "recipients": arrays.numbers(recipient for _, recipient, _ in members),
        "contacts": arrays.numbers(contact for _, _, contact in members),
        "reporting": reporting(),
    }


def _members(chunk: LockedChunk) -> Sequence[tuple[int | None, int | None]]:
    """Return the recipient and contact ids that a chunk names; one of each pair is ``None``."""
    if chunk.contact_ids is not None:
        return [(None, contact_id) for contact_id in chunk.contact_ids]
    return [(recipient_id, None) for recipient_id in chunk.recipient_ids or ()]


def _create_cut(budget: ClaimBudget, todo: ChunkToDeliver) -> list[Claimed]:
    with connection.cursor() as cursor:
        cursor.execute(for_cut(_CREATE_CUT, todo), {**budget.parameters(), **cut_parameters(todo)})
        return [Claimed._make(row) for row in cursor.fetchall()]


def for_cut(statement: str, todo: ChunkToDeliver, needless: str = "") -> str:
    """Fill in what ``JUDGED_CUT``, with which the statement begins, leaves to chunk and rules.

    ``needless``: the SQL of whom a step leaves out.
    """
    chunk, rules = todo
    who = needless or (NEEDLESS if rules.fallback else "")
    if rules.group_id is not None:
        subscribers = MEMBERS
    else:
        subscribers = CONFIRMED_SUBSCRIBERS if rules.confirming else SUBSCRIBERS
    return statement.format(
        subscribers=subscribers if chunk.member_ids is None else listed(subscribers),
        audience=CONFIRMED_AUDIENCE if rules.confirming else AUDIENCE,
        but=f" WHERE NOT {who}" if who else "",
    )


def cut_parameters(todo: ChunkToDeliver) -> dict[str, Any]:
    """Return the parameters of ``JUDGED_CUT``, but for the channel."""
    chunk, rules = todo
    return {
        "notification_id": chunk.notification_id,
        "publisher_id": chunk.publisher_id,
        "low_id": chunk.low_id,
        "high_id": chunk.high_id,
        "member_ids": chunk.member_ids,
        "topic_id": rules.topic_id,
        "group_id": rules.group_id,
        "reachable_only": rules.reachable_only,
        "category": rules.category,
        "off": rules.off,
        "mandatory": rules.mandatory,
        "expires_at": rules.ends_at,
        "reporting": reporting() if rules.fallback else None,
    }


def report_moves(channel: str, rows: Sequence[Claimed]) -> list[Claimed]:
    """Count and signal the moves of ``rows``; return the deliveries that this worker now sends.

    ``rows``: what ``create_deliveries`` and ``resumption.resume_due`` returned.
    """
    moves: counts.Moves = Counter()
    for (notification_id, before, after), number in Counter(
        (row.notification_id, row.state_before, row.state)
        for row in rows
        if row.state_before != row.state
    ).items():
        moves[notification_id, channel, after] += number
        if before is not None:
            moves[notification_id, channel, before] -= number
    deliveries_moved.send(
        None,
        moves=[(row.delivery_id, row.state) for row in rows if row.state_before != row.state],
    )
    counts.add(moves)
    return [row for row in rows if row.state == DeliveryState.SENDING]
