"""The sole writer of a delivery's state. Every move is one SQL statement over many deliveries.

A worker that claimed a chunk creates or resumes its deliveries, moving them to sending
(``begin``); calls the providers with no transaction open; and writes down what came of it
(``record``), which counts only while the chunk is still its own.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from apps.delivery import chunks, counts, holding, status_events
from apps.delivery.chunks import Chunk
from apps.delivery.models import ChunkKind
from apps.delivery.policies import OF_SUBSCRIPTION
from apps.delivery.suppressing import AT_SENDING, suppress_contacts
from notifier.states import DeliveryState

#: A cancel moves so many waiting deliveries itself; the rest are cancelled when they are due.
CANCEL_AT_ONCE = 10_000
#: What was held back is due at once, up to so many deliveries: a second or two of work.
RELEASE_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery that this worker now sends, with what it takes to address it."""

    delivery_id: int
    notification_id: UUID
    attempts: int
    attempts_before_redrive: int
    instead_of: int | None
    contact_id: int
    address: bytes
    address_index: bytes
    platform: str
    app: str
    secret: bytes | None
    user_id: str
    locale: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one delivery's attempt, as ``record`` writes it down."""

    delivery_id: int
    notification_id: UUID
    contact_id: int
    attempt: int
    state: DeliveryState
    reason: str
    next_attempt_at: datetime | None
    provider: str
    provider_message_id: str
    started_at: datetime
    duration_ms: int
    #: What the call came to; empty where none was made.
    outcome: str
    status: int | None
    detail: str
    disable_contact: bool
    #: Where to send instead, should this one be dead.
    endpoint: int | None = None


# -- Create and resume deliveries -------------------------------------------------------------

#: What fan-out cuts by id: a topic's subscriptions on the channel; or a group's members, and
#: where no channel was named, only those with an address on this one.
SUBSCRIPTIONS = """topics_subscription
 WHERE topic_id = %(topic_id)s AND channel = %(channel)s AND state = 'active'
"""
MEMBERSHIPS = """preferences_membership m
 WHERE group_id = %(group_id)s
   AND (NOT %(reachable_only)s
        OR EXISTS (SELECT FROM preferences_contact k
                    WHERE k.recipient_id = m.recipient_id AND k.channel = %(channel)s
                      AND k.state = 'active'))
"""
# Who a chunk reaches. Columns: recipient_id, contact_id.
_SUBSCRIBERS = f"""
subscriber AS (
    SELECT recipient_id, contact_id FROM {SUBSCRIPTIONS}
       AND id BETWEEN %(low_id)s AND %(high_id)s
)
"""
_MEMBERS = f"""
subscriber AS (
    SELECT recipient_id, NULL::bigint AS contact_id FROM {MEMBERSHIPS}
       AND id BETWEEN %(low_id)s AND %(high_id)s
)
"""
_NAMED = """
subscriber AS (
    SELECT recipient_id, NULL::bigint AS contact_id
      FROM unnest(%(recipient_ids)s::bigint[]) AS named (recipient_id)
)
"""
_ENDPOINTS = """
subscriber AS (
    SELECT NULL::bigint AS recipient_id, contact_id
      FROM unnest(%(contact_ids)s::bigint[]) AS named (contact_id)
)
"""
_SUBSCRIBERS_OF = {
    ChunkKind.RANGE: _SUBSCRIBERS,
    ChunkKind.NAMED: _NAMED,
    ChunkKind.ENDPOINT: _ENDPOINTS,
}
_AUDIENCE = """
audience AS (
    SELECT s.recipient_id, k.id AS contact_id, k.state AS contact_state, k.address_index
      FROM subscriber s
      LEFT JOIN preferences_contact k
        ON k.recipient_id = s.recipient_id AND k.channel = %(channel)s AND k.state = 'active'
     WHERE s.contact_id IS NULL
    UNION ALL
    SELECT k.recipient_id, k.id, k.state, k.address_index
      FROM subscriber s JOIN preferences_contact k ON k.id = s.contact_id
)
"""
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
 moved.id, moved.notification_id, moved.state, moved.attempts, moved.attempts_before_redrive,
 moved.instead_of, moved.contact_id,
 k.address, k.address_index, k.platform, k.app, k.secret, coalesce(r.user_id, ''),
 coalesce(r.locale, '')
  FROM moved
  LEFT JOIN preferences_contact k ON k.id = moved.contact_id
  LEFT JOIN preferences_recipient r ON r.id = moved.recipient_id
"""
_CREATE = (
    "WITH {subscribers}, "
    + _AUDIENCE
    + ", judged AS (SELECT a.recipient_id, a.contact_id, "
    + _REFUSAL.format(
        channel="%(channel)s",
        mandatory="%(mandatory)s",
        topic_id="%(topic_id)s",
        category="%(category)s",
    )
    + """ AS refusal FROM audience a),
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
    RETURNING id, notification_id, state, attempts, attempts_before_redrive, instead_of,
              contact_id, recipient_id
)
SELECT NULL, """
    + _ADDRESSED
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
    SELECT d.id, w.state AS before, d.attempts - d.attempts_before_redrive AS tried,
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
       SET state = CASE WHEN j.before = 'sending' AND j.after NOT IN ('sending', 'retrying')
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
    RETURNING d.id, d.notification_id, d.state, d.attempts, d.attempts_before_redrive,
              d.instead_of, d.contact_id, d.recipient_id, d.channel, d.provider, j.before
), lost AS (
    INSERT INTO delivery_attempt (delivery_id, number, provider, started_at, duration_ms, outcome,
                                  reason, detail)
    SELECT id, attempts, provider, clock_timestamp(), 0, 'unknown', 'worker_lost', ''
      FROM moved WHERE before = 'sending'
    ON CONFLICT DO NOTHING
)
SELECT moved.before, """
    + _ADDRESSED
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides over a notification's deliveries: its topic's rules and its expiry.

    ``group_id`` and ``reachable_only``: see ``apps.delivery.models.Notification``.
    """

    topic_id: int | None
    group_id: int | None
    reachable_only: bool
    category: str
    mandatory: bool
    expires_at: datetime | None


def begin(chunk: Chunk, terms: Terms | None, most_attempts: int) -> list[Claimed]:
    """Create the chunk's deliveries or resume them; return those this worker now sends.

    ``terms`` belong to a slice of one notification; a retry chunk has none. ``most_attempts``:
    after so many, unless topic or subscription say otherwise, a delivery that takes its worker
    down is not sent again. Runs in the caller's
    transaction.
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
                },
            )
            rows += cursor.fetchall()
        if terms is not None:
            cursor.execute(
                _CREATE.format(subscribers=_subscribers(chunk, terms)),
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
                },
            )
            rows += cursor.fetchall()
    moves: Counter = Counter()
    for before, _, notification_id, after, *_rest in rows:
        if before != after:
            moves[notification_id, chunk.channel, after] += 1
            if before is not None:
                moves[notification_id, chunk.channel, before] -= 1
    status_events.tell((row[1], row[3]) for row in rows if row[0] != row[3])
    counts.add(moves)
    return [
        Claimed(
            delivery_id,
            notification_id,
            attempts,
            attempts_before_redrive,
            instead_of,
            contact_id,
            bytes(address),
            bytes(index),
            platform,
            app,
            bytes(secret) if secret else None,
            user_id,
            locale,
        )
        for (
            _,
            delivery_id,
            notification_id,
            state,
            attempts,
            attempts_before_redrive,
            instead_of,
            contact_id,
            address,
            index,
            platform,
            app,
            secret,
            user_id,
            locale,
        ) in rows
        if state == DeliveryState.SENDING
    ]


def _subscribers(chunk: Chunk, terms: Terms) -> str:
    if chunk.kind == ChunkKind.RANGE and terms.group_id is not None:
        return _MEMBERS
    return _SUBSCRIBERS_OF[ChunkKind(chunk.kind)]


# -- Record -----------------------------------------------------------------------------------

_RECORD = """
UPDATE delivery_delivery d
   SET state = r.state, reason = r.reason, provider = r.provider,
       provider_message_id = r.provider_message_id, next_attempt_at = r.next_attempt_at,
       attempts = r.attempt, updated_at = clock_timestamp()
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
              %s::timestamptz[], %s::smallint[])
       AS r (id, state, reason, provider, provider_message_id, next_attempt_at, attempt)
 WHERE d.id = r.id AND d.state = 'sending'
"""
_ATTEMPTS = """
INSERT INTO delivery_attempt (delivery_id, number, provider, started_at, duration_ms, outcome,
                              reason, status, detail)
SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::text[], %s::timestamptz[], %s::int[],
                     %s::text[], %s::text[], %s::smallint[], %s::text[])
"""
# Waits for the sweeper, which takes it to its own channel's workers.
_REPLACE = """
INSERT INTO delivery_delivery (notification_id, chunk_id, contact_id, channel, priority, state,
                               instead_of, next_attempt_at, created_at, updated_at)
SELECT d.notification_id, d.chunk_id, k.id, k.channel, d.priority, 'retrying', d.id,
       clock_timestamp(), clock_timestamp(), clock_timestamp()
  FROM unnest(%s::bigint[], %s::bigint[]) AS r (id, contact_id)
  JOIN delivery_delivery d ON d.id = r.id
  JOIN preferences_contact k ON k.id = r.contact_id AND k.state = 'active'
ON CONFLICT (instead_of) WHERE instead_of IS NOT NULL DO NOTHING
RETURNING instead_of, notification_id, channel
"""
_BURY = """
INSERT INTO delivery_deadletter (delivery_id, publisher_id, topic_id, channel, provider, reason,
                                 died_at)
SELECT d.id, n.publisher_id, n.topic_id, d.channel, d.provider, d.reason, d.updated_at
  FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
 WHERE d.id = ANY(%s)
"""
_DISABLE = """
UPDATE preferences_contact
   SET state = 'disabled', disabled_reason = 'dead_address', updated_at = clock_timestamp()
 WHERE id = ANY(%s) AND state = 'active'
"""


def record(chunk: Chunk, results: Sequence[Result], *, finish: bool) -> None:
    """Write down what came of the attempts; with ``finish`` the chunk is done.

    What is dead is sent to its ``endpoint`` instead, or is a dead letter. All or nothing. Raises
    ``Fenced`` if the chunk was taken over: the other worker's truth stands, and what this one
    sent was a duplicate.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        chunks.finish(chunk) if finish else chunks.hold(chunk)
        if not results:
            return
        cursor.execute(
            _RECORD,
            [
                [r.delivery_id for r in results],
                [r.state for r in results],
                [r.reason for r in results],
                [r.provider for r in results],
                [r.provider_message_id for r in results],
                [r.next_attempt_at for r in results],
                [r.attempt for r in results],
            ],
        )
        made = [r for r in results if r.outcome]
        cursor.execute(
            _ATTEMPTS,
            [
                [r.delivery_id for r in made],
                [r.attempt for r in made],
                [r.provider for r in made],
                [r.started_at for r in made],
                [r.duration_ms for r in made],
                [r.outcome for r in made],
                [r.reason for r in made],
                [r.status for r in made],
                [r.detail for r in made],
            ],
        )
        moves: Counter = Counter()
        dead = {r.delivery_id: r.endpoint for r in results if r.state == DeliveryState.DEAD}
        instead = {key: endpoint for key, endpoint in dead.items() if endpoint is not None}
        if instead:
            cursor.execute(_REPLACE, [list(instead), list(instead.values())])
            for delivery_id, notification_id, channel in cursor.fetchall():
                moves[notification_id, channel, DeliveryState.RETRYING] += 1
                del dead[delivery_id]
        if dead:
            cursor.execute(_BURY, [list(dead)])
        gone = {r.contact_id: r.reason for r in results if r.disable_contact}
        if gone:
            cursor.execute(_DISABLE, [list(gone)])
            suppress_contacts({key: AT_SENDING[why] for key, why in gone.items()})
        status_events.tell((r.delivery_id, r.state) for r in results)
        for r in results:
            moves[r.notification_id, chunk.channel, r.state] += 1
            moves[r.notification_id, chunk.channel, DeliveryState.SENDING] -= 1
        counts.add(moves)
        counts.add_attempts(Counter((chunk.channel, r.provider, r.outcome, r.reason) for r in made))


# -- Settle by receipts ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a delivery stands that is locked until the transaction ends."""

    id: int
    state: str
    notification_id: UUID
    channel: str


def lock(delivery_ids: Iterable[int]) -> dict[int, Standing]:
    """Where these deliveries stand, locked; without those that a worker is writing just now.

    Waiting for it could be a deadlock: it writes many, in an order of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, state, notification_id, channel FROM delivery_delivery "
            "WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED",
            [list(delivery_ids)],
        )
        return {row[0]: Standing(*row) for row in cursor.fetchall()}


_SETTLE = """
UPDATE delivery_delivery d
   SET state = r.state, reason = r.reason, next_attempt_at = NULL, updated_at = clock_timestamp()
  FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS r (id, state, reason)
 WHERE d.id = r.id
"""


def settle(moves: Sequence[tuple[Standing, DeliveryState, str]]) -> None:
    """Move deliveries that ``lock`` returned into these states, each for its reason.

    Runs in the caller's transaction.
    """
    if not moves:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE,
            [
                [standing.id for standing, _, _ in moves],
                [state for _, state, _ in moves],
                [reason for _, _, reason in moves],
            ],
        )
    status_events.tell((standing.id, state) for standing, state, _ in moves)
    changes: Counter = Counter()
    for standing, state, _ in moves:
        changes[standing.notification_id, standing.channel, state] += 1
        changes[standing.notification_id, standing.channel, standing.state] -= 1
    counts.add(changes)


# -- Cancel, redrive, release and wake --------------------------------------------------------


def cancel(notification_id: UUID) -> bool:
    """Stop what has not been sent; whether it was not cancelled before.

    Waits for the claims in progress, so that what is not sending when this returns is never
    sent. Waiting deliveries beyond ``CANCEL_AT_ONCE`` become cancelled when they are due.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_notification SET cancelled_at = clock_timestamp() "
            "WHERE id = %s AND cancelled_at IS NULL",
            [notification_id],
        )
        if cursor.rowcount != 1:
            return False
        cursor.execute(
            # A chunk that is being claimed is left alone: its claim waits for us and then sees
            # the cancel, while waiting for it would be a deadlock.
            "UPDATE delivery_chunk SET state = 'done' WHERE id IN "
            "(SELECT id FROM delivery_chunk WHERE notification_id = %s AND state = 'queued' "
            "AND fence = 0 FOR UPDATE SKIP LOCKED)",
            [notification_id],
        )
        cursor.execute(
            """
            WITH waiting AS (
                SELECT id, state FROM delivery_delivery
                 WHERE notification_id = %s AND state IN ('queued', 'retrying')
                 LIMIT %s FOR UPDATE SKIP LOCKED
            )
            UPDATE delivery_delivery d
               SET state = 'cancelled', next_attempt_at = NULL, updated_at = clock_timestamp()
              FROM waiting w WHERE d.id = w.id
            RETURNING d.id, d.channel, w.state
            """,
            [notification_id, CANCEL_AT_ONCE],
        )
        moves: Counter = Counter()
        rows = cursor.fetchall()
        for _, channel, before in rows:
            moves[notification_id, channel, DeliveryState.CANCELLED] += 1
            moves[notification_id, channel, before] -= 1
        status_events.tell((row[0], DeliveryState.CANCELLED) for row in rows)
        counts.add(moves)
    return True


_REDRIVE = """
WITH raised AS (
    DELETE FROM delivery_deadletter WHERE delivery_id = ANY(%s) RETURNING delivery_id
)
UPDATE delivery_delivery d
   SET state = 'retrying', attempts_before_redrive = d.attempts,
       next_attempt_at = clock_timestamp(), updated_at = clock_timestamp()
  FROM raised WHERE d.id = raised.delivery_id
RETURNING d.id, d.notification_id, d.channel
"""


def redrive(delivery_ids: Sequence[int]) -> list[int]:
    """Put these dead letters back, each due now; the ids of those that were still dead letters.

    Runs in the caller's transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REDRIVE, [list(delivery_ids)])
        rows = cursor.fetchall()
    moves: Counter = Counter()
    for _, notification_id, channel in rows:
        moves[notification_id, channel, DeliveryState.RETRYING] += 1
        moves[notification_id, channel, DeliveryState.DEAD] -= 1
    counts.add(moves)
    return [row[0] for row in rows]


# What is being claimed is left alone: its claim waits for the one who resumes, and then sees it.
_RELEASE_CHUNKS = """
UPDATE delivery_chunk SET due_at = clock_timestamp(), ready_at = clock_timestamp()
 WHERE id IN (SELECT c.id
                FROM delivery_chunk c JOIN delivery_notification n ON n.id = c.notification_id
               WHERE c.state = 'queued' AND c.fence > 0 AND c.due_at > clock_timestamp()
                 AND n.topic_id = %s FOR UPDATE OF c SKIP LOCKED)
"""
_RELEASE = """
UPDATE delivery_delivery SET next_attempt_at = clock_timestamp()
 WHERE id IN (SELECT d.id
                FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
               WHERE d.next_attempt_at > clock_timestamp() AND {held} LIMIT %s
                 FOR UPDATE OF d SKIP LOCKED)
"""


def release_topic(topic_id: int) -> None:
    """Make due what was held back for a topic that is no longer paused.

    Deliveries beyond ``RELEASE_AT_ONCE`` are due when their hold is over.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE_CHUNKS, [topic_id])
        cursor.execute(
            _RELEASE.format(held="d.reason = 'topic_paused' AND n.topic_id = %s"),
            [topic_id, RELEASE_AT_ONCE],
        )


def release_channel(channel: str) -> None:
    """The same for what was held back on a channel for its providers' sake."""
    held = "d.reason IN ('provider_paused', 'provider_down') AND d.channel = %s"
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE.format(held=held), [channel, RELEASE_AT_ONCE])


_WAKE = """
WITH due AS (
    SELECT id FROM delivery_delivery
     WHERE priority = %(priority)s AND channel = %(channel)s AND next_attempt_at <= %(now)s
     ORDER BY next_attempt_at LIMIT %(size)s FOR UPDATE SKIP LOCKED
), retry AS (
    INSERT INTO delivery_chunk (kind, channel, priority, state, fence, due_at, ready_at)
    SELECT 'retry', %(channel)s, %(priority)s, 'queued', 0,
           clock_timestamp() + make_interval(secs => %(grace)s), clock_timestamp()
     WHERE EXISTS (SELECT FROM due)
    RETURNING id
)
UPDATE delivery_delivery d
   SET chunk_id = retry.id, next_attempt_at = NULL
  FROM due, retry WHERE d.id = due.id
RETURNING d.chunk_id
"""


def wake_due(channel: str, priority: str, now: datetime, size: int, grace: float) -> int | None:
    """Put up to ``size`` due deliveries into a new retry chunk; its id, or ``None``.

    Their state stays retrying until the chunk is claimed. Safe to run many times at once.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _WAKE,
            {
                "channel": channel,
                "priority": priority,
                "now": now,
                "size": size,
                "grace": grace,
            },
        )
        row = cursor.fetchone()
    return row[0] if row else None
