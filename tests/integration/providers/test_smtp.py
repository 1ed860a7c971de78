"""SMTP on the sandbox."""

import asyncio
import email
import email.policy
import time
from typing import Any

import pytest

from notifier.domain.messages import Content
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from notifier.domain.personal_links import UNSUBSCRIBE_MARK, PersonalLinks
from notifier.providers.base import Provider
from notifier.providers.smtp import CONNECTIONS, SMTP
from tests.support.fakes.mail_server import TAKING, mail_server
from tests.support.fakes.name_server import name_server
from tests.support.fakes.tiny_servers import listening
from tests.support.provider_contract import TIMEOUT, ProviderContract, send
from tests.support.sandbox_fixture import RunningSandbox


class TestSMTP(ProviderContract):
    name = "smtp"
    channel = "email"
    malformed = "nobody at nowhere"
    status_is_proof = False
    retry_after = 60.0  # its own first pause: SMTP has no way to name one
    dead = Refused(Reason.DEAD_ADDRESS, 550, "550 5.1.1", disable_contact=True)
    refused_credentials = Refused(Reason.AUTHENTICATION, 530, "530 5.7.0")
    forbidden = Refused(Reason.SENDER_REFUSED, 554, "554 5.7.1")

    def build(self, sandbox: RunningSandbox, **options: Any) -> Provider:
        given = {
            **sandbox.config["smtp"],
            "ca_file": sandbox.config["ca_file"],
            "from_name": "Nötifier, Inc.",
            "timeout": TIMEOUT,
        }
        return SMTP("smtp", **{**given, **options})

    def unreachable(self, port: int) -> dict[str, Any]:
        return {"port": port}

    def plain(self, sandbox: RunningSandbox, port: int, **options: Any) -> Provider:
        """A provider that sends to a server without TLS and passwords."""
        return self.build(sandbox, port=port, tls="none", username="", password="", **options)

    async def test_a_server_is_found_by_name_and_by_each_of_its_addresses(
        self, sandbox: RunningSandbox
    ) -> None:
        """At ``::1``, which the name has too, nobody listens; the certificate is the name's."""
        async with name_server({}) as names:
            provider = self.build(sandbox, host="localhost", dns_servers=[names.address])
            (outcome,) = await send(provider, self.message(self.address(sandbox)))
            await provider.close()
        assert isinstance(outcome, Accepted)

    async def test_a_server_whose_name_is_never_answered_holds_up_no_other(
        self, sandbox: RunningSandbox
    ) -> None:
        async with name_server({}, silent=["silent.example"]) as names:
            hanging = self.build(sandbox, host="silent.example", dns_servers=[names.address])
            provider = self.build(sandbox, dns_servers=[names.address])
            messages = [self.message(self.address(sandbox, n), n) for n in range(8)]
            waiting = asyncio.create_task(send(hanging, *messages))
            await asyncio.sleep(0.2)
            started = time.perf_counter()
            (outcome,) = await send(provider, self.message(self.address(sandbox, 9), 9))
            assert isinstance(outcome, Accepted)
            assert time.perf_counter() - started < 2
            assert not waiting.done()
            unresolved = Retry(Reason.CONNECTION, detail="the host's name cannot be resolved")
            assert await waiting == [unresolved] * 8
            await hanging.close()
            await provider.close()

    def address(self, sandbox: RunningSandbox, number: int = 0) -> str:
        return f"ada{number}@people.example"

    def magic(self, sandbox: RunningSandbox, word: str, times: int = 0) -> str:
        return f"{word}x{times}@sandbox.example" if times else f"{word}@sandbox.example"

    def mail(self, received: dict[str, Any]) -> email.message.EmailMessage:
        content = received["content"]
        raw = content if isinstance(content, str) else content["raw"]
        return email.message_from_string(raw, policy=email.policy.default)  # type: ignore[return-value]

    def said(self, received: dict[str, Any]) -> str:
        mail = self.mail(received)
        text, page = mail.get_body(("plain",)), mail.get_body(("html",))
        assert text is not None
        assert page is not None
        assert "<b>&" not in page.get_content()
        return f"{mail['subject']}\n{text.get_content()}"

    async def test_a_mail_has_the_headers_a_mail_needs(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        await send(provider, self.message(self.address(sandbox)))
        (received,) = self.accepted(sandbox)
        mail = self.mail(received)
        assert mail["to"] == self.address(sandbox)
        assert mail["message-id"] == "<d_smtp_0@sandbox.example>"
        assert mail["x-notifier-delivery-id"] == "d_smtp_0"
        assert mail["from"].addresses[0].display_name == "Nötifier, Inc."
        assert mail["date"] is not None

    async def test_each_reader_has_links_of_their_own(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        content = Content("Sale", f"Leave: {UNSUBSCRIBE_MARK}")
        messages = [
            self.message(
                self.address(sandbox, n),
                n,
                content=content,
                links=PersonalLinks(f"https://n.example/u/{n}", f"https://n.example/p/{n}", n < 2),
            )
            for n in range(3)
        ]
        await send(provider, *messages)
        for received in self.accepted(sandbox):
            mail = self.mail(received)
            n = received["delivery_id"].rpartition("_")[2]
            assert mail["auto-submitted"] == "auto-generated"
            assert self.said(received).rstrip() == f"Sale\nLeave: https://n.example/u/{n}"
            refusable = n != "2"
            link = f"<https://n.example/u/{n}>" if refusable else None
            assert mail["list-unsubscribe"] == link
            posted = "List-Unsubscribe=One-Click" if refusable else None
            assert mail["list-unsubscribe-post"] == posted

    @pytest.mark.parametrize("address", ["a@b.c\r\nRCPT TO:<eve@e.x>", "a@b.c>", "a b@c.d", "abc"])
    async def test_an_address_cannot_smuggle_commands(
        self, address: str, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        (outcome,) = await send(provider, self.message(address))
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.INVALID_ADDRESS
        assert sandbox.client.counts()["smtp"]["requests"] == 0

    async def test_a_title_cannot_smuggle_headers(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        content = Content("hi\r\nBcc: eve@example.com", "b")
        await send(provider, self.message(self.address(sandbox), content=content))
        (received,) = self.accepted(sandbox)
        assert self.mail(received)["bcc"] is None

    @pytest.mark.parametrize(
        ("separator", "mailed"),
        [("\u2028", "\u2028"), ("\u2029", "\u2029"), ("\x85", "\x85"), ("\x1c", " "), ("\v", " ")],
    )
    async def test_a_title_with_any_line_separator_is_mailed(
        self, separator: str, mailed: str, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        content = Content(f"Sale{separator}now", "b")
        await send(provider, self.message(self.address(sandbox), content=content))
        (received,) = self.accepted(sandbox)
        assert self.mail(received)["subject"] == f"Sale{mailed}now"

    async def test_connections_are_few_and_used_again(self, sandbox: RunningSandbox) -> None:
        seen: list[str] = []
        async with listening(mail_server(TAKING, seen)) as port:
            provider = self.plain(sandbox, port)
            for _ in range(2):
                messages = [self.message(self.address(sandbox, n), n) for n in range(50)]
                assert all(isinstance(o, Accepted) for o in await send(provider, *messages))
            await provider.close()
        assert seen.count("DATA") == 100
        assert seen.count("connect") <= CONNECTIONS

    async def test_a_refused_recipient_leaves_the_connection_usable(
        self, sandbox: RunningSandbox
    ) -> None:
        seen: list[str] = []
        async with listening(mail_server({"RCPT": "550 5.1.1 no <x@y.z>"}, seen)) as port:
            provider = self.plain(sandbox, port, concurrency=1)
            messages = [self.message(self.address(sandbox, n), n) for n in range(3)]
            assert await send(provider, *messages) == [self.dead] * 3
            await provider.close()
        assert (seen.count("connect"), seen.count("RSET")) == (1, 3)

    async def test_a_connection_lost_while_idle_costs_nothing(
        self, sandbox: RunningSandbox
    ) -> None:
        seen: list[str] = []
        replies = dict(TAKING)
        async with listening(mail_server(replies, seen)) as port:
            provider = self.plain(sandbox, port)
            await send(provider, self.message(self.address(sandbox), 1))
            replies["MAIL"] = ""  # hangs up at the next mail
            hung_up = asyncio.create_task(send(provider, self.message(self.address(sandbox), 2)))
            while seen.count("MAIL") < 2:
                await asyncio.sleep(0)
            del replies["MAIL"]
            (outcome,) = await hung_up
            await provider.close()
        assert isinstance(outcome, Accepted)
        assert seen.count("connect") == 2

    @pytest.mark.parametrize(
        ("command", "reply", "expected"),
        [
            ("MAIL", "421 4.3.2 closing", Retry(Reason.PROVIDER_ERROR, None, 421, "421 4.3.2")),
            # One recipient's, and nothing about the server.
            ("RCPT", "450 4.2.0 greylisted", Retry(Reason.DEFERRED, 300.0, 450, "450 4.2.0")),
            ("RCPT", "450 later", Retry(Reason.DEFERRED, 300.0, 450, "450")),
            ("RCPT", "451 4.7.1 later", Retry(Reason.DEFERRED, 300.0, 451, "451 4.7.1")),
            ("RCPT", "452 4.2.2 full", Retry(Reason.DEFERRED, 300.0, 452, "452 4.2.2")),
            (".", "451 Graylisted, try again", Retry(Reason.DEFERRED, 300.0, 451, "451")),
            (".", "451 4.7.1 slow", Retry(Reason.DEFERRED, 300.0, 451, "451 4.7.1")),
            # The server's, whatever it was asked.
            ("RCPT", "451 4.3.0 broken", Retry(Reason.PROVIDER_ERROR, None, 451, "451 4.3.0")),
            ("RCPT", "452 disk is full", Retry(Reason.PROVIDER_ERROR, None, 452, "452")),
            ("RCPT", "421 closing", Retry(Reason.PROVIDER_ERROR, None, 421, "421")),
            ("MAIL", "450 4.7.1 slow", Retry(Reason.RATE_LIMITED, 60.0, 450, "450 4.7.1")),
            ("RCPT", "550 no", Refused(Reason.REJECTED, 550, "550")),
            ("RCPT", "550 5.1.1 no", Refused(Reason.DEAD_ADDRESS, 550, "550 5.1.1", True)),
            # Ours, which must not disable everybody we write to.
            ("RCPT", "553 not relayed", Refused(Reason.SENDER_REFUSED, 553, "553")),
            ("RCPT", "553 5.7.1 sender", Refused(Reason.SENDER_REFUSED, 553, "553 5.7.1")),
            ("RCPT", "550 5.7.1 relaying", Refused(Reason.SENDER_REFUSED, 550, "550 5.7.1")),
            ("RCPT", "554 no relay", Refused(Reason.SENDER_REFUSED, 554, "554")),
            (".", "550 5.7.26 no DKIM", Refused(Reason.SENDER_REFUSED, 550, "550 5.7.26")),
            ("RCPT", "550 relay not permitted", Refused(Reason.SENDER_REFUSED, 550, "550")),
            ("RCPT", "550 Client 5.2.1.9 blocked", Refused(Reason.SENDER_REFUSED, 550, "550")),
            ("RCPT", "550 no, says MTA/5.1.1", Refused(Reason.REJECTED, 550, "550")),
            ("RCPT", "421 for 5.1.1 later", Retry(Reason.PROVIDER_ERROR, None, 421, "421")),
            ("MAIL", "553 5.1.3 sender", Refused(Reason.AUTHENTICATION, 553, "553 5.1.3")),
            ("MAIL", "550 not yours", Refused(Reason.AUTHENTICATION, 550, "550")),
            ("MAIL", "552 5.3.4 too big", Refused(Reason.TOO_LARGE, 552, "552 5.3.4")),
            ("RCPT", "299 what?", Retry(Reason.PROVIDER_ERROR, detail="the answer cannot be read")),
            ("DATA", "451 later", Retry(Reason.PROVIDER_ERROR, None, 451, "451")),
            (".", "552 5.3.4 big", Refused(Reason.TOO_LARGE, 552, "552 5.3.4")),
        ],
    )
    async def test_replies_mean_what_their_codes_say(
        self, command: str, reply: str, expected: object, sandbox: RunningSandbox
    ) -> None:
        async with listening(mail_server({**TAKING, command: reply}, [])) as port:
            provider = self.plain(sandbox, port)
            (outcome,) = await send(provider, self.message(self.address(sandbox)))
            await provider.close()
        assert outcome == expected

    @pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT"])
    async def test_silence_before_the_mail_is_written_is_retried(
        self, command: str, sandbox: RunningSandbox
    ) -> None:
        async with listening(mail_server({**TAKING, command: ""}, [])) as port:
            provider = self.plain(sandbox, port)
            (outcome,) = await send(provider, self.message(self.address(sandbox)))
            await provider.close()
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.CONNECTION

    async def test_starttls_is_demanded_not_tried(self, sandbox: RunningSandbox) -> None:
        seen: list[str] = []
        async with listening(mail_server(TAKING, seen)) as port:
            provider = self.build(sandbox, port=port)
            (outcome,) = await send(provider, self.message(self.address(sandbox)))
            await provider.close()
        assert isinstance(outcome, Retry)
        assert "MAIL" not in seen

    async def test_a_wrong_password_is_final(self, sandbox: RunningSandbox) -> None:
        provider = self.build(sandbox, password="wrong")
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.AUTHENTICATION
        await provider.close()

    @pytest.mark.parametrize(
        "given",
        [{"from_email": ""}, {"from_email": "a b@c.d"}, {"from_name": "Shop\r\nBcc: x@y.z"}],
    )
    def test_a_sender_that_no_mail_can_be_from_is_refused_at_once(
        self, given: dict[str, str]
    ) -> None:
        with pytest.raises(ValueError, match=r"SMTP can carry|one line"):
            SMTP("smtp", **{"host": "h", "port": 25, "from_email": "a@b.c", **given})  # type: ignore[arg-type]

    def test_an_unknown_kind_of_tls_is_refused(self) -> None:
        with pytest.raises(ValueError, match="starttls"):
            SMTP("smtp", host="h", port=25, from_email="a@b.c", tls="ssl")  # type: ignore[arg-type]
