"""A provider that does what a test says: a file and an entry in settings, as any other."""

from collections.abc import Callable

from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome
from notifier.providers.base import Provider


class Scripted(Provider):
    """Return what ``answer`` returns for each message; ``calls`` has the messages' ids."""

    calls: list[str] = []
    answer: Callable[[Message], Outcome] = staticmethod(lambda message: Accepted(delivered=True))

    async def send(self, message: Message) -> Outcome:
        self.calls.append(message.id)
        return type(self).answer(message)
