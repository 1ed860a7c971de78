"""Twilio on the sandbox."""

import time
from typing import Any

import pytest

from notifier.domain.messages import Content
from notifier.domain.outcomes import Accepted, Reason, Refused
from notifier.providers.base import Provider
from notifier.providers.twilio import Twilio
from tests.support.provider_contract import CODES, TIMEOUT, ProviderContract, send
from tests.support.sandbox_fixture import RunningSandbox


class TestTwilio(ProviderContract):
    name = "twilio"
    channel = "sms"
    malformed = "+15005550001"
    status_is_proof = False
    dead = Refused(Reason.OPTED_OUT, 400, "Twilio error 21610", disable_contact=True)
    refused_credentials = Refused(Reason.AUTHENTICATION, 401, "Twilio error 20003")
    forbidden = Refused(Reason.AUTHENTICATION, 403, "Twilio error 20005")

    def build(self, sandbox: RunningSandbox, **options: Any) -> Provider:
        given = {
            **sandbox.config["twilio"],
            "ca_file": sandbox.config["ca_file"],
            "status_callback": "https://notifier.example/receipts?a=b",
            "timeout": TIMEOUT,
        }
        return Twilio("twilio", **{**given, **options})

    def address(self, sandbox: RunningSandbox, number: int = 0) -> str:
        return f"+49151{number:08d}"

    def magic(self, sandbox: RunningSandbox, word: str, times: int = 0) -> str:
        return f"+1500555{times}{CODES.get(word, word)}"

    def said(self, received: dict[str, Any]) -> str:
        return str(received["content"]["Body"])

    async def test_expiry_becomes_a_validity_period(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        for seconds, expected in ((600.5, {"600", "599"}), (1e6, {"36000"}), (0.99, {"1"})):
            message = self.message(self.address(sandbox), deadline=time.time() + seconds)
            await send(provider, message)
            assert self.accepted(sandbox)[0]["content"]["ValidityPeriod"] in expected

    async def test_a_messaging_service_goes_before_a_number(self, sandbox: RunningSandbox) -> None:
        service = "MG" + "0" * 32
        provider = self.build(sandbox, messaging_service_sid=service)
        await send(provider, self.message(self.address(sandbox)))
        (received,) = self.accepted(sandbox)
        assert received["content"]["MessagingServiceSid"] == service
        assert "From" not in received["content"]
        await provider.close()

    async def test_without_a_callback_none_is_asked_for(self, sandbox: RunningSandbox) -> None:
        provider = self.build(sandbox, status_callback="")
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert isinstance(outcome, Accepted)
        assert "StatusCallback" not in self.accepted(sandbox)[0]["content"]
        await provider.close()

    async def test_too_long_a_text_is_refused(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        message = self.message(self.address(sandbox), content=Content("", "x" * 1601))
        assert await send(provider, message) == [
            Refused(Reason.TOO_LARGE, 400, "Twilio error 21617")
        ]

    def test_a_sender_must_be_given(self) -> None:
        with pytest.raises(ValueError, match="from_number"):
            Twilio("twilio", account_sid="AC", auth_token="t")

    async def test_the_delivery_id_joins_what_the_callback_asks_already(
        self, sandbox: RunningSandbox
    ) -> None:
        provider = self.build(sandbox, status_callback="https://e.x/r?a=1&b=%26#part")
        await send(provider, self.message(self.address(sandbox)))
        (received,) = self.accepted(sandbox)
        expected = "https://e.x/r?a=1&b=%26&delivery_id=d_twilio_0"
        assert received["content"]["StatusCallback"] == expected
        await provider.close()
