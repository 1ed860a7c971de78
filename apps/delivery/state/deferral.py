"""Deferral: how long chunks and deliveries wait, why, and how they are released before that.

A deferred chunk or delivery has a reason and the time from which it may be claimed again:

- A paused topic: its chunks wait until it is resumed. So do its deliveries that are due again, or
  they wait ``SHORTEST`` seconds where it might be resumed before their deferral commits
  (``resumption.resume_due``). ``release_topic`` makes both due.
- A paused provider, an open breaker or guard: ``release_channel``.
- A webhook host that does not answer: ``release_webhooks``.
- A person's quiet hours: its deliveries wait until they end; ``release_people``, where they changed
  them.
- An earlier delivery under the same ordering key: see ``apps.delivery.state.ordering``.

What is deferred while it is being sent has the outcome ``notifier.domain.outcomes.Held`` and is
recorded like any other.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.db import connection

from apps.core import arrays, clock
from notifier.domain.priorities import Priority

#: Least and most seconds of a deferral for a pause: as long as the pause has lasted, within these.
#: Resuming does not wait for it.
SHORTEST, LONGEST = 5.0, 60.0
#: Most deliveries that one transaction makes due: about a second of work.
RELEASE_AT_ONCE = 20_000
#: Least number of a person's newest deliveries that are examined, however many people there are.
LEAST_NEWEST = 100


def seconds(since: float) -> float:
    """Return how long to defer what has been paused since ``since`` (unix seconds)."""
    return min(max(clock.now() - since, SHORTEST), LONGEST)


def defer_chunks(chunk_ids: Sequence[int], reason: str, for_seconds: float | None) -> None:
    """Let nobody claim these chunks for so many seconds; with ``None``, until their release."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_chunk SET state = 'queued', reason = %s, ready_at = at, due_at = at"
            "  FROM (SELECT coalesce(clock_timestamp() + make_interval(secs => %s),"
            "                        'infinity') AS at) t WHERE id = ANY(%s)",
            [reason, for_seconds, list(chunk_ids)],
        )


class Deferred(NamedTuple):
    """A delivery that a claim defers before it is sent.

    ``until``: unix seconds. ``by``: who said so, in ``Delivery.refused_by``.
    """

    delivery_id: int
    until: float
    by: str


_DEFER = """
UPDATE delivery_delivery d
   SET state = 'retrying', reason = %s, refused_by = w.by, updated_at = clock_timestamp(),
       next_attempt_at = to_timestamp(w.until)
  FROM unnest(%s::bigint[], %s::float8[], %s::text[]) AS w (id, until, by)
 WHERE d.id = w.id
"""


def defer_deliveries(deferred: Sequence[Deferred], reason: str) -> None:
    """Let nobody claim these deliveries until their times.

    They are the caller's claim's, which has not committed. Uses up no attempt.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _DEFER,
            [
                reason,
                arrays.numbers(one.delivery_id for one in deferred),
                arrays.numbers(one.until for one in deferred),
                arrays.texts(one.by for one in deferred),
            ],
        )


#: SQL: how long after the first channels a chunk or delivery {0} of notification n is due: those on
#: the fallback channel, and those of steps, still wait until the others have had their time.
DISTANCE = """coalesce(CASE WHEN {0}.step > 0 THEN (n.steps -> ({0}.step - 1) ->> 'due')::int
                              WHEN {0}.channel = n.fallback_channel
                              THEN n.fallback_after END, 0)"""
_RELEASE_CHUNKS = f"""
UPDATE delivery_chunk
   SET due_at = held.until, ready_at = held.until, reason = ''
  FROM (SELECT c.id, clock_timestamp() + make_interval(
                   secs => {DISTANCE.format("c")}) AS until
          FROM delivery_chunk c JOIN delivery_notification n ON n.id = c.notification_id
         WHERE c.state = 'queued' AND c.reason = 'topic_paused' AND n.topic_id = %s
         LIMIT %s FOR UPDATE OF c SKIP LOCKED) held
 WHERE delivery_chunk.id = held.id
"""
_RELEASE = """
UPDATE delivery_delivery SET next_attempt_at = clock_timestamp() {later}
 WHERE id = ANY(ARRAY(
           SELECT d.id
             FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
            WHERE d.next_attempt_at > clock_timestamp() AND {held} LIMIT %s
              FOR UPDATE OF d SKIP LOCKED))
"""


def release_topic(topic_id: int, most: int = RELEASE_AT_ONCE) -> int:
    """Make due what was deferred for a topic that is no longer paused.

    Up to ``most`` deliveries and as many chunks. Returns how many rows were released.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE_CHUNKS, [topic_id, most])
        chunks: int = cursor.rowcount
        cursor.execute(
            _RELEASE.format(held="d.reason = 'topic_paused' AND n.topic_id = %s", later=""),
            [topic_id, most],
        )
        deliveries: int = cursor.rowcount
    return chunks + deliveries


def release_channel(channel: str) -> None:
    """Make due up to ``RELEASE_AT_ONCE`` deliveries deferred for the channel's providers."""
    held = (
        "d.reason IN ('provider_paused', 'provider_down', 'many_dead_addresses') AND d.channel = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE.format(held=held, later=""), [channel, RELEASE_AT_ONCE])


def release_webhooks(publisher_id: int, seconds: float) -> None:
    """Make due, in so many seconds, the publisher's webhooks deferred for a host that failed.

    Deliveries for another host that fails are deferred again.
    """
    held = (
        "d.reason = 'endpoint_down' AND d.priority = ANY(%s) AND d.channel = 'webhook' "
        "AND d.publisher_id = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _RELEASE.format(held=held, later="+ make_interval(secs => %s)"),
            [seconds, [*Priority], publisher_id, RELEASE_AT_ONCE],
        )


_RELEASE_PEOPLE = f"""
UPDATE delivery_delivery
   SET next_attempt_at = clock_timestamp() + make_interval(secs => held.seconds)
  FROM (SELECT d.id, {DISTANCE.format("d")} AS seconds
          FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
         WHERE d.id IN (SELECT newest.id
                          FROM unnest(%s::bigint[]) AS person (id)
                         CROSS JOIN LATERAL (SELECT id FROM delivery_delivery
                                              WHERE recipient_id = person.id
                                              ORDER BY id DESC LIMIT %s) newest)
           AND d.reason = 'quiet_hours' AND d.next_attempt_at > clock_timestamp()
           FOR UPDATE OF d SKIP LOCKED) held
 WHERE delivery_delivery.id = held.id
"""


def release_people(recipient_ids: Collection[int]) -> None:
    """Make due what waits for recipients' quiet hours, to be judged by those they have now.

    Among their newest deliveries, ``RELEASE_AT_ONCE`` of all of them but no less than
    ``LEAST_NEWEST`` of each; quiet hours last for days at most.
    """
    if not recipient_ids:
        return
    newest = max(RELEASE_AT_ONCE // len(recipient_ids), LEAST_NEWEST)
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE_PEOPLE, [list(recipient_ids), newest])
