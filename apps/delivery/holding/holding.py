"""Hold all that is open in a restored database."""

from typing import NamedTuple

from django.db import connection, transaction

from apps.delivery.outbox import claims
from apps.delivery.state import counts, handover, retry_policies
from apps.delivery.state.lost_claims import release_lost

#: Rows that one transaction holds.
AT_ONCE = 10_000
#: Ids of each table that are left out: more than a lost database can have given since the backup.
GAP = 1_000_000_000

# Ids name deliveries to receivers and providers, and people in links: those that were given since
# the backup must not come again.
_LEAVE_OUT = """
SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, last_value + %s)
  FROM pg_sequences
 WHERE schemaname = current_schema() AND data_type = 'bigint'::regtype AND last_value IS NOT NULL
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
_CHUNKS = """
UPDATE delivery_chunk
   SET state = 'queued', reason = 'held', ready_at = 'infinity',
       due_at = CASE WHEN ready_at = 'infinity' THEN clock_timestamp() ELSE ready_at END
 WHERE id = ANY(ARRAY(
       SELECT id FROM delivery_chunk
        WHERE state <> 'done' AND reason <> 'held' AND id <= %s LIMIT %s FOR UPDATE))
RETURNING coalesce(nullif(size, 0), cardinality(recipient_ids), cardinality(contact_ids), 1)
"""
_DELIVERIES = """
WITH open AS MATERIALIZED (
    SELECT id, next_attempt_at, reason FROM delivery_delivery
     WHERE next_attempt_at IS NOT NULL AND reason <> 'held' AND id <= %s LIMIT %s FOR UPDATE
), kept AS (
    INSERT INTO delivery_helddelivery (delivery_id, due_at, reason)
    SELECT id, CASE WHEN next_attempt_at = 'infinity' THEN clock_timestamp()
                    ELSE next_attempt_at END, reason
      FROM open
    ON CONFLICT (delivery_id)
    DO UPDATE SET due_at = excluded.due_at, reason = excluded.reason
)
UPDATE delivery_delivery d SET reason = 'held', next_attempt_at = 'infinity'
  FROM open WHERE d.id = open.id
"""
_CLOSE_DIGESTS = "DELETE FROM delivery_opendigest WHERE delivery_id <= %s"


class Old(NamedTuple):
    """What is old: chunks and deliveries up to these ids, and claims up to this moment."""

    chunk: int
    delivery: int
    now: object


class Held(NamedTuple):
    """What was held: ``deliveries``, and ``people`` whose deliveries were not made yet, about."""

    deliveries: int
    people: int


@transaction.atomic
def begin() -> Old:
    """Leave out ids that may have been given to others; return what is old from now on."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        old = Old(*cursor.fetchone())
        cursor.execute(_LEAVE_OUT, [GAP])
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
        people = 0
        while True:
            cursor.execute(_CHUNKS, [old.chunk, AT_ONCE])
            rows = cursor.fetchall()
            people += sum(number for (number,) in rows)
            if len(rows) < AT_ONCE:
                break
        deliveries = 0
        while True:
            cursor.execute(_DELIVERIES, [old.delivery, AT_ONCE])
            deliveries += cursor.rowcount
            if cursor.rowcount < AT_ONCE:
                return Held(deliveries, people)


@transaction.atomic
def _release_expired() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED, [claims.AT_ONCE])
        lost = [claim_id for (claim_id,) in cursor.fetchall()]
    if lost:
        release_lost(lost, retry_policies.most_attempts())
        claims.close(lost)
    return len(lost)
