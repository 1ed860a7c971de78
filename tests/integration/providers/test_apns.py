"""APNs on the sandbox, with a token and with a certificate."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Accepted, Reason, Refused
from notifier.domain.priorities import Priority
from notifier.providers.apns import APNs, ProviderToken
from notifier.providers.base import Provider
from tests.support.fakes.tiny_servers import Http2Server, listening, ok
from tests.support.provider_contract import CODES, TIMEOUT, ProviderContract, send
from tests.support.sandbox_fixture import RunningSandbox


class TestAPNs(ProviderContract):
    name = "apns"
    channel = "push"
    platform = "ios"
    busy_reason = Reason.DEFERRED  # its 429 is one device's
    malformed_reason = Reason.SENDER_REFUSED  # it may as well be a token of the other environment
    malformed = "abc"
    dead = Refused(Reason.DEAD_ADDRESS, 410, "Unregistered", disable_contact=True)
    refused_credentials = Refused(Reason.AUTHENTICATION, 403, "InvalidProviderToken")
    forbidden = Refused(Reason.AUTHENTICATION, 403, "Forbidden")

    def build(self, sandbox: RunningSandbox, **options: Any) -> Provider:
        apns = dict(sandbox.config["apns"])
        del apns["client_cert_file"]
        given = {**apns, "ca_file": sandbox.config["ca_file"], "timeout": TIMEOUT}
        return APNs("apns", **{**given, **options})

    def address(self, sandbox: RunningSandbox, number: int = 0) -> str:
        return f"{number:064x}"

    def magic(self, sandbox: RunningSandbox, word: str, times: int = 0) -> str:
        code = CODES.get(word, word)
        return f"facade{code}{times:02d}00".ljust(64, "b")

    def said(self, received: dict[str, Any]) -> str:
        alert = received["content"]["aps"]["alert"]
        return f"{alert['title']}\n{alert['body']}"

    async def headers(self, sandbox: RunningSandbox, *messages: Message) -> list[dict[str, str]]:
        """The headers each message is sent with."""
        server = Http2Server(ok)
        async with listening(server) as port:
            provider = self.build(sandbox, base_url=f"http://127.0.0.1:{port}")
            outcomes = await send(provider, *messages)
            await provider.close()
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        by_path = {headers[":path"]: headers for headers in server.requests}
        return [by_path[f"/3/device/{message.address}"] for message in messages]

    async def test_priority_expiry_and_collapse_key_become_headers(
        self, sandbox: RunningSandbox
    ) -> None:
        expires_at = time.time() + 600
        first, second, third = await self.headers(
            sandbox,
            self.message(
                "aa" * 32, 1, priority=Priority.HIGH, deadline=expires_at, collapse_key="order 1"
            ),
            self.message("bb" * 32, 2, priority=Priority.LOW, collapse_key="ü" * 70, app="com.b"),
            self.message("cc" * 32, 3, priority=Priority.HIGH, content=Content(data={"a": 1})),
        )
        assert first["apns-push-type"] == "alert"
        assert first["apns-priority"] == "10"
        assert first["apns-expiration"] == str(int(expires_at))
        assert first["apns-collapse-id"] == "order 1"
        assert first["apns-topic"] == "com.example.app"
        assert second["apns-priority"] == "1"
        assert int(second["apns-expiration"]) > time.time() + 86400
        assert len(second["apns-collapse-id"]) == 64
        assert second["apns-topic"] == "com.b"
        assert (third["apns-push-type"], third["apns-priority"]) == ("background", "5")
        assert "apns-collapse-id" not in third

    async def test_every_attempt_of_a_delivery_has_the_same_apns_id(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        first = await send(provider, self.message(self.address(sandbox), 1))
        again = await send(provider, self.message(self.address(sandbox), 1, attempt=2))
        other = await send(provider, self.message(self.address(sandbox), 2))
        assert first == again != other

    async def test_apns_is_asked_to_keep_nothing_longer_than_it_does(
        self, sandbox: RunningSandbox
    ) -> None:
        never = self.message("aa" * 32, deadline=253402300800.0)  # the end of the year 9999
        (sent,) = await self.headers(sandbox, never)
        longest = time.time() + 28 * 86400
        assert longest - 60 < int(sent["apns-expiration"]) <= longest

    async def test_data_and_actions_travel_beside_the_alert(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        content = Content("t", "b", {"aps": "mine", "n": [1]}, {"Open": "https://e.x/"})
        await send(provider, self.message(self.address(sandbox), content=content))
        (received,) = self.accepted(sandbox)
        assert received["content"]["data"] == {"aps": "mine", "n": [1]}
        assert received["content"]["actions"] == {"Open": "https://e.x/"}

    async def test_a_certificate_is_enough(self, sandbox: RunningSandbox) -> None:
        provider = self.build(
            sandbox, key_file=None, cert_file=sandbox.config["apns"]["client_cert_file"]
        )
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert isinstance(outcome, Accepted)
        await provider.close()

    async def test_another_apps_device_is_our_mistake(self, sandbox: RunningSandbox) -> None:
        provider = self.build(sandbox, topic="com.other.app")
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert outcome == Refused(Reason.SENDER_REFUSED, 400, "DeviceTokenNotForTopic")
        await provider.close()

    async def test_too_large_a_payload_is_refused(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        message = self.message(self.address(sandbox), content=Content("t", "x" * 4100))
        assert await send(provider, message) == [Refused(Reason.TOO_LARGE, 413, "PayloadTooLarge")]

    async def test_a_token_apple_holds_to_be_expired_is_renewed_once(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        token = provider._token  # type: ignore[attr-defined]
        token.get()
        token._value = token._issue(int(time.time()) - 4000)
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert isinstance(outcome, Accepted)

    def test_authentication_must_be_given(self) -> None:
        with pytest.raises(ValueError, match="cert_file"):
            APNs("apns", topic="com.example.app")

    def test_every_process_has_the_same_token_without_a_word(self, sandbox: RunningSandbox) -> None:
        apns = sandbox.config["apns"]
        given = (apns["key_file"], apns["key_id"], apns["team_id"])
        one, two = ProviderToken(*given).get(), ProviderToken(*given).get()
        assert one == two
        key = serialization.load_pem_private_key(Path(given[0]).read_bytes(), None).public_key()
        claims = jwt.decode(one, key, algorithms=["ES256"])  # type: ignore[arg-type]
        assert claims["iss"] == apns["team_id"]
        assert 0 <= time.time() - claims["iat"] < 51 * 60
        assert jwt.get_unverified_header(one) == {"alg": "ES256", "kid": apns["key_id"]}
