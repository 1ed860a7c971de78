"""FCM on the sandbox."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from notifier.domain.messages import Content
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from notifier.domain.priorities import Priority
from notifier.providers.base import Provider
from notifier.providers.fcm import FCM
from tests.support.fakes.tiny_servers import answering, listening
from tests.support.provider_contract import TIMEOUT, ProviderContract, closed_port, send
from tests.support.sandbox_fixture import RunningSandbox


class TestFCM(ProviderContract):
    name = "fcm"
    channel = "push"
    platform = "android"
    malformed = "no token at all!"
    status_is_proof = False
    dead = Refused(Reason.DEAD_ADDRESS, 404, "UNREGISTERED", disable_contact=True)
    refused_credentials = Refused(Reason.AUTHENTICATION, 401, "THIRD_PARTY_AUTH_ERROR")
    forbidden = Refused(Reason.SENDER_REFUSED, 403, "SENDER_ID_MISMATCH")

    def build(self, sandbox: RunningSandbox, **options: Any) -> Provider:
        fcm = sandbox.config["fcm"]
        given = {
            "project_id": fcm["project_id"],
            "service_account_file": fcm["service_account_file"],
            "base_url": fcm["base_url"],
            "ca_file": sandbox.config["ca_file"],
            "timeout": TIMEOUT,
        }
        return FCM("fcm", **{**given, **options})

    def address(self, sandbox: RunningSandbox, number: int = 0) -> str:
        return f"device-{number:04d}:APA91bHun4MxP5egoKMwt2KZFBaFUH"

    def magic(self, sandbox: RunningSandbox, word: str, times: int = 0) -> str:
        spec = f"{word}x{times}" if times else word
        return f"device-sandbox-{spec}-APA91bHun4MxP5egoKMwt2KZ"

    def said(self, received: dict[str, Any]) -> str:
        notification = received["content"]["message"]["notification"]
        return f"{notification['title']}\n{notification['body']}"

    async def received(self, sandbox: RunningSandbox) -> dict[str, Any]:
        (received,) = self.accepted(sandbox)
        return dict(received["content"]["message"])

    async def test_priority_expiry_and_collapse_key_become_androids(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        message = self.message(
            self.address(sandbox),
            priority=Priority.HIGH,
            deadline=time.time() + 600.5,
            collapse_key="order 1",
        )
        await send(provider, message)
        android = (await self.received(sandbox))["android"]
        assert (android["priority"], android["collapse_key"]) == ("high", "order 1")
        assert android["ttl"] in ("600s", "599s")

    async def test_what_expires_within_a_second_is_not_kept(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        await send(provider, self.message(self.address(sandbox), deadline=time.time() + 0.99))
        assert (await self.received(sandbox))["android"]["ttl"] == "0s"

    async def test_a_browser_gets_web_push_headers(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        self.platform = "web"
        message = self.message(
            self.address(sandbox), priority=Priority.LOW, collapse_key="über 32 Zeichen? nein"
        )
        await send(provider, message)
        received = await self.received(sandbox)
        assert "android" not in received
        headers = received["webpush"]["headers"]
        assert headers["Urgency"] == "low"
        assert headers["TTL"] == str(28 * 86400)
        assert len(headers["Topic"]) == 32
        assert headers["Topic"].isascii()

    async def test_data_is_strings_and_carries_our_ids(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        content = Content(data={"a": 1, "b": {"c": [None]}, "d": "x"})
        await send(provider, self.message(self.address(sandbox), content=content))
        received = await self.received(sandbox)
        assert "notification" not in received
        assert received["data"] == {
            "a": "1",
            "b": '{"c":[null]}',
            "d": "x",
            "delivery_id": "d_fcm_0",
            "notification_id": "n_1",
            "topic": "orders",
        }

    async def test_the_access_token_is_asked_for_once_however_many_wait(
        self, sandbox: RunningSandbox, tmp_path: Path
    ) -> None:
        asked = []
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        body = b'{"access_token": "ya29.x", "expires_in": 3599}'

        async def token(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(1)
            raw = head + b"content-length: %d\r\n\r\n%s" % (len(body), body)
            await answering(raw)(reader, writer)

        async with listening(token) as port:
            account = self.account(sandbox, tmp_path, f"http://127.0.0.1:{port}/token")
            provider = self.build(sandbox, service_account_file=account)
            messages = [self.message(self.address(sandbox, n), n) for n in range(50)]
            outcomes = await send(provider, *messages)
            await provider.close()
        # The sandbox knows no such token, so all 50 are refused, and do not ask for 50 more.
        assert all(o == Refused(Reason.AUTHENTICATION, 401, "UNAUTHENTICATED") for o in outcomes)
        assert len(asked) == 1

    async def test_a_revoked_token_is_renewed_and_the_message_sent(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        await send(provider, self.message(self.address(sandbox)))
        token = provider._token  # type: ignore[attr-defined]
        token._value, token._asked_at = "ya29.revoked", time.time() - 60
        (outcome,) = await send(provider, self.message(self.address(sandbox), 1))
        assert isinstance(outcome, Accepted)

    async def test_a_token_endpoint_that_is_down_costs_no_message(
        self, sandbox: RunningSandbox, tmp_path: Path
    ) -> None:
        account = self.account(sandbox, tmp_path, f"http://127.0.0.1:{closed_port()}/token")
        provider = self.build(sandbox, service_account_file=account)
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.CONNECTION
        await provider.close()

    async def test_a_service_account_google_does_not_know_is_refused(
        self, sandbox: RunningSandbox, tmp_path: Path
    ) -> None:
        account = self.account(sandbox, tmp_path, sandbox.config["fcm"]["token_uri"], email="x@y.z")
        provider = self.build(sandbox, service_account_file=account)
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert outcome == Refused(Reason.AUTHENTICATION, detail="no access token: invalid_grant")
        await provider.close()

    async def test_an_unknown_project_disables_no_token(self, sandbox: RunningSandbox) -> None:
        provider = self.build(sandbox, project_id="another")
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert outcome == Refused(Reason.AUTHENTICATION, 403, "PERMISSION_DENIED")
        await provider.close()

    def test_a_file_that_is_no_service_account_is_refused_at_once(self, tmp_path: Path) -> None:
        file = tmp_path / "account.json"
        file.write_text("{}")
        with pytest.raises(ValueError, match="service account"):
            FCM("fcm", project_id="p", service_account_file=str(file))

    def account(
        self, sandbox: RunningSandbox, tmp_path: Path, token_uri: str, email: str = ""
    ) -> str:
        account = json.loads(Path(sandbox.config["fcm"]["service_account_file"]).read_text())
        account["token_uri"] = token_uri
        account["client_email"] = email or account["client_email"]
        (tmp_path / "account.json").write_text(json.dumps(account))
        return str(tmp_path / "account.json")
