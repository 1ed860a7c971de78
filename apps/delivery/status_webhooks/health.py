"""Health of status webhooks: the last success, the last error, and test calls.

It is read from the rows of their deliveries and attempts; nothing else is stored.
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

#: Newest messages to an endpoint that are searched for a success and an error.
MOST = 1000
#: The ``type`` of a test call's message.
EVENT_TYPE = "webhook.test"
#: Seconds after which a test call expires, and for which its request waits for the outcome.
WORTH_SENDING, WAIT = 15.0, 3.0
#: Requests of a process that wait for a test call at a time; other threads serve other publishers.
FEW = 2
_few = threading.BoundedSemaphore(FEW)
#: Outcome of a test call that has none yet.
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
    """Health by the newest ``MOST`` messages; ``None`` and empty where there was none."""

    last_success_at: datetime | None = None
    last_error_at: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of a test call.

    ``outcome``: the attempt's, or ``pending``. ``error``: empty if it arrived.
    """

    outcome: str
    error: str = ""
    status: int | None = None
    duration_ms: int | None = None
    delivery_id: str | None = None


def health(rows: Iterable[StatusWebhook]) -> dict[int, Health]:
    """Return the health of status webhooks by primary key."""
    with connection.cursor() as cursor:
        cursor.execute(_HEALTH, {"most": MOST, "ids": [row.pk for row in rows]})
        return {
            key: Health(good, bad, error(reason, status, detail) if bad else "")
            for key, good, bad, reason, status, detail in cursor.fetchall()
        }


def error(reason: str, status: int | None, detail: str) -> str:
    """Describe an error for people: ``no connection could be made …, status 503: “…”``."""
    text = descriptions.REASONS.get(reason, reason.replace("_", " "))
    return f"{text}{f', status {status}' if status else ''}{f': “{detail}”' if detail else ''}"


def deliveries(row: StatusWebhook) -> QuerySet[Delivery]:
    """Return all messages to its endpoint, to be paged by id."""
    return Delivery.objects.filter(contact_id=row.contact_id, recipient_id__isnull=True)


def send_test(row: StatusWebhook) -> UUID:
    """Accept a test message, which a worker sends like any other; return the notification's id.

    The transaction must be committed before ``wait_for_test``.
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


def wait_for_test(notification_id: UUID) -> TestResult:
    """Wait for the result of a test call, ``WAIT`` seconds at most.

    Returns at once while ``FEW`` other requests are waiting.
    """
    if not _few.acquire(blocking=False):
        return _pending(notification_id)
    try:
        return poll(lambda: _tested(notification_id), WAIT) or _pending(notification_id)
    finally:
        _few.release()


def _tested(notification_id: UUID) -> TestResult | None:
    """Return the result of its first attempt, or why there is none; ``None`` while it waits."""
    delivery = Delivery.objects.filter(notification_id=notification_id).first()
    if delivery is None:
        return None
    key = delivery.public_id
    attempt = Attempt.objects.filter(delivery_id=delivery.pk).order_by("number").first()
    if attempt is not None:
        good = attempt.outcome == "accepted"
        text = "" if good else error(attempt.reason, attempt.status, attempt.detail)
        return TestResult(attempt.outcome, text, attempt.status, attempt.duration_ms, key)
    if delivery.state in WAITING:
        return None
    return TestResult("refused", error(delivery.reason, None, ""), delivery_id=key)


def _pending(notification_id: UUID) -> TestResult:
    """Return a pending result: no free worker, a deferral, or no answer of the receiver yet."""
    delivery = Delivery.objects.filter(notification_id=notification_id).first()
    if delivery is None:
        return TestResult(PENDING)
    text = error(delivery.reason, None, "") if delivery.reason else ""
    return TestResult(PENDING, text, delivery_id=delivery.public_id)
