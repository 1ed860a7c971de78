"""Messages: a claim's deliveries with addresses decrypted and contents rendered."""

import logging
import time

from apps.core import tracing
from apps.core.delivery_ids import public_id
from apps.delivery.sending import unsubscribe_links
from apps.delivery.sending.claiming import Claim
from apps.delivery.state import Claimed
from apps.preferences import vault
from apps.preferences.channels import EMAIL
from notifier.dispatch.dispatcher import Sent
from notifier.domain.categories import CategoryKind
from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Outcome, Reason, Refused, Retry
from notifier.domain.priorities import Priority
from notifier.providers.base import log_bug
from notifier.security.crypto import DecryptionError
from notifier.templates import TemplateError

log = logging.getLogger(__name__)


def messages(claim: Claim) -> tuple[list[Message], list[Sent]]:
    """Return the messages to send, and the outcomes of deliveries that cannot be made into one.

    A row that does not decrypt (its key is missing from the settings) is tried again like any other
    failure: it must not stop the rest of its claim, and the key may come back. A template that
    cannot be rendered for a recipient is refused for good.
    """
    readable, unreadable = [], []
    traces = claim.traces
    began = tracing.now()
    footers = unsubscribe_links.Footers()
    for item in claim.deliveries:
        try:
            readable.append(_message(claim, item, footers))
        except Exception as error:  # whatever it is, the rest of the claim must go out
            unreadable.append(_unreadable(claim, item, error))
    claim.profiles.clear()
    claim.renderers.clear()  # they hold most of the memory of a notification to one recipient
    if traces is not None:
        traces.rendered(began)
    return readable, unreadable


def _message(claim: Claim, item: Claimed, footers: unsubscribe_links.Footers) -> Message:
    context = claim.contexts[item.notification_id]
    renderer = claim.renderers[item.notification_id]
    content = renderer.render(item.user_id, item.locale, claim.profiles.get(item.user_id))
    links = None
    if renderer.has_marks or (claim.queue.channel == EMAIL and not context.exempt):
        links = unsubscribe_links.links(claim.queue.channel, context, item)
        if claim.queue.channel != EMAIL:
            content = unsubscribe_links.filled(content, links)
        elif context.row.category_kind == CategoryKind.PROMOTIONAL:
            content = footers.added(content, item.locale)
    address, secret, former_secrets = vault.open_contact(
        item.address, item.address_index, item.secret, item.former_secrets
    )
    return Message(
        id=public_id(item.delivery_id),
        channel=claim.queue.channel,
        address=address,
        content=content,
        priority=Priority(claim.queue.priority),
        platform=item.platform,
        app=item.app,
        notification_id=item.notification_id,
        user_id=item.user_id,
        topic=context.topic.name if context.topic else "",
        collapse_key=context.row.collapse_key,
        expires_at=context.row.expires_at,
        deadline=context.deadline,
        posted_at=context.posted_at,
        secret=secret,
        former_secrets=former_secrets,
        attempt=item.attempts + 1,
        instead_of=public_id(item.instead_of) if item.instead_of else "",
        failed_at=item.failed_at,
        halt=claim.halt(item),
        publisher_id=context.row.publisher_id,
        links=links,
        traceparent=claim.traces.header(item.notification_id) if claim.traces is not None else "",
        recipient_id=item.recipient_id,
    )


def _unreadable(claim: Claim, item: Claimed, error: Exception) -> Sent:
    outcome: Outcome
    about = {
        "notification_id": item.notification_id,
        "delivery_id": public_id(item.delivery_id),
    }
    if claim.traces is not None:
        about |= claim.traces.about(item.notification_id)
    if isinstance(error, TemplateError):
        log.error("delivery %d cannot be read: %s", item.delivery_id, error, extra=about)
        outcome = Refused(Reason.INVALID_MESSAGE, detail=str(error))
    elif isinstance(error, DecryptionError):
        log.error("delivery %d cannot be read: %s", item.delivery_id, error, extra=about)
        outcome = Retry(Reason.INTERNAL, detail=str(error))
    else:
        log_bug(f"delivery {item.delivery_id} cannot be read", error, about)
        outcome = Retry(Reason.INTERNAL, detail=type(error).__name__)
    blank = Message(
        public_id(item.delivery_id),
        claim.queue.channel,
        address="",
        content=Content(),
        notification_id=item.notification_id,
    )
    return Sent(blank, "", outcome, time.time(), 0.0)
