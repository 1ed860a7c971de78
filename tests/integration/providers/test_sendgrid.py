"""SendGrid on the sandbox."""

import asyncio
import time
from typing import Any

from notifier.channels import email
from notifier.domain.messages import Content
from notifier.domain.outcomes import Accepted, Outcome, Reason, Refused, Retry
from notifier.providers.base import Provider
from notifier.providers.sendgrid import SendGrid
from tests.support.fakes.tiny_servers import answering, listening, read_request
from tests.support.provider_contract import (
    CONTENT,
    TIMEOUT,
    ProviderContract,
    closed_port,
    send,
)
from tests.support.sandbox_fixture import RunningSandbox


class TestSendGrid(ProviderContract):
    name = "sendgrid"
    channel = "email"
    malformed = "nobody-at-nowhere"
    dead = None
    refused_credentials = Refused(Reason.AUTHENTICATION, 401)
    forbidden = Refused(Reason.AUTHENTICATION, 403)

    def build(self, sandbox: RunningSandbox, **options: Any) -> Provider:
        where = sandbox.config["sendgrid"]
        given = {
            **{key: where[key] for key in ("base_url", "api_key", "from_email")},
            "ca_file": sandbox.config["ca_file"],
            "from_name": "Notifier",
            "timeout": TIMEOUT,
        }
        return SendGrid("sendgrid", **{**given, **options})

    def address(self, sandbox: RunningSandbox, number: int = 0) -> str:
        return f"ada{number}@people.example"

    def magic(self, sandbox: RunningSandbox, word: str, times: int = 0) -> str:
        return f"{word}x{times}@sandbox.example" if times else f"{word}@sandbox.example"

    def said(self, received: dict[str, Any]) -> str:
        content = received["content"]
        assert content["content"][1]["value"].startswith("<!doctype html>")
        return f"{content['subject']}\n{content['content'][0]['value']}"

    async def test_recipients_of_one_content_share_a_request(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        messages = [self.message(self.address(sandbox, n), n) for n in range(1500)]
        await send(provider, *messages)
        counts = sandbox.client.counts()["sendgrid"]
        assert (counts["requests"], counts["deliveries"]) == (2, 1500)

    async def test_different_contents_do_not_share_a_request(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        contents = [CONTENT, Content("other"), CONTENT]
        messages = [
            self.message(self.address(sandbox, n), n, content=c) for n, c in enumerate(contents)
        ]
        await send(provider, *messages)
        assert sandbox.client.counts()["sendgrid"]["requests"] == 2

    async def test_mails_that_differ_by_person_share_requests_and_each_reads_their_own(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        names = [f"user-{n}" for n in range(1200)] + ["O'Brien & <Söhne>", '"1"']
        messages = [
            self.message(
                self.address(sandbox, n),
                n,
                content=Content(f"News for {name}", f"Dear {name},\n\nsee <b>you</b>"),
            )._replace(user_id=name)
            for n, name in enumerate(names)
        ]
        outcomes = await send(provider, *messages)
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        counts = sandbox.client.counts()["sendgrid"]
        assert (counts["requests"], counts["deliveries"]) == (3, len(names))
        received = {one["delivery_id"]: one["content"] for one in self.accepted(sandbox)}
        for message in messages:
            rendered = email.render(message.content)
            mail = received[message.id]
            assert mail["subject"] == rendered.subject
            assert [part["value"] for part in mail["content"]] == [rendered.text, rendered.html]
            assert mail["custom_args"] == {"delivery_id": message.id}

    async def test_one_bad_address_among_personal_mails_costs_the_others_nothing(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        messages = [
            self.message(
                "bad" if n == 3 else self.address(sandbox, n), n, content=Content(f"For user-{n}")
            )._replace(user_id=f"user-{n}")
            for n in range(6)
        ]
        outcomes = await send(provider, *messages)
        assert outcomes[3] == Refused(
            Reason.INVALID_ADDRESS, 400, "personalizations.3.to.0.email", disable_contact=True
        )
        assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 5
        subjects = {one["delivery_id"]: one["content"]["subject"] for one in self.accepted(sandbox)}
        assert subjects == {m.id: m.content.title for m in messages if m.address != "bad"}

    async def test_mails_too_large_to_be_put_in_go_alone(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        messages = [
            self.message(self.address(sandbox, n), n, content=Content(f"{n}", f"{n}" + "ü" * 3000))
            for n in range(3)
        ]
        outcomes = await send(provider, *messages)
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert sandbox.client.counts()["sendgrid"]["requests"] == 3

    async def test_an_address_twice_in_a_chunk_gets_both_mails(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        first, again = "ada@people.example", "Ada@People.example"
        messages = [self.message(first, 1), self.message(again, 2), self.message(first, 3)]
        outcomes = await send(provider, *messages)
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert sandbox.client.counts()["sendgrid"]["deliveries"] == 3

    async def test_every_bad_address_is_named_and_the_others_get_their_mail(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        bad = {3, 4, 17, 39}
        messages = [
            self.message(f"bad-{n}" if n in bad else self.address(sandbox, n), n) for n in range(40)
        ]
        outcomes = await send(provider, *messages)
        for number, outcome in enumerate(outcomes):
            if number in bad:
                assert isinstance(outcome, Refused)
                assert outcome.reason is Reason.INVALID_ADDRESS
                assert outcome.disable_contact
            else:
                assert isinstance(outcome, Accepted)
        counts = sandbox.client.counts()["sendgrid"]
        assert (counts["deliveries"], counts["duplicates"]) == (36, 0)

    async def test_a_bad_request_that_names_nobody_ends_with_each_alone(
        self, sandbox: RunningSandbox
    ) -> None:
        outcomes, requests = await self.refused(sandbox, "null")
        assert outcomes == [Refused(Reason.INVALID_MESSAGE, 400)] * 5
        assert requests == 9  # 5, then 2 and 3, and so on

    async def test_a_bad_sender_costs_one_request(self, sandbox: RunningSandbox) -> None:
        outcomes, requests = await self.refused(sandbox, '"from.email"')
        assert outcomes == [Refused(Reason.SENDER_REFUSED, 400, "from.email")] * 5
        assert requests == 1

    async def refused(self, sandbox: RunningSandbox, field: str) -> tuple[list[Outcome], int]:
        """Return five messages' outcomes, each request a 400 about ``field``, and the requests."""
        answer = b'{"errors":[{"message":"no","field":%s,"help":null}]}' % field.encode()
        raw = b"HTTP/1.1 400 Bad\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer)
        requests = 0

        async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal requests
            while True:
                await read_request(reader)
                requests += 1
                writer.write(raw)

        async with listening(server) as port:
            provider = self.build(sandbox, base_url=f"http://127.0.0.1:{port}")
            messages = [self.message(self.address(sandbox, n), n) for n in range(5)]
            outcomes = await send(provider, *messages)
            await provider.close()
        return outcomes, requests

    async def test_the_limits_own_header_says_when_to_return(self, sandbox: RunningSandbox) -> None:
        reset = int(time.time()) + 30
        head = f"HTTP/1.1 429 No\r\nx-ratelimit-reset: {reset}\r\ncontent-length: 0\r\n\r\n"
        async with listening(answering(head.encode())) as port:
            provider = self.build(sandbox, base_url=f"http://127.0.0.1:{port}")
            (outcome,) = await send(provider, self.message(self.address(sandbox)))
            await provider.close()
        assert isinstance(outcome, Retry)
        assert outcome.after is not None
        assert 25 < outcome.after <= 30

    async def test_a_whole_request_shares_the_fate_of_its_call(
        self, sandbox: RunningSandbox
    ) -> None:
        provider = self.build(sandbox, base_url=f"https://127.0.0.1:{closed_port()}")
        messages = [self.message(self.address(sandbox, n), n) for n in range(3)]
        outcomes = await send(provider, *messages)
        assert all(isinstance(o, Retry) and o.reason is Reason.CONNECTION for o in outcomes)
        await provider.close()
