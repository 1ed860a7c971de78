"""The base of the stand-in providers behind HTTP: record, misbehave, answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.behaviours import LATER, Behaviour, Behaviours
from sandbox.ledger import Ledger
from sandbox.protocol.exchange import Answer, Delivery, Request
from sandbox.receipts import AcceptedMessage


@dataclass(slots=True)
class Received:
    """A message to one address, as it is recorded."""

    address: str
    delivery_id: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The request is invalid by the provider's documentation.

    ``answer``: the provider's documented error; ``note``: the error's short name, for the ledger.
    """

    def __init__(self, answer: Answer, note: str, address: str = "") -> None:
        super().__init__(note)
        self.answer = answer
        self.note = note
        self.address = address


class Endpoint:
    """A stand-in provider. A subclass parses a request in ``receive`` and may raise ``Refusal``."""

    name: str
    channel: str
    #: Behaviours that only change the receipts of their message.
    later = LATER

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
        """Return the provider's documented answer for 401, 403, 429, 500, 503 and dead.

        ``None`` where it documents none, and accepts the message.
        """
        raise NotImplementedError

    def settle(self, messages: Sequence[Received], accepted: Answer, message_id: str) -> Answer:
        """Accept the messages of one request, unless an address or a rule has a behaviour.

        One request has one answer: the first behaviour among its addresses applies to all, except
        those of receipts.
        """
        behaviour, later = self._behaviour(messages)
        answer, note = accepted, ""
        if behaviour:
            note = behaviour.word
            answer = behaviour.apply(accepted, self.refusal)
        unanswered = answer.delivery in (Delivery.SILENT, Delivery.RESET)
        is_accepted = answer is accepted or (behaviour is not None and behaviour.accepts)
        for message, word in zip(messages, later, strict=True):
            self._ledger.record(
                self.name,
                self.channel,
                message.address,
                delivery_id=message.delivery_id,
                status=None if unanswered else answer.status,
                accepted=is_accepted,
                note=word or note,
                message_id=message_id,
                body=message.body,
                headers=message.headers,
            )
        if is_accepted and note != "timeout":  # a provider that never answers sends no receipts
            self.report(
                messages,
                [
                    AcceptedMessage(message.address, message.delivery_id, message_id, word)
                    for message, word in zip(messages, later, strict=True)
                ],
            )
        return answer

    def report(self, messages: Sequence[Received], accepted: Sequence[AcceptedMessage]) -> None:
        """Send receipts of accepted messages later, where the provider does that."""

    def _behaviour(self, messages: Sequence[Received]) -> tuple[Behaviour | None, list[str]]:
        """Return the behaviour of the request, and the words of each message's receipts."""
        slow, words = None, [""] * len(messages)
        for index, message in enumerate(messages):
            behaviour = self._behaviours.next(self.name, message.address)
            if behaviour is None:
                continue
            if behaviour.word not in self.later:
                return behaviour, words
            words[index] = behaviour.word
            if behaviour.word == "early":
                slow = behaviour
        return slow, words
