"""Do what a reply says: STOP, START, HELP, or anything else.

It is done in the provider's request, since the answer to the person is in the response.
"""

from functools import cache

from django.conf import settings
from django.db import transaction

from apps.delivery.models import Reply as ReplyRow
from apps.delivery.monitoring import metrics
from apps.delivery.replies import answers, conversation
from apps.delivery.status_webhooks import replies as status_webhooks
from apps.preferences import vault
from apps.preferences.channels import SMS, get_channel
from apps.preferences.consent import opt_outs
from apps.preferences.consent.opt_outs import Number
from notifier.replies import Kind, Replies, Reply, build
from notifier.replies.keywords import Keywords


def reader_for(provider: str) -> Replies | None:
    """Return the reader of a provider's replies, ``None`` if the settings have none."""
    entry = settings.PROVIDERS.get(provider)
    found = entry.get("replies") if entry else None
    return build(found) if found else None


def take(provider: str, reply: Reply) -> str:
    """Do what a reply says, once; return the text to answer, or an empty one.

    The request that reported it must have been verified. One that is repeated gets the same answer
    and changes nothing.
    """
    if not reply.address:
        metrics.REPLIES.labels(provider, "ignored").inc()
        return ""
    found = keywords().find(reply.text)
    kind = reply.handled or (found.kind if found else Kind.OTHER)
    number = Number(vault.index_of(SMS, reply.address), get_channel(SMS).mask(reply.address))
    with transaction.atomic():
        row, new = ReplyRow.objects.get_or_create(
            provider=provider,
            message_id=reply.message_id,
            defaults={"kind": kind, "sender": reply.sender, **number._asdict()},
        )
        if new:
            _apply(row, reply, number)
    metrics.REPLIES.labels(provider, row.kind if new else "repeated").inc()
    # Provider and person would answer each other for ever if what changed nothing were answered.
    if reply.handled or not (row.applied or row.kind == Kind.HELP):
        return ""
    if row.kind == Kind.START and opt_outs.is_suppressed(number):
        return ""  # it would say that texts come again
    return answers.answer(row, found, number, keywords())


def _apply(row: ReplyRow, reply: Reply, number: Number) -> None:
    if row.kind == Kind.STOP:
        row.applied = opt_outs.stop(number, reply.sender, row.provider)
    elif row.kind == Kind.START:
        row.applied = opt_outs.start(number, reply.sender, row.provider)
        if not row.applied and reply.handled is None:
            row.kind = Kind.OTHER  # "yes" is the answer to many a question
    if row.kind == Kind.OTHER and status_webhooks.wanted():
        last = conversation.last_message(number.address_index, row.provider)
        if last is not None:
            row.publisher_id = status_webhooks.publish(
                last, reply.text, row.message_id, row.received_at
            )
            row.delivery_id = last if row.publisher_id is not None else None
    row.save()


@cache
def keywords() -> Keywords:
    """Return this installation's words and answers."""
    return Keywords(settings.SMS_KEYWORDS)
