"""A provider of the tests' own: a file and an entry in settings, as any other."""

from collections.abc import Callable

from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome
from notifier.providers.base import Provider


class Scripted(Provider):
    """Answers what its script says, call by call, and ``Accepted`` when that has run out."""

    calls: list[str] = []
    answer: Callable[[Message], Outcome] = staticmethod(lambda message: Accepted(delivered=True))

    async def send(self, message: Message) -> Outcome:
        self.calls.append(message.id)
        return type(self).answer(message)
