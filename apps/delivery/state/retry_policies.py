"""Retry policies: the channels', and those that subscriptions have of their own."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.db import connection

from notifier.domain.backoff import RetryPolicy

#: The policy of the subscription through which a delivery ``d`` of a notification ``n`` is made:
#: none, or one row.
OF_SUBSCRIPTION = """
SELECT s.retry_policy FROM topics_subscription s
 WHERE s.topic_id = n.topic_id AND s.channel = d.channel AND s.recipient_id = d.recipient_id
   AND s.retry_policy IS NOT NULL
UNION ALL
SELECT s.retry_policy FROM topics_subscription s
 WHERE s.topic_id = n.topic_id AND s.contact_id = d.contact_id AND s.retry_policy IS NOT NULL
 LIMIT 1
"""
_POLICIES = f"""
SELECT d.id, own.retry_policy::text
  FROM delivery_delivery d
  JOIN delivery_notification n ON n.id = d.notification_id
 CROSS JOIN LATERAL ({OF_SUBSCRIPTION}) own
 WHERE d.id = ANY(%s)
"""


def of_subscriptions(delivery_ids: Collection[int]) -> dict[int, Mapping[str, Any]]:
    """The policies of these deliveries' subscriptions, of those that have one.

    Asked for once an attempt has failed: what goes well never pays for it.
    """
    if not delivery_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_POLICIES, [list(delivery_ids)])
        return {delivery_id: json.loads(policy) for delivery_id, policy in cursor.fetchall()}


def most_attempts() -> dict[str, int]:
    """How many attempts a delivery has by its channel's policy."""
    return {
        channel: RetryPolicy(schedule).attempts
        for channel, schedule in settings.RETRY_SCHEDULES.items()
    }
