"""Erase a person from notifications, chunks and deliveries; their rows and counts stay.

A delivery of an erased person has neither recipient nor contact: it says that something was sent on
a channel, when and by which provider, and how that ended. Notifications that went to nobody else
lose their content. Each function does a batch, or yields after each how far it has come, where it
can go on; all can be repeated.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from apps.core import clock
from apps.core.delivery_ids import number_of
from apps.core.redaction import redacted, written
from apps.core.row_windows import key_ranges
from apps.delivery import sealed_content, state
from apps.delivery.flow import frequency_counts
from apps.delivery.models import (
    Chunk,
    Delivery,
    IdempotencyKey,
    Notification,
    NotificationKind,
    Reply,
)
from apps.delivery.state.cancellation import OF_PERSON
from notifier.domain.messages import Content
from notifier.domain.states import WAITING
from notifier.security.crypto import DecryptionError

#: Chunks that one statement looks through.
CHUNKS_AT_ONCE = 100_000
#: Deliveries that one transaction erases.
AT_ONCE = 1_000
#: Notifications to nobody else that are looked for at once.
ALONE_AT_ONCE = 100
#: Events of status webhooks, and answers to requests, that are looked through at once.
EVENTS_AT_ONCE, ANSWERS_AT_ONCE = 500, 5_000

# No index finds these: each window of ids is a statement.
_IN_CHUNKS = """
SELECT id FROM delivery_chunk
 WHERE id >= %(low)s AND id < %(end)s
   AND (%(recipient_id)s = ANY(recipient_ids) OR contact_ids && %(contact_ids)s::bigint[])
"""
# Notifications whose chunks and deliveries are this person's alone; those of a cancelled one stay
# for a day.
_ALONE_IN_CHUNKS = f"""
SELECT DISTINCT c.notification_id FROM delivery_chunk c
 WHERE c.id = ANY(%(chunk_ids)s::bigint[])
   AND (%(recipient_id)s = ANY(c.recipient_ids) OR c.contact_ids && %(contact_ids)s::bigint[])
   AND NOT EXISTS (SELECT FROM delivery_chunk o
                    WHERE o.notification_id = c.notification_id
                      AND (coalesce(o.recipient_ids <@ ARRAY[%(recipient_id)s]::bigint[], false)
                           OR coalesce(o.contact_ids <@ %(contact_ids)s::bigint[], false))
                          IS NOT TRUE)
   AND NOT EXISTS (SELECT FROM delivery_delivery d
                    WHERE d.notification_id = c.notification_id AND {OF_PERSON} IS NOT TRUE
                      -- Those of others who were erased are nobody's.
                      AND (d.recipient_id IS NOT NULL OR d.contact_id IS NOT NULL))
 ORDER BY c.notification_id LIMIT %(most)s
"""
_LEAVE_CHUNKS = """
UPDATE delivery_chunk
   SET recipient_ids = array_remove(recipient_ids, %(recipient_id)s::bigint),
       contact_ids = CASE WHEN contact_ids IS NOT NULL THEN
           ARRAY(SELECT id FROM unnest(contact_ids) AS k (id)
                  WHERE id <> ALL(%(contact_ids)s::bigint[])) END
 WHERE id = ANY(ARRAY(
       SELECT id FROM delivery_chunk
        WHERE id = ANY(%(chunk_ids)s::bigint[])
          AND (%(recipient_id)s = ANY(recipient_ids) OR contact_ids && %(contact_ids)s::bigint[])
          AND (%(only)s IS NULL OR notification_id = ANY(%(only)s::uuid[]))
        ORDER BY id FOR UPDATE))
"""
# The newest first: their requests may still be repeated.
_BATCH = f"""
SELECT id, notification_id FROM delivery_delivery
 WHERE {OF_PERSON} AND NOT state = ANY(%(waiting)s)
 ORDER BY id DESC LIMIT %(most)s FOR UPDATE
"""
# Deliveries with `instead_of` are copies of a dead one: they keep no content.
_CONTENTS = f"""
UPDATE delivery_notification n
   SET content = '', collapse_key = '', ordering_key = '', digest = NULL,
       reference = '', metadata = NULL, traceparent = NULL
 WHERE n.id = ANY(%(notification_ids)s::uuid[])
   AND NOT EXISTS (SELECT FROM delivery_chunk c
                    WHERE c.notification_id = n.id AND c.state <> 'done')
   AND NOT EXISTS (SELECT FROM delivery_delivery d
                    WHERE d.notification_id = n.id
                      AND (d.state = ANY(%(waiting)s)
                           OR (d.instead_of IS NULL AND {OF_PERSON} IS NOT TRUE
                               AND (d.recipient_id IS NOT NULL OR d.contact_id IS NOT NULL))))
RETURNING n.id, n.created_at
"""
_DELIVERIES = """
UPDATE delivery_delivery SET recipient_id = NULL, contact_id = NULL, provider_message_id = ''
 WHERE id = ANY(%(ids)s)
"""
_PARTS = (
    "UPDATE delivery_attempt SET detail = '' WHERE delivery_id = ANY(%(ids)s) AND detail <> ''",
    "DELETE FROM delivery_receiptevent WHERE delivery_id = ANY(%(ids)s)",
    "DELETE FROM delivery_deadletter WHERE delivery_id = ANY(%(ids)s)",
    # Answers stay without a name: one of anybody stops the steps for the others.
    "UPDATE delivery_answer SET recipient_id = -id WHERE recipient_id = %(recipient_id)s"
    " AND notification_id = ANY(%(notification_ids)s::uuid[])",
    _DELIVERIES,
)


class Erased(NamedTuple):
    """The result of a batch.

    ``number``: of what was found, 0 after the last. ``emptied``: notifications that lost their
    content, of those whose idempotency keys may still be kept.
    """

    number: int
    emptied: list[UUID]


def forget_replies(numbers: Mapping[bytes, str], before: datetime) -> None:
    """Take these numbers, masked by keyed hash, off the replies up to ``before``.

    In replies that have no hash yet, the masks alone tell: those go of others as well.
    """
    rows = Reply.objects.filter(address_index__in=list(numbers), received_at__lte=before)
    rows.update(masked="", address_index=None)
    older = Reply.objects.filter(address_index=None, masked__in=numbers.values())
    older.exclude(masked="").update(masked="")


def chunks_of(
    recipient_id: int, contact_ids: Collection[int], step: Callable[[], None]
) -> list[int]:
    """Return the chunks that a person is in, which are few; call ``step`` after each window."""
    person, found = _person(recipient_id, contact_ids), []
    for low in key_ranges(Chunk.objects.all(), 0, CHUNKS_AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(_IN_CHUNKS, {**person, "low": low, "end": low + CHUNKS_AT_ONCE})
            found += [chunk_id for (chunk_id,) in cursor.fetchall()]
        step()
    return found


def waiting_alone(
    recipient_id: int, contact_ids: Collection[int], chunk_ids: Sequence[int]
) -> list[UUID]:
    """Return some notifications with chunks that a person is in, and that nobody else is to get.

    Cancel each with ``cancel_alone``, then take the person out of its chunks.
    """
    person = {
        **_person(recipient_id, contact_ids),
        "chunk_ids": list(chunk_ids),
        "most": ALONE_AT_ONCE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ALONE_IN_CHUNKS, person)
        return [notification_id for (notification_id,) in cursor.fetchall()]


@transaction.atomic
def cancel_alone(notification_id: UUID, recipient_id: int, contact_ids: Collection[int]) -> Erased:
    """Cancel a notification to a person alone, in a transaction of its own: it locks lines.

    It has no content then, since no delivery of it will lead there.
    """
    state.cancel(notification_id)
    person = {**_person(recipient_id, contact_ids), "waiting": list(WAITING)}
    return Erased(1, _erase_contents(person, [notification_id]))


@transaction.atomic
def leave_chunks(
    recipient_id: int,
    contact_ids: Collection[int],
    chunk_ids: Sequence[int],
    only: Collection[UUID] | None = None,
) -> int:
    """Take a person out of these chunks, or of those of some notifications; return of how many.

    Waits for the chunks' rows: not for a transaction that has locked lines.
    """
    person = {**_person(recipient_id, contact_ids), "chunk_ids": list(chunk_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE_CHUNKS, {**person, "only": None if only is None else list(only)})
        return int(cursor.rowcount)


@transaction.atomic
def cancel(recipient_id: int, contact_ids: Collection[int], *, chunk_ids: Sequence[int]) -> Erased:
    """Cancel some of what waits for a person among others, in these chunks and as deliveries."""
    number = leave_chunks(recipient_id, contact_ids, chunk_ids)
    return Erased(number + state.cancel_person(recipient_id, contact_ids), [])


@transaction.atomic
def erase(recipient_id: int, contact_ids: Collection[int]) -> Erased:
    """Erase a person from some deliveries that have ended.

    With those goes the content of notifications that were for nobody else.
    """
    person = {**_person(recipient_id, contact_ids), "waiting": list(WAITING)}
    with connection.cursor() as cursor:
        cursor.execute(_BATCH, {**person, "most": AT_ONCE})
        found = cursor.fetchall()
        if not found:
            return Erased(0, [])
        batch = {
            **person,
            "ids": [delivery_id for delivery_id, _ in found],
            "notification_ids": sorted({notification_id for _, notification_id in found}),
        }
        emptied = _erase_contents(person, batch["notification_ids"])
        for statement in _PARTS:
            cursor.execute(statement, batch)
    return Erased(len(found), emptied)


def is_left(recipient_id: int, contact_ids: Collection[int]) -> bool:
    """Return whether deliveries still refer to a person: workers are sending them."""
    person = _person(recipient_id, contact_ids)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM delivery_delivery WHERE {OF_PERSON})", person)
        left: bool = cursor.fetchone()[0]
    return left


def forget_counts(recipient_id: int) -> None:
    """Forget what was counted for a person's frequency caps."""
    frequency_counts.forget(recipient_id)


def _person(recipient_id: int, contact_ids: Collection[int]) -> dict[str, Any]:
    return {"recipient_id": recipient_id, "contact_ids": list(contact_ids)}


def _erase_contents(person: Mapping[str, Any], notification_ids: Sequence[UUID]) -> list[UUID]:
    """Empty those of these notifications that are for nobody else; see ``Erased.emptied``."""
    if not notification_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_CONTENTS, {**person, "notification_ids": list(notification_ids)})
        emptied = cursor.fetchall()
    oldest = clock.moment() - timedelta(hours=settings.IDEMPOTENCY_HOURS)
    return [key for key, created_at in emptied if created_at >= oldest]


def erase_from_answers(
    user_id: str, before: datetime, notification_ids: Sequence[UUID], position: str
) -> Iterator[str]:
    """Take a person's name out of the answers that are kept with idempotency keys.

    The keys of these notifications go: without its key, a repeated request is judged anew, and the
    answer is that the recipient is unknown. Yields where to go on.
    """
    rows = IdempotencyKey.objects.annotate(text=Cast("answer", TextField()))
    named = Q(created_at__lte=before, text__contains=written(user_id))
    theirs = {"answer__id__in": [str(key) for key in notification_ids]}
    for low in key_ranges(IdempotencyKey.objects.all(), int(position or 0), ANSWERS_AT_ONCE):
        window = rows.filter(pk__gte=low, pk__lt=low + ANSWERS_AT_ONCE)
        if notification_ids:
            window.filter(**theirs).delete()
        with transaction.atomic():
            for row in window.filter(named).order_by("pk").select_for_update():
                row.answer = redacted(row.answer, user_id)
                row.save(update_fields=["answer"])
        yield str(low + ANSWERS_AT_ONCE)


def erase_from_events(user_id: str, before: datetime, position: str) -> Iterator[str]:
    """Take a person's name, and what they wrote, out of the events of status webhooks.

    Events about somebody who was registered under the same ``user_id`` since stay as they are.
    Yields where to go on.
    """
    rows = Notification.objects.filter(kind=NotificationKind.STATUS).exclude(content=b"")
    rows = rows.order_by("pk")
    while some := list(
        (rows.filter(pk__gt=position) if position else rows).values_list("pk", "content")[
            :EVENTS_AT_ONCE
        ]
    ):
        for key, sealed in some:
            if _naming(user_id, _unsealed(key, sealed)):
                _erase_from_event(key, user_id, before)
        position = str(some[-1][0])
        yield position


def _unsealed(key: UUID, sealed: bytes | memoryview) -> Content | None:
    try:
        return sealed_content.unseal(key, bytes(sealed))
    except DecryptionError:  # its key is gone, and so is what it said
        return None


def _naming(user_id: str, content: Content | None) -> list[dict[str, Any]]:
    """Return the parts of an event that name the person; they can be changed in place."""
    reported = _reported(content.data) if content is not None else ()
    return [one for one in reported if one.get("user_id") == user_id]


@transaction.atomic
def _erase_from_event(key: UUID, user_id: str, before: datetime) -> None:
    """Rewrite one event, locked: retention may delete its content meanwhile."""
    rows = Notification.objects.filter(pk=key)
    sealed = rows.select_for_update().values_list("content", flat=True).first()
    content = _unsealed(key, sealed) if sealed else None
    named = _naming(user_id, content)
    sent = [number_of(_sent(one).get("delivery_id")) for one in named]
    numbers = [number for number in sent if number is not None]
    others = Delivery.objects.filter(pk__in=numbers, recipient_id__isnull=False)
    kept = set(others.values_list("pk", flat=True))
    theirs = [
        one
        for one in named
        if (
            number_of(_sent(one)["delivery_id"]) not in kept
            if "delivery_id" in _sent(one)
            else datetime.fromisoformat(one["at"]) <= before
        )
    ]
    for one in theirs:
        one["user_id"] = ""
        if "text" in one:
            one["text"] = ""
        if "reference" in (sent_one := _sent(one)):
            sent_one.update(reference="", metadata={})
    if content is not None and theirs:
        rows.update(content=sealed_content.seal(key, content))


def _reported(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of an event that name a person; they can be changed in place."""
    message = data.get("message")
    replies = [message] if isinstance(message, dict) else []  # of a test call it is a text
    return [*data.get("deliveries", ()), *data.get("preferences", ()), *replies]


def _sent(one: dict[str, Any]) -> dict[str, Any]:
    """Return the part of it that names a delivery, if one does."""
    found: dict[str, Any] = one.get("in_reply_to", one)
    return found
