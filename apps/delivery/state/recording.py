"""Record the results of attempts, of any number of claims at once."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from django.db import connection, transaction

from apps.core import arrays
from apps.delivery.outbox import claims, delivery_numbers
from apps.delivery.state import counts, ordering
from apps.delivery.state.digests import following
from apps.delivery.state.signals import deliveries_moved
from apps.preferences.contacts import disabling
from apps.preferences.contacts.disabling import ERROR_LIMIT, ProviderReport
from apps.preferences.models import SuppressionReason
from notifier.domain.histograms import BUCKETS, bucket
from notifier.domain.outcomes import Reason
from notifier.domain.states import WAITING, DeliveryState

#: Reason of the suppression for each reason of a refusal.
_SUPPRESSED_AS: Mapping[str, str] = defaultdict(
    lambda: SuppressionReason.DEAD_ADDRESS, {Reason.OPTED_OUT: SuppressionReason.OPTED_OUT}
)


class Result(NamedTuple):  # a dataclass would cost some microseconds more
    """The result of one attempt or deferral of a delivery; times in unix seconds.

    ``state``, ``reason``: the delivery's new ones. ``attempt``: the number of its attempts so far.
    """

    claim_id: int
    delivery_id: int
    notification_id: str
    channel: str
    contact_id: int
    attempt: int
    state: DeliveryState
    reason: str
    next_attempt_at: float | None
    provider: str
    provider_message_id: str
    started_at: float
    duration_ms: int
    #: The outcome of the call; empty where none was made (a deferral).
    outcome: str
    status: int | None
    detail: str
    disable_contact: bool
    #: True if another provider is tried next, at once.
    moved: bool = False
    #: True if the retry policy does not count the attempt.
    uncounted: bool = False
    #: The id of the contact to send to instead if the delivery is dead.
    endpoint: int | None = None
    #: Milliseconds from acceptance or send time to the first call, where they are counted.
    waited_ms: int | None = None


_KEY = attrgetter("channel", "provider", "outcome", "reason")
_CALL = attrgetter("channel", "provider", "outcome", "reason", "duration_ms")
_WAIT = attrgetter("channel", "provider", "outcome", "reason", "waited_ms")
_RECORD = """
UPDATE delivery_delivery d
   SET state = r.state, reason = r.reason, provider = r.provider,
       provider_message_id = r.provider_message_id, next_attempt_at = to_timestamp(r.next_at),
       attempts = r.attempt, updated_at = clock_timestamp()
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
              %s::float8[], %s::smallint[])
       AS r (id, claim_id, state, reason, provider, provider_message_id, next_at, attempt)
 WHERE d.id = r.id AND d.chunk_id = r.claim_id AND d.state = 'sending'
   AND d.id BETWEEN %s AND %s
"""
_UNCOUNT = """
UPDATE delivery_delivery SET attempts_uncounted = attempts_uncounted + 1 WHERE id = ANY(%s)
"""
_ATTEMPTS = """
INSERT INTO delivery_attempt (delivery_id, number, provider, started_at, duration_ms, outcome,
                              reason, status, detail)
SELECT delivery_id, number, provider, to_timestamp(started), duration, outcome, reason, status,
       detail
  FROM unnest(%s::bigint[], %s::smallint[], %s::text[], %s::float8[], %s::int[], %s::text[],
              %s::text[], %s::smallint[], %s::text[])
       AS r (delivery_id, number, provider, started, duration, outcome, reason, status, detail)
"""
# The new delivery is due at once, for workers of its own channel. A topic that requires
# confirmation allows only webhooks here: any other address was never asked to confirm.
_REPLACE = f"""
INSERT INTO delivery_delivery (id, notification_id, chunk_id, publisher_id, contact_id, channel,
                               priority, state, instead_of, step, next_attempt_at, created_at,
                               updated_at)
SELECT {delivery_numbers.NEW.format(notification_id="d.notification_id")},
       d.notification_id, d.chunk_id, n.publisher_id, k.id, k.channel, d.priority, 'retrying', d.id,
       d.step, clock_timestamp(), clock_timestamp(), clock_timestamp()
  FROM unnest(%s::bigint[], %s::bigint[]) AS r (id, contact_id)
  JOIN delivery_delivery d ON d.id = r.id
  JOIN preferences_contact k ON k.id = r.contact_id AND k.state = 'active'
  JOIN delivery_notification n ON n.id = d.notification_id
  LEFT JOIN topics_topic t ON t.id = n.topic_id
 WHERE k.channel = 'webhook' OR t.requires_confirmation IS NOT TRUE
ON CONFLICT DO NOTHING
RETURNING instead_of, notification_id::text, channel
"""
BURY = """
INSERT INTO delivery_deadletter (delivery_id, publisher_id, topic_id, kind, channel, provider,
                                 reason, died_at)
SELECT d.id, n.publisher_id, n.topic_id,
       coalesce(nullif(n.kind, 'digest'), 'published'), d.channel, d.provider, d.reason,
       d.updated_at
  FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
 WHERE d.id = ANY(%s)
"""


class ClaimLost(Exception):
    """Some deliveries are no longer held by the claims that sent them; nothing was recorded."""


def record(
    results: Sequence[Result],
    *,
    finished: Collection[int] = (),
    ordered: bool = False,
    digests: bool = False,
) -> set[int]:
    """Record the results of attempts, and delete the ``finished`` claims, all or nothing.

    Returns those of ``finished`` that others have locked: they are to be deleted another time.

    A dead delivery is replaced by one to its ``endpoint``, or becomes a dead letter. Contacts whose
    address the provider called dead are disabled (``disable_contact``: a 410). ``ordered``: some
    deliveries may have others behind them in a line, which become due. ``digests``: some tell
    others, which go where they go.

    Raises ``ClaimLost`` where some deliveries belong to another worker now. That worker's record is
    kept; the message that this one sent was a duplicate.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        locked = claims.close(finished) if finished else set[int]()
        if not results:
            return locked
        cursor.execute(
            _RECORD,
            [
                arrays.numbers(r.delivery_id for r in results),
                arrays.numbers(r.claim_id for r in results),
                arrays.texts(r.state for r in results),
                arrays.texts(r.reason for r in results),
                arrays.texts(r.provider for r in results),
                arrays.texts(r.provider_message_id for r in results),
                arrays.numbers(r.next_attempt_at for r in results),
                arrays.numbers(r.attempt for r in results),
                *arrays.bounds(r.delivery_id for r in results),
            ],
        )
        if cursor.rowcount != len(results):
            raise ClaimLost("deliveries were released to other workers")
        uncounted = [r.delivery_id for r in results if r.uncounted]
        if uncounted:
            cursor.execute(_UNCOUNT, [uncounted])
        if ordered:
            ordering.release_next([r.delivery_id for r in results if r.state not in WAITING])
        attempted = [r for r in results if r.outcome]
        cursor.execute(
            _ATTEMPTS,
            [
                arrays.numbers(r.delivery_id for r in attempted),
                arrays.numbers(r.attempt for r in attempted),
                arrays.texts(r.provider for r in attempted),
                arrays.numbers(r.started_at for r in attempted),
                arrays.numbers(r.duration_ms for r in attempted),
                arrays.texts(r.outcome for r in attempted),
                arrays.texts(r.reason for r in attempted),
                arrays.numbers(r.status for r in attempted),
                arrays.texts(r.detail for r in attempted),
            ],
        )
        moves: counts.Moves = Counter()
        dead = {r.delivery_id: r.endpoint for r in results if r.state == DeliveryState.DEAD}
        instead = {key: endpoint for key, endpoint in dead.items() if endpoint is not None}
        if instead:
            cursor.execute(_REPLACE, [list(instead), list(instead.values())])
            for delivery_id, notification_id, channel in cursor.fetchall():
                moves[notification_id, channel, DeliveryState.RETRYING] += 1
                del dead[delivery_id]
        if dead:
            cursor.execute(BURY, [list(dead)])
        gone = {
            r.contact_id: ProviderReport(
                _SUPPRESSED_AS[r.reason],
                r.provider,
                r.detail[:ERROR_LIMIT],
                r.delivery_id,
                r.started_at,
            )
            for r in results
            if r.disable_contact
        }
        if gone:
            disabling.disable_contacts(gone)
        followed = following.follow([r.delivery_id for r in results]) if digests else []
        deliveries_moved.send(
            None,
            moves=[(r.delivery_id, r.state) for r in results] + following.signals(followed),
        )
        for (notification_id, channel, state), number in Counter(
            (r.notification_id, r.channel, r.state) for r in results
        ).items():
            moves[notification_id, channel, state] += number
            moves[notification_id, channel, DeliveryState.SENDING] -= number
        moves.update(following.moves(followed, str))
        counts.add(moves)
        counts.add_attempts(_tally(attempted))
    return locked


def _tally(attempted: Sequence[Result]) -> counts.Attempts:
    """Count attempts with their latencies.

    Equal ones are counted first, without Python's own loop: a thousand are recorded together.
    """
    found: counts.Attempts = Counter()
    arrived = DeliveryState.DELIVERED
    for (channel, provider, outcome, reason, ms), number in Counter(map(_CALL, attempted)).items():
        found[channel, provider, outcome, reason, bucket(ms)] += number
    for key, number in Counter(map(_KEY, [r for r in attempted if r.state == arrived])).items():
        found[(*key, counts.ARRIVED)] += number
    waited = Counter(map(_WAIT, [r for r in attempted if r.waited_ms is not None]))
    for (channel, provider, outcome, reason, ms), number in waited.items():
        found[channel, provider, outcome, reason, BUCKETS + bucket(ms)] += number
    return found


def still_claimed(results: Sequence[Result]) -> list[Result]:
    """Return the results whose deliveries are still held by the claims that sent them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, chunk_id FROM delivery_delivery WHERE id = ANY(%s) AND state = 'sending'",
            [[r.delivery_id for r in results]],
        )
        held = set(cursor.fetchall())
    return [r for r in results if (r.delivery_id, r.claim_id) in held]
