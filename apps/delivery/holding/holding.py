"""Hold all that is open in a restored database."""

from typing import NamedTuple

from django.db import connection, transaction

from apps.delivery.holding import restore_detection
from apps.delivery.outbox import claims
from apps.delivery.state import counts, handover, retry_policies
from apps.delivery.state.lost_claims import release_lost

#: Rows that one transaction holds.
AT_ONCE = 10_000
#: Ids of each table that are left out: more than a lost database can have given since the backup.
GAP = 1_000_000_000
#: Gaps for which the number of a delivery has room beside its day.
MOST_GAPS = 2**36 // GAP - 1

_SEQUENCES = """
  FROM pg_sequences
 WHERE schemaname = current_schema() AND data_type = 'bigint'::regtype AND last_value IS NOT NULL
"""
_LAST_GAP = f"SELECT coalesce(max(last_value), 0)::bigint / %(gap)s {_SEQUENCES}"
# Ids name deliveries to receivers and providers, and people in links: those that were given since
# the backup must not come again, also those of a database that was restored and held before.
_LEAVE_OUT = f"""
SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass,
              last_value %% %(gap)s + %(before)s)
{_SEQUENCES}
"""
_LAST = """
SELECT coalesce((SELECT max(id) FROM delivery_chunk), 0),
       coalesce((SELECT max(id) FROM delivery_delivery), 0), clock_timestamp()
"""
_EXPIRED = """
SELECT id FROM delivery_claim WHERE lease_until <= clock_timestamp()
 ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_IN_THE_AIR = """
SELECT (SELECT count(*) FROM delivery_claim WHERE claimed_at <= %(now)s)
     + (SELECT count(*) FROM delivery_chunk
         WHERE state = 'running' AND id <= %(chunk)s AND due_at > clock_timestamp())
"""
# The first open row, by the index of these: in the order of ids it may be behind millions.
_FIRST_CHUNK = "SELECT min(id + 0) FROM delivery_chunk WHERE state <> 'done'"
_FIRST_DELIVERY = "SELECT min(id + 0) FROM delivery_delivery WHERE next_attempt_at IS NOT NULL"
_CHUNKS = """
WITH open AS MATERIALIZED (
    SELECT id, ready_at FROM delivery_chunk
     WHERE id >= %(first)s AND id <= %(last)s AND state <> 'done' AND reason <> 'held'
     ORDER BY id LIMIT %(most)s FOR UPDATE
), held AS (
    UPDATE delivery_chunk c
       SET state = 'queued', reason = 'held', ready_at = 'infinity',
           due_at = CASE WHEN open.ready_at = 'infinity' THEN clock_timestamp()
                         ELSE open.ready_at END
      FROM open WHERE c.id = open.id
    RETURNING c.id, coalesce(nullif(size, 0), cardinality(recipient_ids),
                             cardinality(contact_ids), 1) AS people
)
SELECT max(id), coalesce(sum(people), 0) FROM held
"""
# A delivery that is held has no record where a version that knows of none ran meanwhile.
_DELIVERIES = """
WITH open AS MATERIALIZED (
    SELECT id, notification_id, channel, next_attempt_at, reason FROM delivery_delivery d
     WHERE id >= %(first)s AND id <= %(last)s AND next_attempt_at IS NOT NULL
       AND (reason <> 'held' OR NOT EXISTS (SELECT FROM delivery_helddelivery h
                                             WHERE h.delivery_id = d.id))
     ORDER BY id LIMIT %(most)s FOR UPDATE
), kept AS (
    INSERT INTO delivery_helddelivery (delivery_id, notification_id, due_at, reason, publisher_id,
                                       channel, category, accepted_at)
    SELECT open.id, n.id,
           CASE WHEN open.next_attempt_at = 'infinity' THEN clock_timestamp()
                ELSE open.next_attempt_at END,
           CASE WHEN open.reason = 'held' THEN '' ELSE open.reason END,
           n.publisher_id, open.channel, coalesce(nullif(n.category, ''), t.category, ''),
           n.created_at
      FROM open JOIN delivery_notification n ON n.id = open.notification_id
      LEFT JOIN topics_topic t ON t.id = n.topic_id
    ON CONFLICT (delivery_id) DO UPDATE SET due_at = excluded.due_at, reason = excluded.reason
), held AS (
    UPDATE delivery_delivery d SET reason = 'held', next_attempt_at = 'infinity'
      FROM open WHERE d.id = open.id
    RETURNING d.id
)
SELECT max(id), count(*) FROM held
"""
_CLOSE_DIGESTS = "DELETE FROM delivery_opendigest WHERE delivery_id <= %s"


class Old(NamedTuple):
    """The bounds of what is held: ids of chunks and deliveries, and the moment of claims."""

    chunk: int
    delivery: int
    now: object


class Held(NamedTuple):
    """Numbers of ``deliveries`` held, and about of ``people`` without deliveries yet."""

    deliveries: int
    people: int


@transaction.atomic
def begin() -> Old:
    """Leave out ids that may have been given to others; return what is old from now on."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        old = Old(*cursor.fetchone())
        cursor.execute(_LAST_GAP, {"gap": GAP})
        [last] = cursor.fetchone()
        number = restore_detection.next_gap(last, MOST_GAPS)
        cursor.execute(_LEAVE_OUT, {"gap": GAP, "before": number * GAP})
    return old


def in_the_air(old: Old) -> int:
    """Release what lost workers had; return how many old leases have not run out.

    A worker that is alive may have those: ask again until there is none.
    """
    while counts.retry_when_locked(_release_expired) == claims.AT_ONCE:
        pass
    while handover.sweep() >= handover.AT_ONCE:
        pass
    with connection.cursor() as cursor:
        cursor.execute(_IN_THE_AIR, old._asdict())
        return int(cursor.fetchone()[0])


def hold(old: Old) -> Held:
    """Hold everything old that is open, a batch in each transaction. Safe to interrupt."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE_DIGESTS, [old.delivery])
    people = _in_batches(_FIRST_CHUNK, _CHUNKS, old.chunk)
    return Held(_in_batches(_FIRST_DELIVERY, _DELIVERIES, old.delivery), people)


def _in_batches(find_first: str, hold_batch: str, last: int) -> int:
    """Hold batch after batch in the order of ids; return the sum of what they say they held.

    Each begins behind the one before, and does not read again what that one held.
    """
    total = 0
    with connection.cursor() as cursor:
        cursor.execute(find_first)
        [first] = cursor.fetchone()
        while first is not None:
            cursor.execute(hold_batch, {"first": first, "last": last, "most": AT_ONCE})
            until, number = cursor.fetchone()
            total += int(number)
            first = None if until is None else until + 1
    return total


@transaction.atomic
def _release_expired() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED, [claims.AT_ONCE])
        lost = [claim_id for (claim_id,) in cursor.fetchall()]
    if lost:
        release_lost(lost, retry_policies.most_attempts())
        claims.close(lost)
    return len(lost)
