"""Messages with an ordering key, and a provider that remembers their order.

``provider`` and ``refusing`` are fixtures: a ``conftest.py`` or a test module imports them by name.
"""

import pytest

from notifier.domain.outcomes import Accepted
from tests.support.fakes.scripted_provider import Scripted


class OrderRecorder(Scripted):
    """Remembers each address and body that it took, in their order."""

    taken: list[tuple[str, str]] = []

    async def send(self, message):
        outcome = await super().send(message)
        if isinstance(outcome, Accepted):
            self.taken.append((message.address, message.content.body))
        return outcome


@pytest.fixture
def provider(settings, monkeypatch):
    """The inbox's only provider, which tries again after a minute."""
    path = f"{OrderRecorder.__module__}.{OrderRecorder.__qualname__}"
    settings.PROVIDERS = {"inbox": {"class": path, "channel": "inbox"}}
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "inbox": (60.0,)}
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    monkeypatch.setattr(OrderRecorder, "calls", [])
    monkeypatch.setattr(OrderRecorder, "taken", [])
    return OrderRecorder


@pytest.fixture
def refusing(monkeypatch):
    """Set the provider's outcome by a message's body; it takes every other one."""

    def set_answers(**answers):
        monkeypatch.setattr(
            OrderRecorder,
            "answer",
            staticmethod(lambda m: answers.get(m.content.body, Accepted(delivered=True))),
        )

    return set_answers


def notify(shop, says, *user_ids, key="order-7", status=202, **fields):
    """Post one inbox message to these people; ``key``: its ordering key, "" for none."""
    body = {"user_ids": user_ids, "channels": ["inbox"], "content": {"body": says}, **fields}
    return shop.post("notifications", body | ({"ordering_key": key} if key else {}), status=status)
