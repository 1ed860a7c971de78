"""Create a chunk's deliveries or resume them, and move to sending what may be sent."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from apps.delivery import counts, holding, status_events
from apps.delivery.chunks import Chunk
from apps.delivery.fallback import REACHED, reporting
from apps.delivery.models import ChunkKind
from apps.delivery.policies import OF_SUBSCRIPTION
from apps.delivery.transitions import turns
from apps.delivery.transitions.audience import (
    AUDIENCE,
    CONFIRMED_AUDIENCE,
    CONFIRMED_SUBSCRIBERS,
    MEMBERS,
    SUBSCRIBERS_OF,
)
from notifier.failover import FAULTS
from notifier.states import DeliveryState


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
  LEFT JOIN preferences_contact k ON k.id = moved.contact_id
  LEFT JOIN preferences_recipient r ON r.id = moved.recipient_id
"""
# From the attempt, since what holds a delivery back meanwhile writes over its own reason.
_FAILED_AT = """
 coalesce((SELECT a.provider FROM delivery_attempt a
            WHERE a.delivery_id = moved.id AND a.number = moved.attempts
              AND a.outcome IN ('retry', 'refused') AND a.reason = ANY(%(faults)s)), '')
"""
# What a lost worker was sending is on record only after this statement.
_UNANSWERED = """
 moved.before = 'sending'
 OR EXISTS (SELECT FROM delivery_attempt a WHERE a.delivery_id = moved.id AND a.outcome = 'unknown')
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
    + """ AS refusal FROM audience a{but}),
moved AS (
    INSERT INTO delivery_delivery (notification_id, chunk_id, contact_id, recipient_id, channel,
                                   priority, state, reason, created_at, updated_at)
    SELECT %(notification_id)s, %(chunk_id)s, contact_id, recipient_id, %(channel)s,
           %(priority)s,
           CASE WHEN refusal IS NOT NULL THEN 'suppressed'
                WHEN %(expires_at)s::timestamptz <= clock_timestamp() THEN 'expired'
                ELSE 'sending' END,
           coalesce(refusal, ''), clock_timestamp(), clock_timestamp()
      FROM judged
    ON CONFLICT DO NOTHING
    RETURNING id, notification_id, state, attempts, attempts_uncounted, instead_of,
              contact_id, recipient_id
)
SELECT NULL, """
    + _ADDRESSED.format(failed_at="''", unanswered="false")
)

# Deliveries that were woken, or that a worker held when it died; those that wait for their next
# attempt go on waiting. What was being sent when its worker died may have been sent: that counts
# as an attempt, and it is sent again, unless its time is over or its attempts are used up (it may
# be what kills the workers). A paused topic's go on waiting: no attempt is used up.
_RESUME = (
    f"""
WITH waiting AS (
    SELECT id, state FROM delivery_delivery
     WHERE chunk_id = %(chunk_id)s
       AND (state IN ('queued', 'sending') OR (state = 'retrying' AND next_attempt_at IS NULL))
       FOR UPDATE
), audience AS (
    SELECT d.id, w.state AS before, d.attempts - d.attempts_uncounted AS tried,
           coalesce((own.retry_policy ->> 'attempts')::int,
                    jsonb_array_length(own.retry_policy -> 'schedule') + 1,
                    %(most_attempts)s) AS most,
           d.recipient_id, d.contact_id, d.channel, d.instead_of,
           k.state AS contact_state, k.address_index,
           n.cancelled_at, n.expires_at, n.topic_id, t.paused_at,
           coalesce(t.mandatory, n.kind <> 'published') AS mandatory,
           coalesce(t.category, '') AS category
      FROM waiting w
      JOIN delivery_delivery d ON d.id = w.id
      JOIN delivery_notification n ON n.id = d.notification_id
      LEFT JOIN topics_topic t ON t.id = n.topic_id
      LEFT JOIN preferences_contact k ON k.id = d.contact_id
      -- Looked up only where it matters: for what a lost worker was sending.
      LEFT JOIN LATERAL (
          SELECT coalesce(({OF_SUBSCRIPTION}), t.retry_policy) AS retry_policy
           WHERE w.state = 'sending' AND d.instead_of IS NULL) own ON true
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
                WHEN before = 'sending' AND tried + 1 >= most THEN 'unknown'
                WHEN paused_at IS NOT NULL THEN 'retrying'
                ELSE 'sending' END AS after,
           clock_timestamp() + least(greatest(clock_timestamp() - paused_at, %(shortest_hold)s),
                                     %(longest_hold)s) AS held_until
      FROM judged
), moved AS (
    UPDATE delivery_delivery d
       SET state = CASE WHEN j.after IN ('sending', 'retrying') THEN j.after
                        WHEN j.before = 'sending'
                          OR EXISTS (SELECT FROM delivery_attempt a
                                      WHERE a.delivery_id = d.id AND a.outcome = 'unknown')
                        THEN 'unknown' ELSE j.after END,
           reason = CASE WHEN j.after = 'retrying' THEN 'topic_paused'
                         WHEN j.before = 'sending' AND j.after <> 'sending' THEN 'worker_lost'
                         WHEN j.after = 'suppressed' THEN j.refusal
                         ELSE d.reason END,
           attempts = d.attempts + (j.before = 'sending')::int,
           next_attempt_at = CASE WHEN j.after = 'retrying' THEN j.held_until END,
           updated_at = clock_timestamp()
      FROM decided j
     WHERE d.id = j.id
    RETURNING d.id, d.notification_id, d.state, d.attempts, d.attempts_uncounted,
              d.instead_of, d.contact_id, d.recipient_id, d.channel, d.provider, j.before
), lost AS (
    INSERT INTO delivery_attempt (delivery_id, number, provider, started_at, duration_ms, outcome,
                                  reason, detail)
    SELECT id, attempts, provider, clock_timestamp(), 0, 'unknown', 'worker_lost', ''
      FROM moved WHERE before = 'sending'
    ON CONFLICT DO NOTHING
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


def begin(
    chunk: Chunk, terms: Terms | None, most_attempts: int, *, ordered: bool = False
) -> list[Claimed]:
    """Create the chunk's deliveries or resume them; return those this worker now sends.

    ``terms`` belong to a slice of one notification; a retry chunk has none. ``most_attempts``:
    after so many, unless topic or subscription say otherwise, a delivery that takes its worker
    down is not sent again. ``ordered``: some have an ordering key, and those who are not in front
    wait; the caller holds the locks of their lines. Runs in the caller's transaction.
    """
    rows: list[tuple] = []
    with connection.cursor() as cursor:
        if terms is None or chunk.fence > 1:  # before new ones are made, which look the same
            cursor.execute(
                _RESUME,
                {
                    "chunk_id": chunk.id,
                    "most_attempts": most_attempts,
                    "shortest_hold": timedelta(seconds=holding.SHORTEST),
                    "longest_hold": timedelta(seconds=holding.LONGEST),
                    "faults": list(FAULTS),
                },
            )
            rows += cursor.fetchall()
        if terms is not None:
            cursor.execute(
                _CREATE.format(
                    subscribers=_subscribers(chunk, terms),
                    audience=CONFIRMED_AUDIENCE if _confirming(chunk, terms) else AUDIENCE,
                    but=f" WHERE NOT {REACHED}" if terms.fallback else "",
                ),
                {
                    "chunk_id": chunk.id,
                    "notification_id": chunk.notification_id,
                    "channel": chunk.channel,
                    "priority": chunk.priority,
                    "low_id": chunk.low_id,
                    "high_id": chunk.high_id,
                    "recipient_ids": chunk.recipient_ids,
                    "contact_ids": chunk.contact_ids,
                    "topic_id": terms.topic_id,
                    "group_id": terms.group_id,
                    "reachable_only": terms.reachable_only,
                    "category": terms.category,
                    "mandatory": terms.mandatory,
                    "expires_at": terms.expires_at,
                    "reporting": reporting() if terms.fallback else None,
                },
            )
            rows += cursor.fetchall()
    if ordered:
        rows = turns.begin(chunk, rows)
    moves: Counter = Counter()
    for (notification_id, before, after), number in Counter(
        (row[3], row[0], row[1]) for row in rows if row[0] != row[1]
    ).items():
        moves[notification_id, chunk.channel, after] += number
        if before is not None:
            moves[notification_id, chunk.channel, before] -= number
    status_events.tell((row[2], row[1]) for row in rows if row[0] != row[1])
    counts.add(moves)
    return [Claimed._make(row[2:]) for row in rows if row[1] == DeliveryState.SENDING]


def _subscribers(chunk: Chunk, terms: Terms) -> str:
    if chunk.kind == ChunkKind.RANGE and terms.group_id is not None:
        return MEMBERS
    if _confirming(chunk, terms):
        return CONFIRMED_SUBSCRIBERS
    return SUBSCRIBERS_OF[ChunkKind(chunk.kind)]


def _confirming(chunk: Chunk, terms: Terms) -> bool:
    return terms.confirming and chunk.kind == ChunkKind.RANGE
