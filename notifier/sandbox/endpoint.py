"""What every stand-in provider behind HTTP does with a message it has understood."""

from collections.abc import Sequence
from dataclasses import dataclass

from notifier.sandbox.behaviours import Behaviour, Behaviours
from notifier.sandbox.exchange import Answer, Delivery, Request
from notifier.sandbox.ledger import Ledger


@dataclass(slots=True)
class Received:
    """A message to one address: what is kept of it, and the id its sender knows it by."""

    address: str
    delivery_id: str
    body: bytes


class Refusal(Exception):
    """The request is not what the provider documents; ``answer`` says so in its own words.

    ``note`` is the error's short name, for the ledger.
    """

    def __init__(self, answer: Answer, note: str, address: str = "") -> None:
        super().__init__(note)
        self.answer = answer
        self.note = note
        self.address = address


class Endpoint:
    """One stand-in provider. A subclass reads a request in ``receive`` and raises ``Refusal``."""

    name: str
    channel: str

    def __init__(self, ledger: Ledger, behaviours: Behaviours) -> None:
        self._ledger = ledger
        self._behaviours = behaviours

    def handle(self, request: Request) -> Answer:
        self._ledger.count_request(self.name)
        try:
            return self.receive(request)
        except Refusal as refusal:
            self._ledger.record(
                self.name,
                self.channel,
                refusal.address,
                status=refusal.answer.status,
                accepted=False,
                note=refusal.note,
                body=request.body,
            )
            return refusal.answer

    def receive(self, request: Request) -> Answer:
        raise NotImplementedError

    def refusal(self, word: str) -> Answer | None:
        """The provider's documented answer for 401, 403, 429, 500, 503 and dead.

        ``None`` where it documents none: it accepts the message.
        """
        raise NotImplementedError

    def settle(self, messages: Sequence[Received], accepted: Answer, message_id: str) -> Answer:
        """Accept the messages of one request, unless an address or a rule asks for trouble.

        One request has one answer: the first behaviour found among its addresses counts for all.
        """
        behaviour = self._behaviour(messages)
        answer, note = accepted, ""
        if behaviour:
            note = behaviour.word
            answer = behaviour.apply(accepted, self.refusal)
        unanswered = answer.delivery in (Delivery.SILENT, Delivery.RESET)
        for message in messages:
            self._ledger.record(
                self.name,
                self.channel,
                message.address,
                delivery_id=message.delivery_id,
                status=None if unanswered else answer.status,
                accepted=answer is accepted or (behaviour is not None and behaviour.accepts),
                note=note,
                message_id=message_id,
                body=message.body,
            )
        return answer

    def _behaviour(self, messages: Sequence[Received]) -> Behaviour | None:
        for message in messages:
            if behaviour := self._behaviours.next(self.name, message.address):
                return behaviour
        return None
