"""How status webhooks do: when a message last arrived, the last error, and a test call.

Read from the rows of their deliveries, which the workers write anyway: nothing is kept twice.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.core import clock
from apps.core.polling import poll
from apps.delivery.intake.accept import accept
from apps.delivery.intake.drafts import Draft
from apps.delivery.models import Attempt, Delivery, NotificationKind, StatusWebhook
from apps.delivery.operations import descriptions
from apps.preferences.channels import WEBHOOK
from notifier.domain.messages import Content
from notifier.domain.priorities import Priority
from notifier.domain.states import WAITING

#: Newest messages to an endpoint that are looked through for a success and an error.
MOST = 1000
#: The ``type`` of a test call's message.
EVENT_TYPE = "webhook.test"
#: Seconds for which a test call is worth sending, and for which whoever asked for it waits.
WORTH_SENDING, PATIENCE = 15.0, 3.0
#: Test calls that a process waits for at a time: its other threads are for other publishers.
FEW = 2
_few = threading.BoundedSemaphore(FEW)
#: A test call that no worker has made yet.
PENDING = "pending"

_NEWEST = """
SELECT a.started_at, a.reason, a.status, a.detail
  FROM (SELECT id FROM delivery_delivery
         WHERE contact_id = w.contact_id AND recipient_id IS NULL
         ORDER BY id DESC LIMIT %(most)s) d
  JOIN delivery_attempt a ON a.delivery_id = d.id AND {wanted}
 ORDER BY a.started_at DESC LIMIT 1
"""
_HEALTH = f"""
SELECT w.id, good.started_at, bad.started_at, bad.reason, bad.status, bad.detail
  FROM delivery_statuswebhook w
  LEFT JOIN LATERAL ({_NEWEST.format(wanted="a.outcome = 'accepted'")}) good ON true
  LEFT JOIN LATERAL ({_NEWEST.format(wanted="a.outcome <> 'accepted'")}) bad ON true
 WHERE w.id = ANY(%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class Health:
    """Of its newest ``MOST`` messages; ``None`` and empty where there was none."""

    last_success_at: datetime | None = None
    last_error_at: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test call came to: ``outcome`` is an attempt's, or ``pending``; ``error`` is empty
    where it arrived."""

    outcome: str
    error: str = ""
    status: int | None = None
    duration_ms: int | None = None
    delivery_id: str | None = None


def health(rows: Iterable[StatusWebhook]) -> dict[int, Health]:
    """How each of them does, by its primary key."""
    with connection.cursor() as cursor:
        cursor.execute(_HEALTH, {"most": MOST, "ids": [row.pk for row in rows]})
        return {
            key: Health(good, bad, error(reason, status, detail) if bad else "")
            for key, good, bad, reason, status, detail in cursor.fetchall()
        }


def error(reason: str, status: int | None, detail: str) -> str:
    """What failed, for people: ``no connection could be made …, status 503: “…”``."""
    said = descriptions.REASONS.get(reason, reason.replace("_", " "))
    return f"{said}{f', status {status}' if status else ''}{f': “{detail}”' if detail else ''}"


def deliveries(row: StatusWebhook) -> QuerySet[Delivery]:
    """Every message to its endpoint, to be paged by id."""
    return Delivery.objects.filter(contact_id=row.contact_id, recipient_id__isnull=True)


def send_test(row: StatusWebhook) -> UUID:
    """Have a worker send a test message, through the line that every message takes; its id.

    Commit before ``wait_for_test``.
    """
    data = {"status_webhook_id": row.pk, "message": "A test call. There is nothing to do."}
    draft = Draft(
        content=Content(data=data, event_type=EVENT_TYPE),
        priority=Priority.HIGH,
        channels=[WEBHOOK],
        contact_ids=[row.contact_id],
        kind=NotificationKind.STATUS,
        expires_at=clock.moment() + timedelta(seconds=WORTH_SENDING),
    )
    [notification] = accept(row.publisher_id, [draft])
    return notification.id


def wait_for_test(notification_id: UUID) -> Tested:
    """What became of a test call, after ``PATIENCE`` seconds at most; at once where ``FEW`` others
    are waited for."""
    if not _few.acquire(blocking=False):
        return _pending(notification_id)
    try:
        return poll(lambda: _tested(notification_id), PATIENCE) or _pending(notification_id)
    finally:
        _few.release()


def _tested(notification_id: UUID) -> Tested | None:
    """What its first attempt came to, or why there is none; ``None`` as long as it waits."""
    delivery = Delivery.objects.filter(notification_id=notification_id).first()
    if delivery is None:
        return None
    key = delivery.public_id
    attempt = Attempt.objects.filter(delivery_id=delivery.pk).order_by("number").first()
    if attempt is not None:
        good = attempt.outcome == "accepted"
        said = "" if good else error(attempt.reason, attempt.status, attempt.detail)
        return Tested(attempt.outcome, said, attempt.status, attempt.duration_ms, key)
    if delivery.state in WAITING:
        return None
    return Tested("refused", error(delivery.reason, None, ""), delivery_id=key)


def _pending(notification_id: UUID) -> Tested:
    """No worker was free, it is held back, or the receiver has not answered yet."""
    delivery = Delivery.objects.filter(notification_id=notification_id).first()
    if delivery is None:
        return Tested(PENDING)
    said = error(delivery.reason, None, "") if delivery.reason else ""
    return Tested(PENDING, said, delivery_id=delivery.public_id)
