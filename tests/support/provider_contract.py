"""The contract of providers, whatever their protocol: each test class inherits it.

It runs against the provider sandbox, whose magic addresses make it misbehave.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Accepted, Outcome, Reason, Refused, Retry, Unknown
from notifier.providers.base import Provider, Sent
from sandbox.protocol.exchange import LONGEST_SILENCE
from stack.supervision import ports
from stack.supervision.process import PATIENCE
from tests.support.sandbox_fixture import RunningSandbox

TITLE = "Grüße 🎉"
BODY = "Zeile eins\r\nZeile zwei 😀 <b>&\r\n.\r\nlast secret line"
CONTENT = Content(TITLE, BODY, {"key": "wert"}, {"Open": "https://example.com/?a=1&b=2"})
POSTED_AT = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#: The number in a token or a telephone number that stands for each word of the sandbox.
CODES = {
    "slow": 200,
    "dead": 410,
    "timeout": 408,
    "reset": 444,
    "torn": 206,
    "garbled": 601,
    "huge": 602,
}
TIMEOUT = 10.0  # of every provider built here; on a busy machine an answer may take a second


def closed_port() -> int:
    return ports.free()


async def send(provider: Provider, *messages: Message) -> list[Outcome]:
    """Outcomes in the order of the messages; each message must be reported exactly once."""
    reported: list[Sent] = []
    await provider.send_chunk(messages, reported.append)
    assert len(reported) == len(messages)
    assert all(sent.provider == provider.name for sent in reported)
    assert all(0 <= sent.duration < PATIENCE for sent in reported)
    by_id = {sent.message.id: sent.outcome for sent in reported}
    return [by_id[message.id] for message in messages]


class ProviderContract:
    """A subclass says how the provider is built and addressed, and where it differs."""

    name: str
    channel: str
    platform: str = ""
    malformed: str  # an address the sandbox refuses as such
    malformed_reason = Reason.INVALID_ADDRESS
    busy_reason = Reason.RATE_LIMITED
    #: A 2xx says everything; else the answer must carry an id to be believed.
    status_is_proof = True
    retry_after: float | None = 1.0
    dead: Outcome | None  # none: it takes the message, and a receipt reports it later
    refused_credentials: Outcome
    forbidden: Outcome

    def build(self, sandbox: RunningSandbox, **options: Any) -> Provider:
        raise NotImplementedError

    def unreachable(self, port: int) -> dict[str, Any]:
        """Options that lead to a port where nobody listens."""
        return {"base_url": f"https://127.0.0.1:{port}"}

    def address(self, sandbox: RunningSandbox, number: int = 0) -> str:
        raise NotImplementedError

    def magic(self, sandbox: RunningSandbox, word: str, times: int = 0) -> str:
        raise NotImplementedError

    def said(self, received: dict[str, Any]) -> str:
        """Everything a recipient reads, from what the sandbox received."""
        raise NotImplementedError

    # -- helpers ------------------------------------------------------------------------------

    @pytest.fixture
    async def provider(self, sandbox: RunningSandbox) -> AsyncIterator[Provider]:
        provider = self.build(sandbox)
        yield provider
        await provider.close()
        await asyncio.sleep(0.1)  # pyreqwest's runtime outlives its clients a little

    def message(self, address: str, number: int = 0, **more: Any) -> Message:
        return Message(
            id=f"d_{self.name}_{number}",
            channel=self.channel,
            address=address,
            content=more.pop("content", CONTENT),
            platform=self.platform,
            notification_id="n_1",
            user_id="user-1",
            topic="orders",
            posted_at=POSTED_AT,
            secret=SECRET if self.channel == "webhook" else "",
            **more,
        )

    async def one(
        self, provider: Provider, sandbox: RunningSandbox, word: str, times: int = 0
    ) -> Outcome:
        (outcome,) = await send(provider, self.message(self.magic(sandbox, word, times)))
        return outcome

    def accepted(self, sandbox: RunningSandbox) -> list[dict[str, Any]]:
        found = sandbox.client.messages(limit=2000)
        return [m for m in found if m["provider"] == self.name and m["accepted"]]

    # -- the contract -------------------------------------------------------------------------

    async def test_a_message_is_accepted_with_its_delivery_id(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        address = self.address(sandbox)
        (outcome,) = await send(provider, self.message(address))
        assert isinstance(outcome, Accepted)
        assert outcome.delivered is (self.channel == "webhook")
        (received,) = self.accepted(sandbox)
        assert received["delivery_id"] == f"d_{self.name}_0"
        assert received["address"].lower() == address.lower()
        if not outcome.delivered:
            assert outcome.provider_message_id.lower() == received["message_id"].lower()

    async def test_emoji_and_line_ends_arrive_as_they_were_said(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        await send(provider, self.message(self.address(sandbox)))
        (received,) = self.accepted(sandbox)
        said = self.said(received).replace("\r\n", "\n")
        assert TITLE in said
        assert BODY.replace("\r\n", "\n") in said

    async def test_what_has_expired_is_not_sent_and_costs_the_others_nothing(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        late = self.message(self.address(sandbox, 1), 1, deadline=time.time() - 5)
        outcomes = await send(provider, late, self.message(self.address(sandbox, 2), 2))
        assert outcomes[0] == Refused(Reason.EXPIRED)
        assert isinstance(outcomes[1], Accepted)
        (received,) = self.accepted(sandbox)
        assert received["delivery_id"] == f"d_{self.name}_2"

    async def test_what_never_expires_is_sent(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        never = datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
        message = self.message(self.address(sandbox), expires_at=never, deadline=never.timestamp())
        (outcome,) = await send(provider, message)
        assert isinstance(outcome, Accepted)

    @pytest.mark.parametrize("odd", [{"address": "a\ud800b"}, {"content": Content("T", b"B")}])
    async def test_a_message_that_cannot_be_written_costs_the_others_nothing(
        self, provider: Provider, sandbox: RunningSandbox, odd: dict[str, Any]
    ) -> None:
        messages = [self.message(self.address(sandbox, n), n) for n in range(5)]
        messages[2] = messages[2]._replace(**odd)
        outcomes = await send(provider, *messages)
        assert [isinstance(outcome, Accepted) for outcome in outcomes] == [n != 2 for n in range(5)]
        assert isinstance(outcomes[2], Retry | Refused)
        assert len(self.accepted(sandbox)) == 4

    async def test_too_many_requests_is_a_retry_after_what_the_provider_asks(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        outcome = await self.one(provider, sandbox, "429")
        assert isinstance(outcome, Retry)
        assert (outcome.reason, outcome.after) == (self.busy_reason, self.retry_after)

    async def test_a_provider_that_fails_is_retried_until_it_heals(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        outcome = await self.one(provider, sandbox, "500", times=1)
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.PROVIDER_ERROR
        assert isinstance(await self.one(provider, sandbox, "500", times=1), Accepted)

    async def test_a_provider_that_is_down_is_retried(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        outcome = await self.one(provider, sandbox, "503")
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.PROVIDER_ERROR

    async def test_no_answer_in_time_is_unknown(self, sandbox: RunningSandbox) -> None:
        provider = self.build(sandbox, timeout=1.5)
        # Its connection is made before, which may take long on a busy machine.
        for _ in range(20):
            (warm,) = await send(provider, self.message(self.address(sandbox)))
            if isinstance(warm, Accepted):
                break
        assert isinstance(warm, Accepted)
        started = time.monotonic()
        outcome = await self.one(provider, sandbox, "timeout")
        assert isinstance(outcome, Unknown)
        assert outcome.reason is Reason.TIMEOUT
        assert time.monotonic() - started < LONGEST_SILENCE / 2
        # It was taken: this is why it is unknown.
        assert [m["note"] for m in self.accepted(sandbox)].count("timeout") == 1
        await provider.close()

    async def test_a_connection_reset_before_the_answer_is_unknown(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        outcome = await self.one(provider, sandbox, "reset")
        assert isinstance(outcome, Unknown)
        assert outcome.reason is Reason.NO_ANSWER

    async def test_a_refused_connection_is_retried(self, sandbox: RunningSandbox) -> None:
        provider = self.build(sandbox, **self.unreachable(closed_port()))
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.CONNECTION
        await provider.close()

    @pytest.mark.parametrize("word", ["garbled", "torn", "huge"])
    async def test_an_answer_that_cannot_be_read_is_no_failure(
        self, word: str, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        outcome = await asyncio.wait_for(self.one(provider, sandbox, word), PATIENCE)
        assert isinstance(outcome, Accepted if self.status_is_proof else Unknown)
        assert len(self.accepted(sandbox)) == 1

    async def test_a_slow_answer_is_waited_for(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        sandbox.client.behave(self.name, "slow", seconds=0.5)
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert isinstance(outcome, Accepted)

    async def test_a_dead_address_disables_its_contact(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        outcome = await self.one(provider, sandbox, "dead")
        if self.dead is None:
            assert isinstance(outcome, Accepted)
        else:
            assert outcome == self.dead

    async def test_refused_credentials(self, provider: Provider, sandbox: RunningSandbox) -> None:
        assert await self.one(provider, sandbox, "401") == self.refused_credentials

    async def test_a_forbidden_send(self, provider: Provider, sandbox: RunningSandbox) -> None:
        assert await self.one(provider, sandbox, "403") == self.forbidden

    async def test_one_bad_address_does_not_discard_the_rest(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        outcomes = await send(
            provider,
            self.message(self.address(sandbox, 1), 1),
            self.message(self.malformed, 2),
            self.message(self.address(sandbox, 3), 3),
        )
        assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Accepted]
        assert isinstance(outcomes[1], Refused)
        assert outcomes[1].reason is self.malformed_reason
        ids = {received["delivery_id"] for received in self.accepted(sandbox)}
        assert ids == {f"d_{self.name}_1", f"d_{self.name}_3"}

    async def test_a_chunk_arrives_whole_and_once(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        messages = [self.message(self.address(sandbox, n), n) for n in range(300)]
        outcomes = await send(provider, *messages)
        assert [outcome for outcome in outcomes if not isinstance(outcome, Accepted)] == []
        counts = sandbox.client.counts()[self.name]
        assert (counts["deliveries"], counts["duplicates"]) == (300, 0)

    async def test_different_contents_in_one_chunk_reach_their_own_recipients(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        messages = [
            self.message(self.address(sandbox, n), n, content=Content("t", f"text-{n}."))
            for n in range(5)
        ]
        await send(provider, *messages)
        said = {received["delivery_id"]: self.said(received) for received in self.accepted(sandbox)}
        assert said.keys() == {message.id for message in messages}
        for message in messages:
            assert message.content.body in said[message.id]

    async def test_nothing_logged_or_kept_names_an_address_or_content(
        self, sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        words = ("429", "500", "reset", "garbled", "dead", "401", "403")
        provider = self.build(sandbox)
        messages: Sequence[Message] = [
            *(self.message(self.magic(sandbox, w), n) for n, w in enumerate(words)),
            self.message(self.malformed, 98),
            self.message(self.address(sandbox), 99),
        ]
        outcomes = await send(provider, *messages)
        await provider.close()
        traces = caplog.text + "".join(getattr(outcome, "detail", "") for outcome in outcomes)
        for text in [TITLE, "secret line", *(m.address for m in messages)]:
            assert text not in traces
        assert SECRET not in traces
