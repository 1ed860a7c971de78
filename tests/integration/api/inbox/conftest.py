"""Fixtures of inboxes: an app with a person's token, and items."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

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
        person, _ = Recipient.objects.get_or_create(user_id=user_id)
        number = next(deliveries)
        expires_at = None if expires_in is None else timezone.now() + timedelta(seconds=expires_in)
        content = Content(title=title, **said)
        message = Message(
            f"dlv_{number}",
            "inbox",
            user_id,
            content,
            user_id=user_id,
            expires_at=expires_at,
            notification_id="01a3b6f4-8f0e-7c3a-9d2e-0123456789ab",
            recipient_id=person.pk,
        )
        services.write([message])
        return InboxItem.objects.get(delivery_id=number).pk

    yield make
