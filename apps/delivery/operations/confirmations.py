"""Ask new subscribers for confirmation, on the channel that they subscribed."""

from collections import defaultdict

from django.conf import settings
from django.db import transaction

from apps.core import clock
from apps.delivery.intake.accept import accept
from apps.delivery.intake.drafts import Draft
from apps.delivery.models import NotificationKind
from apps.preferences.channels import WEBHOOK
from apps.preferences.pages.languages import language
from apps.topics.confirmation import requests, tokens
from apps.topics.confirmation.requests import ConfirmationRequest
from notifier.domain.messages import Content
from notifier.domain.priorities import Priority

#: Subscriptions handled in one transaction, and so in a second. Each makes a notification of its
#: own, and those that people publish must not wait for an import of millions.
AT_ONCE = 100
EVENT = "subscription.confirmation"


def send() -> int:
    """Accept a confirmation request for each contact of the subscriptions that are due.

    One transaction takes them off the queue and accepts them. Safe to run at any time. Returns the
    number of requests.
    """
    with transaction.atomic():
        questions = requests.take(AT_ONCE)
        # A person waits for it, unless it comes from an import.
        priority = Priority.HIGH if len(questions) < AT_ONCE else Priority.NORMAL
        drafts: dict[int, list[Draft]] = defaultdict(list)
        for request in questions:
            drafts[request.subscription.topic.publisher_id] += _drafts(request, priority)
        return sum(len(accept(publisher_id, some)) for publisher_id, some in drafts.items())


def _drafts(request: ConfirmationRequest, priority: Priority) -> list[Draft]:
    channel = request.subscription.channel
    return [
        Draft(
            content=_content(request, tokens.token(request.subscription.pk, contact_id)),
            priority=priority,
            channels=[channel],
            contact_ids=[contact_id],
            kind=NotificationKind.CONFIRMATION,
            expires_at=clock.moment() + tokens.lifetime(),
        )
        for contact_id in request.contact_ids
    ]


def _content(request: ConfirmationRequest, token: str) -> Content:
    topic = request.subscription.topic
    link = tokens.link(token)
    if request.subscription.channel == WEBHOOK:
        data = {"topic": topic.name, "token": token, "subscribe_url": f"{link}?confirm=1"}
        return Content(data=data, event_type=EVENT)
    recipient = request.subscription.recipient
    text = language(recipient.locale if recipient else "")
    title = " ".join((topic.display_name or topic.name).split())
    return Content(
        title=text("confirm.title", list=title),
        body=text(
            "confirm.mail",
            list=title,
            publisher=str(topic.publisher),
            hours=str(settings.CONFIRMATION_HOURS),
        ),
        actions={text("confirm.action"): link},
    )
