"""Edit a scheduled notification: move its time, and change what it says, before it is begun.

A notification is begun once fan-out or a claim has taken one of its chunks. Until then all of it is
in its row and its chunks, so an edit that has their locks changes it for everybody, or for nobody.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict
from uuid import UUID

from django.db import connection, transaction
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.serializers import ValidationError

from apps.api.problems import Problem
from apps.core import clock
from apps.delivery import sealed_content, selectors
from apps.delivery.intake.bodies import ContentBody, TemplateBody
from apps.delivery.intake.drafts import LONGEST_AHEAD, check_content
from apps.delivery.intake.template_validation import TemplateValidator
from apps.delivery.models import Chunk, Delivery, Notification, RetentionDeferral
from apps.delivery.outbox import doorbells
from apps.delivery.outbox.queues import Queue
from apps.delivery.sealed_content import TemplateContent
from apps.delivery.selectors import NotificationState
from apps.delivery.state.steps import plan
from apps.publishers import audit
from notifier.domain.messages import Content
from notifier.security.crypto import DecryptionError

# As in a cancel: a claim waits for no row that is locked here, and fan-out, which locks the
# notification's row after its chunk, is not waited for.
_LOCK = """
SELECT id FROM delivery_chunk
 WHERE notification_id = %s AND state = 'queued' AND fence = 0 AND kind {which}
 ORDER BY id FOR UPDATE {skip}
"""
_MOVE = """
UPDATE delivery_chunk SET ready_at = ready_at + %(by)s, due_at = due_at + %(by)s
 WHERE id = ANY(%(ids)s) RETURNING channel, priority
"""


class EditBody(TypedDict):
    """Fields of a notification to change. ``send_at`` null: at once; ``expires_at`` null: never."""

    content: NotRequired[ContentBody]
    template: NotRequired[TemplateBody]
    send_at: NotRequired[datetime | None]
    expires_at: NotRequired[datetime | None]
    collapse_key: NotRequired[str]
    reference: NotRequired[str]
    metadata: NotRequired[Mapping[str, str]]


@transaction.atomic
def edit(
    request: Request | HttpRequest | None, notification_id: UUID, body: EditBody
) -> Sequence[str]:
    """Edit a notification that is scheduled; return the names of the fields that changed.

    An edit that changes nothing is no error, whatever became of the notification, so that a request
    can be repeated. Raises ``Problem`` where it is begun or cancelled, and ``ValidationError``.
    """
    row = Notification.objects.select_for_update().get(pk=notification_id)
    now = clock.moment()
    changed = _changed(row, body, now)
    if not changed:
        return ()
    chunks = _lock_chunks(row)
    if not chunks:
        raise _begun(row)
    before = {name: getattr(row, name) for name in changed}
    for name, value in changed.items():
        setattr(row, name, value)
    _check_times(row, body, now)
    row.save(update_fields=list(changed))
    if "send_at" in changed:
        _move(chunks, max(row.send_at or now, now) - before["send_at"], row.send_at or now, now)
    if changed.keys() & {"send_at", "expires_at"}:
        _judge_retention_anew(row, now)
    _audit(request, row, before)
    return _names(changed)


def _changed(row: Notification, body: EditBody, now: datetime) -> dict[str, Any]:
    """Return the new values of the columns that an edit changes."""
    wanted: dict[str, Any] = {
        name: body[name] for name in ("expires_at", "collapse_key", "reference") if name in body
    }
    if "metadata" in body:
        wanted["metadata"] = dict(body["metadata"]) or None
    if "send_at" in body:
        wanted["send_at"] = _send_at(row, body["send_at"], now)
    found = {name: value for name, value in wanted.items() if value != getattr(row, name)}
    if "content" in body or "template" in body:
        content = _content(row, body)
        if not _says(row, content):
            found["content"] = sealed_content.seal(row.pk, content)
            found["template_version_id"] = (
                content.version_id if isinstance(content, TemplateContent) else None
            )
    return found


def _send_at(row: Notification, wanted: datetime | None, now: datetime) -> datetime | None:
    """Return the time to send it, with its topic's delay as for one that is posted."""
    if row.send_at_local:
        raise ValidationError(
            {"send_at": "Each recipient gets it at a local time. Cancel it, and post it anew."}
        )
    if row.ordering_key:
        raise ValidationError(
            {"send_at": "With an ordering_key the order is that of acceptance. Cancel it instead."}
        )
    if wanted is not None and wanted > now + LONGEST_AHEAD:
        raise ValidationError({"send_at": f"It can be at most {LONGEST_AHEAD.days} days from now."})
    delay = timedelta(seconds=row.topic.delay if row.topic is not None else 0)
    if wanted is not None:
        return wanted + delay
    if row.send_at is None or row.send_at <= now + delay:
        return row.send_at  # the same request moves it once
    return now + delay if delay else None


def _content(row: Notification, body: EditBody) -> Content | TemplateContent:
    """Validate content or template on all of the notification's channels, those of steps too."""
    later = [row.fallback_channel] if row.fallback_channel else []
    channels = list(
        dict.fromkeys([*row.channels, *later, *(one.channel for one in plan.of(row.steps))])
    )
    if "template" in body:
        validator = TemplateValidator()
        content, _ = validator.validate(
            row.publisher_id, body["template"], channels, named="template"
        )
        return content
    plain = Content(**body["content"])
    check_content(plain, channels)
    return plain


def _says(row: Notification, content: Content | TemplateContent) -> bool:
    """Return whether the notification has this content already."""
    try:
        if isinstance(content, TemplateContent):
            return row.template_version_id == content.version_id and content == (
                sealed_content.unseal_template(row.pk, content.version_id, bytes(row.content))
            )
        return row.template_version_id is None and (
            sealed_content.unseal(row.pk, bytes(row.content)) == content
        )
    except DecryptionError:  # its key is missing, or its retention is over
        return False


def _lock_chunks(row: Notification) -> Sequence[int]:
    """Lock the notification's chunks and return their ids; none where it is begun."""
    if selectors.progress(row).state != NotificationState.SCHEDULED:
        return ()
    found: list[int] = []
    with connection.cursor() as cursor:
        for which, skip in (("<> 'whole'", ""), ("= 'whole'", "SKIP LOCKED")):
            cursor.execute(_LOCK.format(which=which, skip=skip), [row.pk])
            found += [key for (key,) in cursor.fetchall()]
    # Chunks that a claim took meanwhile are gone, and their deliveries are there.
    whole = Chunk.objects.filter(notification=row).count() == len(found)
    begun = Delivery.objects.filter(notification=row).exists()
    return found if whole and not begun else ()


def _begun(row: Notification) -> Problem:
    state = selectors.progress(row).state
    if state == NotificationState.SCHEDULED:
        state = NotificationState.SENDING  # its first chunk was taken ahead of its time
    return Problem(
        "conflict",
        f"It is {state}: only what is scheduled, and not begun, can be edited. "
        + (
            "Cancel what is not sent yet, and post anew what is still to be said."
            if state == NotificationState.SENDING
            else "Post anew what is still to be said."
        ),
    )


def _check_times(row: Notification, body: EditBody, now: datetime) -> None:
    """Raise ``ValidationError`` where it would have expired when it, or a step, is sent."""
    if row.expires_at is None:
        return
    last = max([row.fallback_after or 0, *(step.due for step in plan.of(row.steps))])
    if row.expires_at <= max(row.send_at or now, now) + timedelta(seconds=last):
        named = "expires_at" if "expires_at" in body or "send_at" not in body else "send_at"
        raise ValidationError({named: "It has expired by then; not all of it would be sent."})


def _move(chunks: Sequence[int], by: timedelta, start: datetime, now: datetime) -> None:
    parameters: dict[str, Any] = {"by": by, "ids": list(chunks)}
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, parameters)
        queues = {Queue(*found) for found in cursor.fetchall()}
    if start <= now:
        transaction.on_commit(lambda: doorbells.ring(queues))


def _judge_retention_anew(row: Notification, now: datetime) -> None:
    """Have retention look at it again: it may be put off until what its former times say."""
    RetentionDeferral.objects.bulk_create(
        [
            RetentionDeferral(notification_id=row.pk, what=what, due_at=now)
            for what in ("content", "record")
        ],
        update_conflicts=True,
        unique_fields=["notification_id", "what"],
        update_fields=["due_at"],
    )


def _names(changed: Mapping[str, object]) -> list[str]:
    """Return the names of changed columns as the API has them."""
    renamed = {"template_version_id": "content"}
    return sorted({renamed.get(name, name) for name in changed})


def _audit(
    request: Request | HttpRequest | None, row: Notification, before: Mapping[str, Any]
) -> None:
    """Record the names of the changed fields, and times before and after; never a content."""

    def times(found: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: found[name].isoformat() if found[name] else None
            for name in ("send_at", "expires_at")
            if name in before
        }

    audit.record(
        request,
        "update",
        "notification",
        str(row.pk),
        publisher_id=row.publisher_id,
        before=times(before),
        after={**times({name: getattr(row, name) for name in before}), "changed": _names(before)},
    )
