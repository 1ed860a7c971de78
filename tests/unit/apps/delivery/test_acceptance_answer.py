"""The answer to an acceptance is the one that the API's document describes."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from apps.delivery.api import presenters
from apps.delivery.api.publishing.serializers import AcceptedOut
from apps.delivery.models import Notification

NOW = datetime(2026, 11, 29, 0, 30, 0, 123456, UTC)
TIMES = [
    None,
    NOW,
    NOW.replace(microsecond=0),
    NOW + timedelta(days=1),
    NOW.astimezone(timezone(timedelta(hours=5, minutes=30))),
]


@pytest.mark.parametrize("send_at", TIMES)
@pytest.mark.parametrize("expires_at", TIMES)
def test_it_is_what_the_serializer_makes(send_at, expires_at):
    row = Notification(
        id=uuid.uuid4(),
        priority="high",
        channels=["push", "inbox"],
        created_at=NOW,
        send_at=send_at,
        expires_at=expires_at,
    )
    assert presenters.accepted(row) == {**AcceptedOut(row).data, "id": str(row.id)}
