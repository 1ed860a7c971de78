"""Asking new subscribers to confirm, over the channel they are to be reached on."""

from collections import defaultdict

from django.conf import settings
from django.db import transaction

from apps.core import clock
from apps.delivery.intake.accept import accept
from apps.delivery.intake.drafts import Draft
from apps.delivery.models import NotificationKind
from apps.preferences.channels import WEBHOOK
from apps.topics.confirmation import requests, tokens
from apps.topics.confirmation.requests import Question
from notifier.domain.messages import Content
from notifier.domain.priorities import Priority

#: Subscriptions asked in one transaction, and so in a second: each is a notification of its own,
#: and what people publish must not wait for an import of millions.
AT_ONCE = 100
EVENT = "subscription.confirmation"


def send() -> int:
    """Accept a confirmation for each contact of the subscriptions that are due; how many.

    All in one transaction: what is taken off the queue is accepted. Safe to run at any time.
    """
    with transaction.atomic():
        questions = requests.take(AT_ONCE)
        # Somebody waits for it; but whoever imports so many does not.
        priority = Priority.HIGH if len(questions) < AT_ONCE else Priority.NORMAL
        drafts: dict[int, list[Draft]] = defaultdict(list)
        for question in questions:
            drafts[question.subscription.topic.publisher_id] += _drafts(question, priority)
        return sum(len(accept(publisher_id, some)) for publisher_id, some in drafts.items())


def _drafts(question: Question, priority: Priority) -> list[Draft]:
    channel = question.subscription.channel
    return [
        Draft(
            content=_content(question, tokens.token(question.subscription.pk, contact_id)),
            priority=priority,
            channels=[channel],
            contact_ids=[contact_id],
            kind=NotificationKind.CONFIRMATION,
            expires_at=clock.moment() + tokens.life(),
        )
        for contact_id in question.contact_ids
    ]


def _content(question: Question, token: str) -> Content:
    topic = question.subscription.topic
    link = tokens.link(token)
    if question.subscription.channel == WEBHOOK:
        data = {"topic": topic.name, "token": token, "subscribe_url": f"{link}?confirm=1"}
        return Content(data=data, event_type=EVENT)
    title = " ".join((topic.display_name or topic.name).split())
    return Content(
        title=f"Messages from {title}?",
        body=f"Somebody asked us to send you messages from {title} here. If you want them, "
        f"confirm it within {settings.CONFIRMATION_HOURS} hours. If not, do nothing: nothing "
        "else will be sent.",
        actions={"Confirm": link},
    )
