"""Retry policies: the default ones of channels, and those of subscriptions."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from apps.topics.stored_policies import StoredPolicy
from notifier.domain.backoff import RetryPolicy
from notifier.providers.base import log_bug

#: SQL: the policy of the subscription that delivery ``d`` of notification ``n`` was created for; no
#: row, or one.
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


@dataclass(frozen=True, slots=True)
class OwnPolicy:
    """A topic's or a subscription's own retry policy.

    ``rules``: ``None`` where the row's are invalid, so that the channel's apply. ``endpoint``: the
    id of the contact to send to once the attempts are used up, if any.
    """

    rules: RetryPolicy | None
    endpoint: int | None


def parse(stored: StoredPolicy) -> OwnPolicy:
    """Read the policy of a row.

    Rules that are invalid are logged and do not raise: what was sent must be recorded.
    """
    rules: RetryPolicy | None
    try:
        rules = RetryPolicy.repeating(stored["schedule"], stored.get("attempts"))
    except (LookupError, TypeError, ValueError) as error:
        log_bug("a retry policy cannot be read", error)
        rules = None
    after_last = stored.get("after_last")
    return OwnPolicy(rules, after_last["contact_id"] if isinstance(after_last, Mapping) else None)


def of_subscriptions(delivery_ids: Collection[int]) -> dict[int, StoredPolicy]:
    """Return the policies of these deliveries' subscriptions by delivery id, where they have one.

    Read after an attempt failed, and not with the claim: deliveries that succeed never pay for it.
    """
    if not delivery_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_POLICIES, [list(delivery_ids)])
        return {delivery_id: json.loads(policy) for delivery_id, policy in cursor.fetchall()}


def most_attempts() -> dict[str, int]:
    """Return how many attempts the policy of each channel allows."""
    return {
        channel: RetryPolicy(schedule).attempts
        for channel, schedule in settings.RETRY_SCHEDULES.items()
    }
