"""Fixtures of inboxes: an app with a person's token, and items."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from apps.inbox import services
from apps.inbox.models import InboxItem
from apps.preferences.models import Recipient
from notifier.domain.messages import Content, Message
from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers.api_client import Api
from tests.support.publishers.inboxes import SECRET

NOTIFICATION = "01a3b6f4-8f0e-7c3a-9d2e-0123456789ab"


@pytest.fixture(autouse=True)
def trusted(settings: Any) -> Any:
    """Settings under which tokens signed with ``SECRET`` open inboxes."""
    settings.INBOX_TOKENS = {
        "secret": SECRET,
        "jwks_url": "",
        "issuer": "",
        "audience": "",
        "longest": 600.0,
    }
    return settings


@pytest.fixture
def inbox(db: None, django_capture_on_commit_callbacks: Any) -> Callable[..., Api]:
    """Make a client with a token of this person."""

    def make(user_id: str, **claims: Any) -> Api:
        token = sign(lasting({"sub": user_id, **claims}), SECRET)
        return Api(user_id, token, django_capture_on_commit_callbacks)

    return make


@pytest.fixture
def put(db: None) -> Iterator[Callable[..., int]]:
    """Put an item into somebody's inbox, as the inbox's provider does; its id."""
    deliveries = iter(range(1, 10_000))

    def make(
        user_id: str, title: str = "Hello", expires_in: float | None = None, **said: Any
    ) -> int:
        expires_at = None if expires_in is None else timezone.now() + timedelta(seconds=expires_in)
        number = next(deliveries)
        content = Content(title=title, **said)
        person, _ = Recipient.objects.get_or_create(user_id=user_id)
        services.write([_message(person, number, content, NOTIFICATION, expires_at)])
        return InboxItem.objects.get(delivery_id=number).pk

    yield make


@pytest.fixture
def put_many(db: None) -> Callable[..., list[int]]:
    """Put many items into somebody's inbox at once, as the inbox's provider does; their ids."""

    def make(user_id: str, number: int, **said: Any) -> list[int]:
        person, _ = Recipient.objects.get_or_create(user_id=user_id)
        deliveries = range(10_000, 10_000 + number)
        services.write(
            [
                _message(person, one, Content(title=str(one), **said), str(UUID(int=one)))
                for one in deliveries
            ]
        )
        found = InboxItem.objects.filter(delivery_id__in=deliveries).order_by("pk")
        return list(found.values_list("pk", flat=True))

    return make


def _message(
    person: Recipient,
    number: int,
    content: Content,
    notification_id: str,
    expires_at: datetime | None = None,
) -> Message:
    return Message(
        f"dlv_{number}",
        "inbox",
        person.user_id,
        content,
        user_id=person.user_id,
        expires_at=expires_at,
        notification_id=notification_id,
        recipient_id=person.pk,
    )
