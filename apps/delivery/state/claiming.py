"""Make deliveries of chunks or take up due ones, and move to sending what may be sent."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from apps.core import arrays
from apps.delivery.models import ChunkKind
from apps.delivery.outbox.pending import Slice
from apps.delivery.state import counts, deferral, ordering
from apps.delivery.state.audience import (
    AUDIENCE,
    CONFIRMED_AUDIENCE,
    CONFIRMED_SUBSCRIBERS,
    MEMBERS,
    SUBSCRIBERS,
)
from apps.delivery.state.fallback import REACHED, reporting
from apps.delivery.state.signals import deliveries_moved
from notifier.dispatch.failover import FAULTS
from notifier.domain.states import DeliveryState


class Claimed(NamedTuple):  # as a row comes: a dataclass would cost a microsecond more
    """One delivery that this worker now sends, with what it takes to address it."""

    delivery_id: int
    notification_id: str
    attempts: int
    attempts_uncounted: int
    instead_of: int | None
    contact_id: int
    address: memoryview
    address_index: memoryview
    platform: str
    app: str
    secret: memoryview | None
    #: Secrets that sign, too, since they were exchanged less than a day ago.
    former_secrets: list[memoryview] | None
    user_id: str
    locale: str
    #: The provider whose fault it was that the last attempt failed.
    failed_at: str
    #: Whether a provider may have it already: an earlier call went unanswered.
    unanswered: bool


# Why a contact must not be sent to; null where nothing speaks against it. The most specific
# preference decides; a mandatory topic is not subject to preferences, only to suppressions, and
# nor is what no publisher published (a confirmation).
_REFUSAL = """
CASE WHEN a.contact_id IS NULL THEN 'no_address'
     WHEN a.contact_state <> 'active' THEN 'contact_disabled'
     ELSE coalesce(
        (SELECT x.reason FROM preferences_suppression x
          WHERE x.channel = {channel} AND x.address_index = a.address_index),
        (SELECT CASE WHEN NOT chosen.allowed THEN 'preference' END
           FROM (SELECT p.allowed FROM preferences_preference p
                  WHERE NOT {mandatory}
                    AND p.recipient_id = a.recipient_id
                    AND (p.channel = '' OR p.channel = {channel})
                    AND (p.topic_id IS NULL OR p.topic_id = {topic_id})
                    AND (p.category = '' OR p.category = {category})
                  ORDER BY (p.topic_id IS NOT NULL) DESC, (p.category <> '') DESC,
                           (p.channel <> '') DESC
                  LIMIT 1) chosen))
END
"""
# Somebody who left the topic between two attempts gets no further one; an endpoint that is sent to
# instead never subscribed.
_UNSUBSCRIBED = """
coalesce(CASE WHEN a.topic_id IS NOT NULL AND a.instead_of IS NULL
     AND NOT EXISTS (SELECT FROM topics_subscription s
                      WHERE s.topic_id = a.topic_id AND s.channel = a.channel
                        AND s.recipient_id = a.recipient_id AND s.state = 'active')
     AND NOT EXISTS (SELECT FROM topics_subscription s
                      WHERE s.topic_id = a.topic_id AND s.contact_id = a.contact_id
                        AND s.state = 'active')
     THEN 'unsubscribed' END, """
_ADDRESSED = """
 moved.state, moved.id, moved.notification_id::text, moved.attempts, moved.attempts_uncounted,
 moved.instead_of, moved.contact_id,
 k.address, k.address_index, k.platform, k.app, k.secret,
 CASE WHEN k.former_secrets IS NOT NULL THEN
     (SELECT array_agg(f.secret) FROM unnest(k.former_secrets, k.former_secrets_until)
                                      AS f (secret, until)
       WHERE f.until > clock_timestamp()) END, coalesce(r.user_id, ''),
 coalesce(r.locale, ''), {failed_at}, {unanswered}
  FROM moved
  LEFT JOIN preferences_contact k ON k.id = moved.contact_id AND moved.state = 'sending'
  LEFT JOIN preferences_recipient r ON r.id = moved.recipient_id
"""
# From the attempt, since what holds a delivery back meanwhile writes over its own reason.
_FAILED_AT = """
 coalesce((SELECT a.provider FROM delivery_attempt a
            WHERE a.delivery_id = moved.id AND a.number = moved.attempts
              AND a.outcome IN ('retry', 'refused') AND a.reason = ANY(%(faults)s)), '')
"""
_UNANSWERED = """
 EXISTS (SELECT FROM delivery_attempt a WHERE a.delivery_id = moved.id AND a.outcome = 'unknown')
"""
# What was judged, as deliveries; what is made already (``ON CONFLICT``) is left as it is. Those
# beyond so many as one claim may have are due at once, for any worker.
_INSERT = """
moved AS (
    INSERT INTO delivery_delivery (notification_id, chunk_id, publisher_id, contact_id,
                                   recipient_id, channel, priority, state, reason,
                                   next_attempt_at, created_at, updated_at)
    SELECT {notification_id}, %(claim_id)s, {publisher_id}, contact_id, recipient_id, %(channel)s,
           %(priority)s, after, coalesce(refusal, ''),
           CASE WHEN after = 'queued' THEN clock_timestamp() END, clock_timestamp(),
           clock_timestamp()
      FROM (SELECT *, CASE WHEN refusal IS NOT NULL THEN 'suppressed'
                           WHEN {expires_at} <= clock_timestamp() THEN 'expired'
                           WHEN row_number() OVER () > %(most)s THEN 'queued'
                           ELSE 'sending' END AS after
              FROM judged) decided
    ON CONFLICT DO NOTHING
    RETURNING id, notification_id, state, attempts, attempts_uncounted, instead_of,
              contact_id, recipient_id
)
"""
_CREATE = (
    "WITH {subscribers}, {audience}"
    + ", judged AS MATERIALIZED (SELECT a.recipient_id, a.contact_id, "
    + _REFUSAL.format(
        channel="%(channel)s",
        mandatory="%(mandatory)s",
        topic_id="%(topic_id)s",
        category="%(category)s",
    )
    + " AS refusal FROM audience a{but}), "
    + _INSERT.format(
        notification_id="%(notification_id)s",
        publisher_id="%(publisher_id)s",
        expires_at="%(expires_at)s::timestamptz",
    )
    + " SELECT NULL, "
    + _ADDRESSED.format(failed_at="''", unanswered="false")
)

# The same for named recipients and contacts of any notifications at once, each on its own terms.
_MAKE = (
    """
WITH slice AS MATERIALIZED (
    SELECT * FROM unnest(%(slices)s::int[], %(notifications)s::uuid[], %(publishers)s::bigint[],
                         %(topics)s::bigint[], %(categories)s::text[], %(mandatory)s::bool[],
                         %(expiries)s::timestamptz[], %(fallbacks)s::bool[])
      AS s (slice, notification_id, publisher_id, topic_id, category, mandatory, expires_at,
            fallback)
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
    + _REFUSAL.format(
        channel="%(channel)s",
        mandatory="a.mandatory",
        topic_id="a.topic_id",
        category="a.category",
    )
    + f""" AS refusal FROM audience a
     WHERE NOT a.fallback OR NOT {REACHED.replace("%(notification_id)s", "a.notification_id")}
), """
    + _INSERT.format(
        notification_id="notification_id", publisher_id="publisher_id", expires_at="expires_at"
    )
    + " SELECT NULL, "
    + _ADDRESSED.format(failed_at="''", unanswered="false")
)

# Deliveries that are due again. Those of a paused topic go on waiting: no attempt is used up, and
# where nobody can resume it before this is written they wait until it is resumed.
_RESUME = (
    """
WITH audience AS (
    SELECT d.id, d.state AS before, d.recipient_id, d.contact_id, d.channel, d.instead_of,
           k.state AS contact_state, k.address_index,
           n.cancelled_at, n.expires_at, n.topic_id, t.paused_at,
           coalesce(t.mandatory, n.kind <> 'published') AS mandatory,
           coalesce(t.category, '') AS category
      FROM delivery_delivery d
      JOIN delivery_notification n ON n.id = d.notification_id
      LEFT JOIN topics_topic t ON t.id = n.topic_id
      LEFT JOIN preferences_contact k ON k.id = d.contact_id
     WHERE d.id = ANY(%(ids)s::bigint[])
), judged AS (
    SELECT a.*, """
    + _UNSUBSCRIBED
    + _REFUSAL.format(
        channel="a.channel", mandatory="a.mandatory", topic_id="a.topic_id", category="a.category"
    )
    + """) AS refusal FROM audience a
), decided AS (
    SELECT id, before, refusal,
           CASE WHEN cancelled_at IS NOT NULL THEN 'cancelled'
                WHEN expires_at <= clock_timestamp() THEN 'expired'
                WHEN refusal IS NOT NULL THEN 'suppressed'
                WHEN paused_at IS NOT NULL THEN 'retrying'
                ELSE 'sending' END AS after,
           coalesce(CASE WHEN (topic_id = ANY(%(held)s::bigint[])) IS NOT TRUE
                         THEN clock_timestamp() + %(shortest_hold)s END, 'infinity') AS held_until
      FROM judged
), moved AS (
    UPDATE delivery_delivery d
       SET state = CASE WHEN j.after IN ('sending', 'retrying') THEN j.after
                        WHEN EXISTS (SELECT FROM delivery_attempt a
                                      WHERE a.delivery_id = d.id AND a.outcome = 'unknown')
                        THEN 'unknown' ELSE j.after END,
           reason = CASE WHEN j.after = 'retrying' THEN 'topic_paused'
                         WHEN j.after = 'suppressed' THEN j.refusal
                         ELSE d.reason END,
           chunk_id = %(claim_id)s,
           next_attempt_at = CASE WHEN j.after = 'retrying' THEN j.held_until END,
           updated_at = clock_timestamp()
      FROM decided j
     WHERE d.id = j.id
    RETURNING d.id, d.notification_id, d.state, d.attempts, d.attempts_uncounted,
              d.instead_of, d.contact_id, d.recipient_id, d.channel, d.provider, j.before
)
SELECT moved.before, """
    + _ADDRESSED.format(failed_at=_FAILED_AT, unanswered=_UNANSWERED)
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides over a notification's deliveries: its topic's rules and its expiry.

    ``group_id`` and ``reachable_only``: see ``apps.delivery.models.Notification``. ``fallback``:
    whom its other channels reached gets no delivery. ``confirming``: the topic requires it.
    """

    topic_id: int | None
    group_id: int | None
    reachable_only: bool
    category: str
    mandatory: bool
    expires_at: datetime | None
    fallback: bool = False
    confirming: bool = False


class Making(NamedTuple):
    """A claim for which deliveries are made, ``most`` of them to be sent by it."""

    claim_id: int
    channel: str
    priority: str
    most: int

    def less(self, number: int) -> "Making":
        """The same after so many deliveries."""
        return self._replace(most=self.most - number)


class Cut(NamedTuple):
    """A chunk and the terms of its notification."""

    slice: Slice
    terms: Terms


def make(claim: Making, cuts: Sequence[Cut]) -> list[tuple]:
    """Make the deliveries of these chunks: rows of state before, state after, ``Claimed``'s.

    What is refused or expired is made, too, with its reason, and what the claim has no room for:
    a chunk is of so many people, and these have more addresses than one. Runs in the claim's
    transaction.
    """
    named = [cut for cut in cuts if cut.slice.kind != ChunkKind.RANGE]
    rows = _make(claim, named) if named else []
    for cut in cuts:
        if cut.slice.kind == ChunkKind.RANGE:
            rows += _make_range(claim.less(len(rows)), cut)
    return rows


def make_in_order(claim: Making, cut: Cut) -> list[tuple]:
    """The same for a chunk under an ordering key: what is not in front of its line waits.

    The caller holds the lock of the line.
    """
    return ordering.begin(cut.slice, make(claim, [cut]))


def resume(
    claim_id: int, delivery_ids: Sequence[int], held_topics: Collection[int], *, ordered: bool
) -> list[tuple]:
    """Take up deliveries that are due again and locked: rows as of ``make``.

    ``held_topics``: those that are paused and cannot be resumed before this is written.
    ``ordered``: some have an ordering key, and the caller holds the locks of their lines.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _RESUME,
            {
                "claim_id": claim_id,
                "ids": list(delivery_ids),
                "held": list(held_topics),
                "shortest_hold": timedelta(seconds=deferral.SHORTEST),
                "faults": list(FAULTS),
            },
        )
        rows = cursor.fetchall()
    return ordering.begin(None, rows) if ordered else rows


def begin(channel: str, rows: Sequence[tuple]) -> list[Claimed]:
    """Count and tell what was made or taken up; return what this worker now sends."""
    moves: Counter = Counter()
    for (notification_id, before, after), number in Counter(
        (row[3], row[0], row[1]) for row in rows if row[0] != row[1]
    ).items():
        moves[notification_id, channel, after] += number
        if before is not None:
            moves[notification_id, channel, before] -= number
    deliveries_moved.send(None, moves=[(row[2], row[1]) for row in rows if row[0] != row[1]])
    counts.add(moves)
    return [Claimed._make(row[2:]) for row in rows if row[1] == DeliveryState.SENDING]


def _make(claim: Making, cuts: Sequence[Cut]) -> list[tuple]:
    members = [
        (number, recipient_id, contact_id)
        for number, cut in enumerate(cuts)
        for recipient_id, contact_id in _members(cut.slice)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _MAKE,
            {
                **claim._asdict(),
                "slices": arrays.numbers(range(len(cuts))),
                "notifications": arrays.texts(str(cut.slice.notification_id) for cut in cuts),
                "publishers": arrays.numbers(cut.slice.publisher_id for cut in cuts),
                "topics": arrays.numbers(cut.terms.topic_id for cut in cuts),
                "categories": arrays.texts(cut.terms.category for cut in cuts),
                "mandatory": arrays.numbers(cut.terms.mandatory for cut in cuts),
                "expiries": arrays.times(cut.terms.expires_at for cut in cuts),
                "fallbacks": arrays.numbers(cut.terms.fallback for cut in cuts),
                "of_slices": arrays.numbers(number for number, _, _ in members),
                "recipients": arrays.numbers(recipient for _, recipient, _ in members),
                "contacts": arrays.numbers(contact for _, _, contact in members),
                "reporting": reporting(),
            },
        )
        return cursor.fetchall()


def _members(cut: Slice) -> Sequence[tuple[int | None, int | None]]:
    """Recipients and contacts that a chunk names."""
    if cut.contact_ids is not None:
        return [(None, contact_id) for contact_id in cut.contact_ids]
    return [(recipient_id, None) for recipient_id in cut.recipient_ids or ()]


def _make_range(claim: Making, cut: Cut) -> list[tuple]:
    chunk, terms = cut
    if terms.group_id is not None:
        subscribers = MEMBERS
    else:
        subscribers = CONFIRMED_SUBSCRIBERS if terms.confirming else SUBSCRIBERS
    with connection.cursor() as cursor:
        cursor.execute(
            _CREATE.format(
                subscribers=subscribers,
                audience=CONFIRMED_AUDIENCE if terms.confirming else AUDIENCE,
                but=f" WHERE NOT {REACHED}" if terms.fallback else "",
            ),
            {
                **claim._asdict(),
                "notification_id": chunk.notification_id,
                "publisher_id": chunk.publisher_id,
                "low_id": chunk.low_id,
                "high_id": chunk.high_id,
                "topic_id": terms.topic_id,
                "group_id": terms.group_id,
                "reachable_only": terms.reachable_only,
                "category": terms.category,
                "mandatory": terms.mandatory,
                "expires_at": terms.expires_at,
                "reporting": reporting() if terms.fallback else None,
            },
        )
        return cursor.fetchall()
