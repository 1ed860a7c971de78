"""The sweeper: takes up what was lost, and rings for what is due. Safe to run many times at once.

Workers find by themselves what is due; what only the sweeper does is to release claims whose worker
is gone, and what waited for a topic that was resumed.
"""

from django.conf import settings
from django.db import connection, transaction

from apps.core import clock
from apps.delivery import state
from apps.delivery.flow import address_guards, availability
from apps.delivery.models import TopicRelease
from apps.delivery.outbox import claims, doorbells, pending
from apps.delivery.outbox.queues import Queue
from apps.delivery.state import counts, handover, retry_policies
from notifier.domain.priorities import Priority

#: Pages of a resumed topic's deliveries that one sweep makes due: it must end within the second.
RELEASE_PAGES = 3

# Whole audiences whose cutting was given up: another worker goes on behind the last page.
_REOPEN = """
UPDATE delivery_chunk SET state = 'queued', ready_at = least(ready_at, clock_timestamp())
 WHERE id = ANY(ARRAY(SELECT id FROM delivery_chunk
                       WHERE state = 'running' AND kind = 'whole'
                         AND due_at <= clock_timestamp() FOR UPDATE SKIP LOCKED))
"""


def sweep() -> None:
    """Release lost claims, ring for queues with work, and count what was put aside."""
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
    # A worker may have written down after the flood was noticed. Last: it takes its time.
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
    """Make due, page by page, what waited for topics that were resumed."""
    for topic_id in TopicRelease.objects.order_by("resumed_at").values_list("pk", flat=True):
        for _ in range(RELEASE_PAGES):
            with transaction.atomic():
                if not state.release_topic(topic_id):
                    TopicRelease.objects.filter(pk=topic_id).delete()
                    break


def _with_work() -> list[Queue]:
    """Queues with work that may be done now, urgent ones first."""
    shut = availability.shut(settings.CHANNELS)  # what waits there goes on waiting
    return [
        queue
        for queue in (
            Queue(channel, priority)
            for priority in Priority
            for channel in ("", *settings.CHANNELS)
            if channel not in shut
        )
        if pending.publishers(queue)
    ]
