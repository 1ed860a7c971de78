"""A provider that refuses everything, for tests that only accept notifications."""

from notifier.domain.messages import Message
from notifier.domain.outcomes import Outcome, Reason, Refused
from notifier.providers.base import Provider


class Nobody(Provider):
    async def send(self, message: Message) -> Outcome:
        return Refused(Reason.REJECTED, detail="this test has no provider of its own")
