"""Webhooks on the sandbox, and the addresses to which they must not go."""

import asyncio
import json
import time
from typing import Any

import pytest

from notifier.domain.messages import Content
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from notifier.providers.base import Provider
from notifier.providers.webhook import Webhook
from notifier.transport.http import Wire
from tests.support.fakes.name_server import name_server
from tests.support.fakes.tiny_servers import OK, always_ok, answering, listening, read_request
from tests.support.provider_contract import (
    SECRET,
    TIMEOUT,
    ProviderContract,
    send,
)
from tests.support.sandbox_fixture import RunningSandbox

LOOPBACK = ("127.0.0.0/8", "::1/128")
FORBIDDEN = Refused(
    Reason.FORBIDDEN_ADDRESS, detail="a private network, or a port that is not open to webhooks"
)


class TestWebhook(ProviderContract):
    name = "webhook"
    channel = "webhook"
    malformed = "https://:no url"
    dead = Refused(Reason.DEAD_ADDRESS, 410, "status 410", disable_contact=True)
    refused_credentials = Refused(Reason.REJECTED, 401, "status 401")
    forbidden = Refused(Reason.REJECTED, 403, "status 403")

    def build(self, sandbox: RunningSandbox, **options: Any) -> Provider:
        self.closed = options.pop("closed", None)
        given = {
            "allowed_networks": LOOPBACK,
            "ca_file": sandbox.config["ca_file"],
            "timeout": TIMEOUT,
        }
        return Webhook("webhook", **{**given, **options})

    def unreachable(self, port: int) -> dict[str, Any]:
        return {"closed": port}

    def address(self, sandbox: RunningSandbox, number: int = 0) -> str:
        if getattr(self, "closed", None):
            return f"https://127.0.0.1:{self.closed}/"
        return f"{sandbox.config['webhook']['base_url']}/shop-{number}"

    def magic(self, sandbox: RunningSandbox, word: str, times: int = 0) -> str:
        spec = f"{word}x{times}" if times else word
        return f"{self.address(sandbox)}?behave={spec}"

    def said(self, received: dict[str, Any]) -> str:
        data = received["content"]["data"]
        return f"{data['title']}\n{data['body']}"

    async def test_the_body_says_everything(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        await send(provider, self.message(self.address(sandbox)))
        (received,) = self.accepted(sandbox)
        content = received["content"]
        assert content["type"] == "notification"
        assert content["timestamp"].endswith("Z")
        assert {**content["data"], "body": ""} == {
            "delivery_id": "d_webhook_0",
            "user_id": "user-1",
            "notification_id": "n_1",
            "topic": "orders",
            "title": "Grüße 🎉",
            "body": "",
            "data": {"key": "wert"},
            "actions": {"Open": "https://example.com/?a=1&b=2"},
        }

    async def test_an_event_of_another_type_carries_its_data_and_nothing_else(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        event = Content(data={"topic": "orders"}, event_type="subscription.confirmation")
        await send(provider, self.message(self.address(sandbox))._replace(content=event))
        (received,) = self.accepted(sandbox)
        assert received["content"].pop("timestamp").endswith("Z")
        assert received["content"] == {
            "type": "subscription.confirmation",
            "data": {"topic": "orders"},
        }

    async def test_the_sandbox_accepts_the_signature_and_refuses_another_secret(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        sandbox.client.register_webhook("shop-0", SECRET)
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert isinstance(outcome, Accepted)
        sandbox.client.register_webhook("shop-0", SECRET[:-4] + "AAAA")
        (outcome,) = await send(provider, self.message(self.address(sandbox)))
        assert outcome == self.refused_credentials

    async def test_each_attempt_has_the_same_id_and_body_and_a_fresh_timestamp(
        self, provider: Provider
    ) -> None:
        heads: list[dict[str, str]] = []
        bodies: list[bytes] = []

        async def receiver(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head, body = await read_request(reader)
            heads.append(dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2]))
            bodies.append(body)
            writer.write(OK)

        async with listening(receiver) as port:
            for attempt in (1, 2):
                message = self.message(f"http://127.0.0.1:{port}/", attempt=attempt)
                began = int(time.time())
                await send(provider, message)
                ended = time.time()
                await asyncio.sleep(1.1)
        first, again = heads
        assert first["webhook-id"] == again["webhook-id"] == "d_webhook_0"
        assert int(again["webhook-timestamp"]) > int(first["webhook-timestamp"])
        assert began <= int(again["webhook-timestamp"]) <= ended
        # `read_request` lowers everything, so the signature is checked by the sandbox above.
        assert first["webhook-signature"] != again["webhook-signature"]
        assert json.loads(bodies[0])["data"]["delivery_id"] == "d_webhook_0"
        assert json.loads(bodies[0])["timestamp"] == "2026-03-01T12:00:00.123Z"
        assert bodies[0] == bodies[1]

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (200, Accepted(delivered=True, status=200)),
            (299, Accepted(delivered=True, status=299)),
            (301, Refused(Reason.REJECTED, 301, "status 301")),
            (307, Refused(Reason.REJECTED, 307, "status 307")),
            (400, Refused(Reason.REJECTED, 400, "status 400")),
            (404, Refused(Reason.REJECTED, 404, "status 404")),
            (410, Refused(Reason.DEAD_ADDRESS, 410, "status 410", True)),
            (429, Retry(Reason.RATE_LIMITED, 9.0, 429, "status 429")),
            (502, Retry(Reason.RATE_LIMITED, 9.0, 502, "status 502")),
            (504, Retry(Reason.RATE_LIMITED, 9.0, 504, "status 504")),
            (500, Retry(Reason.PROVIDER_ERROR, 9.0, 500, "status 500")),
        ],
    )
    async def test_statuses_mean_what_standard_webhooks_says(
        self, status: int, expected: object, provider: Provider
    ) -> None:
        raw = f"HTTP/1.1 {status} x\r\nlocation: /b\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n"
        async with listening(answering(raw.encode())) as port:
            (outcome,) = await send(provider, self.message(f"http://127.0.0.1:{port}/a"))
        assert outcome == expected

    async def test_a_message_without_a_secret_is_not_sent(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        message = self.message(self.address(sandbox))
        unsigned = type(message)(message.id, "webhook", message.address, message.content)
        (outcome,) = await send(provider, unsigned)
        assert isinstance(outcome, Refused)
        assert sandbox.client.counts()["webhook"]["requests"] == 0

    async def test_too_large_a_body_is_not_sent(
        self, provider: Provider, sandbox: RunningSandbox
    ) -> None:
        message = self.message(self.address(sandbox), content=Content("t", "x" * 20_000))
        (outcome,) = await send(provider, message)
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.TOO_LARGE
        assert sandbox.client.counts()["webhook"]["requests"] == 0

    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "localhost",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fe80::1]",
            "[fc00::1]",
            "[fec0::1]",
            "[ff02::1]",
            "169.254.169.254",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "192.0.0.192",
            "168.63.129.16",
            "[::ffff:168.63.129.16]",
            "[64:ff9b::192.0.0.192]",
            "[3fff::1]",
            "[2001:678:0:1:0:5efe:10.0.0.1]",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "①②⑦.⓪.⓪.①",
        ],
    )
    async def test_no_private_address_is_called_however_it_is_written(self, host: str) -> None:
        provider = Webhook("webhook", timeout=TIMEOUT)
        (outcome,) = await send(provider, self.message(f"http://{host}/"))
        assert outcome == FORBIDDEN
        await provider.close()

    async def test_a_listener_on_loopback_gets_nothing(self) -> None:
        connected = []

        async def listener(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connected.append(1)

        provider = Webhook("webhook", allowed_networks=["10.0.0.0/8"], timeout=TIMEOUT)
        async with listening(listener) as port:
            for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
                await send(provider, self.message(f"http://{host}:{port}/"))
        await provider.close()
        assert not connected

    async def test_a_name_that_is_rebound_after_the_check_does_not_lead_inside(self) -> None:
        """Resolve to a public address at first, and to loopback from then on."""
        connected = []

        async def listener(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connected.append(1)

        # The documentation network stands for the internet, and nothing of it can be reached.
        async with (
            name_server({"shop.example": ["203.0.113.9"]}) as names,
            listening(listener) as port,
        ):
            provider = Webhook(
                "webhook",
                allowed_networks=["203.0.113.0/24"],
                dns_servers=[names.address],
                timeout=0.5,
            )
            for _ in range(2):
                message = self.message(f"http://shop.example:{port}/")
                (outcome,) = await send(provider, message)
                assert outcome != FORBIDDEN  # it passed the check, and was bound to what passed
                assert isinstance(outcome, Retry)
                assert outcome.reason is Reason.CONNECTION
                names.names["shop.example"] = ["127.0.0.1"]
            await provider.close()
        assert not connected

    async def test_a_name_with_one_public_and_one_private_address_leads_to_the_public_one(
        self,
    ) -> None:
        async with (
            name_server({"two.example": ["10.0.0.1", "127.0.0.1"]}) as names,
            listening(always_ok) as port,
        ):
            provider = Webhook(
                "webhook",
                allowed_networks=["127.0.0.0/8"],
                dns_servers=[names.address],
                timeout=TIMEOUT,
            )
            for attempt in (1, 2, 3):
                message = self.message(f"http://two.example:{port}/", attempt=attempt)
                (outcome,) = await send(provider, message)
                assert isinstance(outcome, Accepted)
            await provider.close()

    @pytest.mark.parametrize("attempt", [1, 2])
    async def test_an_address_that_takes_no_connection_does_not_cost_an_attempt(
        self, attempt: int
    ) -> None:
        async with (
            name_server({"two.example": ["127.0.0.2", "127.0.0.1"]}) as names,
            listening(always_ok) as port,  # on 127.0.0.1 alone
        ):
            provider = Webhook(
                "webhook",
                allowed_networks=["127.0.0.0/8"],
                dns_servers=[names.address],
                timeout=TIMEOUT,
            )
            message = self.message(f"http://two.example:{port}/", attempt=attempt)
            assert await send(provider, message) == [Accepted(delivered=True, status=200)]
            await provider.close()

    async def test_a_name_is_looked_up_once_for_a_whole_chunk(self) -> None:
        async with (
            name_server({"shop.example": ["127.0.0.1"]}) as names,
            listening(always_ok) as port,
        ):
            provider = Webhook(
                "webhook",
                allowed_networks=LOOPBACK,
                dns_servers=[names.address],
                timeout=TIMEOUT,
            )
            messages = [self.message(f"http://shop.example:{port}/{n}", n) for n in range(20)]
            outcomes = await send(provider, *messages)
            assert outcomes == [Accepted(delivered=True, status=200)] * 20
            await provider.close()
        assert names.asked == ["shop.example"] * 2  # A and AAAA

    async def test_names_whose_servers_never_answer_delay_no_other_host(self) -> None:
        silent = [f"silent-{number}.example" for number in range(8)]
        async with (
            name_server({"shop.example": ["127.0.0.1"]}, silent=silent) as names,
            listening(answering(OK)) as port,
        ):
            provider = Webhook(
                "webhook",
                allowed_networks=LOOPBACK,
                dns_servers=[names.address],
                timeout=TIMEOUT,
            )
            hanging = [self.message(f"http://{name}/", n) for n, name in enumerate(silent)]
            waiting = asyncio.create_task(send(provider, *hanging))
            await asyncio.sleep(0.2)
            (outcome,) = await send(provider, self.message(f"http://shop.example:{port}/", 9))
            assert isinstance(outcome, Accepted)
            assert not waiting.done()
            unresolved = Retry(Reason.CONNECTION, detail="the host's name cannot be resolved")
            assert await waiting == [unresolved] * 8
            await provider.close()

    async def test_a_name_that_does_not_resolve_is_retried(self, provider: Provider) -> None:
        (outcome,) = await send(provider, self.message("https://nowhere.invalid/"))
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.CONNECTION

    async def test_odd_ports_are_closed_to_webhooks_on_the_internet(self) -> None:
        provider = Webhook("webhook", timeout=TIMEOUT)
        (outcome,) = await send(provider, self.message("http://93.184.216.34:25/"))
        assert outcome == FORBIDDEN

    async def test_another_scheme_is_refused(self, provider: Provider) -> None:
        outcomes = await send(
            provider, self.message("file:///etc/passwd", 1), self.message("gopher://127.0.0.1/", 2)
        )
        assert all(isinstance(o, Refused) for o in outcomes)

    async def test_one_new_host_is_one_client_for_a_whole_chunk(
        self, monkeypatch: pytest.MonkeyPatch, provider: Provider
    ) -> None:
        built = []
        build = Wire.open
        monkeypatch.setattr(Wire, "open", lambda wire: (built.append(wire), build(wire)))
        async with listening(always_ok) as port:
            messages = [self.message(f"http://127.0.0.1:{port}/{n}", n) for n in range(50)]
            outcomes = await send(provider, *messages)
        assert [o for o in outcomes if not isinstance(o, Accepted)] == []
        assert len(built) == 1

    async def test_few_connections_are_kept(
        self, monkeypatch: pytest.MonkeyPatch, provider: Provider
    ) -> None:
        monkeypatch.setattr("notifier.providers.webhook.MOST_HOSTS", 2)
        for number in range(5):
            async with listening(answering(OK)) as port:
                message = self.message(f"http://127.0.0.1:{port}/", number)
                assert isinstance((await send(provider, message))[0], Accepted)
        assert len(provider._wires._wires) == 2  # type: ignore[attr-defined]

    def test_a_network_that_is_none_is_refused_at_once(self) -> None:
        with pytest.raises(ValueError, match="nowhere"):
            Webhook("webhook", allowed_networks=["nowhere"])
