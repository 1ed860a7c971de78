"""Take up deliveries that are due again, each with the decision whether it may be sent."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection

from apps.core import arrays
from apps.delivery.state import deferral, ordering
from apps.delivery.state.claiming import ADDRESSED, NOBODY, Claimed, QuietColumns
from apps.delivery.state.eligibility import judging
from apps.delivery.state.eligibility.audience import REASON, REFUSAL, REFUSED_BY
from apps.delivery.state.fallback import ACKNOWLEDGED, REACHED_ELSEWHERE, reporting
from notifier.dispatch.failover import FAULTS

# A recipient who left the topic between two attempts gets no further one. A delivery in place of a
# dead one is not asked: its endpoint never subscribed. Not ``EXISTS``, of which the planner makes a
# table of all subscriptions where it takes that for cheaper than looking each up.
_UNSUBSCRIBED = """
CASE WHEN a.topic_id IS NOT NULL AND a.instead_of IS NULL {but}
     AND (SELECT true FROM topics_subscription s
           WHERE s.topic_id = a.topic_id AND s.channel = a.channel
             AND s.recipient_id = a.recipient_id AND s.state = 'active' LIMIT 1) IS NULL
     AND (SELECT true FROM topics_subscription s
           WHERE s.topic_id = a.topic_id AND s.contact_id = a.contact_id
             AND s.state = 'active' LIMIT 1) IS NULL
     THEN 'unsubscribed' END, """
# Recipients who have read it in the inbox, or whom the fallback reached, while it waited for the
# end of quiet hours or for its digest are skipped. So are those of a fallback, never tried, whom
# another channel has reached or who have acknowledged it, whatever it waited for. What waits for
# other reasons waits for minutes, and is not asked.
_OUTDATED = f"""
CASE WHEN a.reason IN ('quiet_hours', 'digest')
      AND EXISTS (SELECT FROM preferences_contact k
                    JOIN delivery_delivery e ON e.notification_id = a.notification_id
                                            AND e.contact_id = k.id AND e.instead_of IS NULL
                    JOIN inbox_inboxitem i ON i.delivery_id = e.id
                         AND (i.read_at IS NOT NULL OR i.snoozed_until IS NOT NULL)
                   WHERE k.recipient_id = a.recipient_id AND k.channel = 'inbox')
     THEN 'read'
     WHEN a.fallback_channel <> ''
      AND (a.reason IN ('quiet_hours', 'digest')
           OR (a.channel = a.fallback_channel AND a.attempts = 0))
     THEN CASE WHEN {ACKNOWLEDGED.replace("%(notification_id)s", "a.notification_id")}
               THEN 'acknowledged'
               WHEN {REACHED_ELSEWHERE} THEN 'reached' END
END, """
# Read from the attempt: a later deferral overwrites the reason of the delivery. What only waited,
# for the end of quiet hours say, has none to be looked for.
_FAILED_AT = """
 coalesce(CASE WHEN moved.attempts > 0 THEN
          (SELECT a.provider FROM delivery_attempt a
            WHERE a.delivery_id = moved.id AND a.number = moved.attempts
              AND a.delivery_id BETWEEN %(low)s AND %(high)s
              AND a.outcome IN ('retry', 'refused') AND a.reason = ANY(%(faults)s)) END, '')
"""
_UNANSWERED = """
 (moved.attempts > 0 AND EXISTS (SELECT FROM delivery_attempt a
                                  WHERE a.delivery_id = moved.id AND a.outcome = 'unknown'
                                    AND a.delivery_id BETWEEN %(low)s AND %(high)s))
"""
# Deliveries that are due again. Those of a paused topic go on waiting and use up no attempt. Where
# the topic cannot be resumed before this commits (``held``), they wait until it is.
# ``columns``: more of each delivery. ``answered``: the SQL of why a step is not needed any more.
_RESUMING = (
    """
WITH audience AS (
    SELECT d.id, d.state AS before, d.recipient_id, d.contact_id, d.channel, d.instead_of,
           d.notification_id, d.reason, d.attempts, n.fallback_channel,
           k.state AS contact_state, k.address_index,
           n.cancelled_at, n.expires_at, n.topic_id, t.paused_at,
           n.category_kind = 'critical'
               OR CASE WHEN t.id IS NULL THEN n.kind <> 'published'
                       ELSE t.mandatory AND NOT n.other_category END AS mandatory,
           coalesce(nullif(n.category, ''), t.category, '') AS category,
           d.notification_id = ANY(%(off)s::uuid[]) AS off{columns}
      FROM delivery_delivery d
      JOIN delivery_notification n ON n.id = d.notification_id
      LEFT JOIN topics_topic t ON t.id = n.topic_id
      LEFT JOIN preferences_contact k ON k.id = d.contact_id
     WHERE d.id = ANY(%(ids)s::bigint[])
), judged AS MATERIALIZED (
    SELECT a.*, coalesce({answered}{unsubscribed}"""
    + _OUTDATED
    + REFUSAL.format(
        channel="a.channel",
        mandatory="a.mandatory",
        topic_id="a.topic_id",
        category="a.category",
        off="a.off",
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
                                      WHERE a.delivery_id = coalesce(d.told_in, d.id)
                                        AND a.outcome = 'unknown')
                        THEN 'unknown' ELSE j.after END,
           reason = CASE WHEN j.after = 'retrying' THEN 'topic_paused'
                         WHEN j.after = 'suppressed' THEN """
    + REASON.format(refusal="j.refusal")
    + """
                         ELSE d.reason END,
           refused_by = CASE WHEN j.after = 'suppressed' THEN """
    + REFUSED_BY.format(refusal="j.refusal")
    + """ END,
           chunk_id = %(claim_id)s,
           next_attempt_at = CASE WHEN j.after = 'retrying' THEN j.held_until END,
           updated_at = clock_timestamp()
      FROM decided j
     WHERE d.id = j.id AND d.id BETWEEN %(low)s AND %(high)s
    RETURNING d.id, d.notification_id, d.state, d.attempts, d.attempts_uncounted,
              d.instead_of, d.contact_id, d.recipient_id, d.channel, d.provider, d.step, j.before
)
SELECT moved.before, """
    + ADDRESSED.format(failed_at=_FAILED_AT, unanswered=_UNANSWERED)
)
_RESUME = _RESUMING.format(columns="", answered="", unsubscribed=_UNSUBSCRIBED.format(but=""))
_RESUME_WITH_STEPS = _RESUMING.format(
    columns=f", {judging.OF_DELIVERY}",
    answered=f"{judging.NEEDLESS_AGAIN}, ",
    # Members of a step's group never subscribed.
    unsubscribed=_UNSUBSCRIBED.format(but="AND NOT a.to_group"),
)


def resume_due(
    claim_id: int,
    delivery_ids: Sequence[int],
    held_topics: Collection[int],
    *,
    ordered: bool,
    off: Collection[str] = (),
    quiet: QuietColumns = NOBODY,
    steps: bool = False,
) -> list[Claimed]:
    """Take up deliveries that are due again and locked.

    ``held_topics``: those that are paused and cannot be resumed before this commits. ``ordered``:
    some have an ordering key, and the caller holds the locks of their lines. ``off``: ids of
    notifications that recipients get only if a preference allows it. ``quiet``: who comes with
    their quiet hours. ``steps``: some notifications have steps, and the caller has called
    ``steps.answers.hold`` for them.
    """
    if not delivery_ids:
        return []
    low, high = arrays.bounds(delivery_ids)
    with connection.cursor() as cursor:
        # psycopg2 adapts a timedelta, though django-stubs do not list it.
        parameters: dict[str, Any] = {
            "claim_id": claim_id,
            "ids": list(delivery_ids),
            "low": low,
            "high": high,
            "held": list(held_topics),
            "off": list(off),
            "shortest_hold": timedelta(seconds=deferral.SHORTEST),
            "faults": list(FAULTS),
            "reporting": reporting(),
            **quiet._asdict(),
        }
        cursor.execute(_RESUME_WITH_STEPS if steps else _RESUME, parameters)
        rows = [Claimed._make(row) for row in cursor.fetchall()]
    return ordering.hold_back(None, rows) if ordered else rows
