"""The sweeper: releases what was lost, and rings for due work. Safe to run many times at once.

Workers also find due work by polling. Only the sweeper releases claims whose worker is gone, and
what waited for a topic that was resumed.
"""

from django.conf import settings
from django.db import connection, transaction

from apps.core import clock
from apps.delivery import state
from apps.delivery.flow import address_guards, availability
from apps.delivery.models import TopicRelease
from apps.delivery.outbox import backlog, claims, doorbells
from apps.delivery.outbox.queues import Queue, all_queues
from apps.delivery.state import counts, handover, retry_policies

#: Most pages of a resumed topic's deliveries that one sweep makes due: it runs every second.
RELEASE_PAGES = 3

# Audiences whose worker is gone: another worker goes on behind the last page of chunks.
_REOPEN = """
UPDATE delivery_chunk SET state = 'queued', ready_at = least(ready_at, clock_timestamp())
 WHERE id = ANY(ARRAY(SELECT id FROM delivery_chunk
                       WHERE state = 'running' AND kind = 'whole'
                         AND due_at <= clock_timestamp() FOR UPDATE SKIP LOCKED))
"""


def sweep() -> None:
    """Release lost claims, ring for queues with work, and count moves that were put aside."""
    clock.measure()
    release_claims()
    while handover.sweep() >= handover.AT_ONCE:
        pass
    with connection.cursor() as cursor:
        cursor.execute(_REOPEN)
    _release_topics()
    doorbells.ring(_with_work())
    while counts.count_pending() == counts.PENDING_AT_ONCE:
        pass
    # A worker may have recorded dead addresses after a guard opened. Last, since it may take long.
    address_guards.restore_addresses()


def release_claims() -> None:
    """Make due what workers that are gone had claimed."""
    while counts.retry_when_locked(_release_claims) == claims.AT_ONCE:
        pass


@transaction.atomic
def _release_claims() -> int:
    lost = claims.lost()
    if lost:
        state.release_lost(lost, retry_policies.most_attempts())
        claims.close(lost)
    return len(lost)


def _release_topics() -> None:
    """Make due, page by page, what was deferred for topics that were resumed."""
    for topic_id in TopicRelease.objects.order_by("resumed_at").values_list("pk", flat=True):
        for _ in range(RELEASE_PAGES):
            with transaction.atomic():
                if not state.release_topic(topic_id):
                    TopicRelease.objects.filter(pk=topic_id).delete()
                    break


def _with_work() -> list[Queue]:
    """Return queues with work that may be done now, urgent ones first."""
    found = backlog.ages(all_queues())
    if not found:
        return []
    shut = availability.shut(settings.CHANNELS)  # no provider takes anything there now
    return [queue for queue in all_queues() if queue in found and queue.channel not in shut]
