"""One publisher's slow endpoints, and everybody else's webhooks."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Accepted
from notifier.providers.base import Sent
from notifier.providers.webhook import Webhook
from stack.supervision.process import PATIENCE
from tests.support.fakes.tiny_servers import OK, answering, listening, read_request
from tests.support.provider_contract import SECRET, send

SLOW, FAST = 1, 2
CONTENT = Content("Shipped", "Order 5")
POSTED_AT = datetime(2026, 3, 1, 12, 0, 0, 0, UTC)


def message(address: str, number: int, publisher: int) -> Message:
    return Message(
        id=f"dlv_{publisher}_{number}",
        channel="webhook",
        address=address,
        content=CONTENT,
        posted_at=POSTED_AT,
        secret=SECRET,
        publisher_id=publisher,
    )


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer that does not come before its caller gives up."""
    await read_request(reader)
    await reader.read()


@pytest.fixture
async def provider() -> AsyncIterator[Webhook]:
    provider = Webhook("webhook", allowed_networks=["127.0.0.0/8"], timeout=PATIENCE)
    yield provider
    await provider.close()
    await asyncio.sleep(0.1)


async def goes_out_beside_a_thousand_slow_ones(
    provider: Webhook, slow: int, address: str, publisher: int
) -> None:
    """Expect that a webhook arrives before any of a thousand slow endpoints has answered."""
    thousand = [
        message(f"http://127.0.0.1:{slow}/{number}", number, SLOW) for number in range(1000)
    ]
    reported: list[Sent] = []
    sending = asyncio.create_task(provider.send_chunk(thousand, reported.append))
    async with asyncio.timeout(PATIENCE):
        while provider.under_way <= 50:  # and then as many as it may have
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        (outcome,) = await send(provider, message(address, 0, publisher))
    assert isinstance(outcome, Accepted)
    assert not reported
    sending.cancel()


async def test_another_publishers_webhook_does_not_wait_for_slow_endpoints(
    provider: Webhook,
) -> None:
    async with listening(never) as slow, listening(answering(OK)) as fast:
        address = f"http://127.0.0.1:{fast}/"
        await goes_out_beside_a_thousand_slow_ones(provider, slow, address, FAST)


async def test_a_publishers_own_webhook_to_another_host_does_not_either(
    provider: Webhook,
) -> None:
    async with listening(never) as slow, listening(answering(OK)) as fast:
        address = f"http://127.0.0.1:{fast}/"
        await goes_out_beside_a_thousand_slow_ones(provider, slow, address, SLOW)


async def test_nor_does_one_to_the_very_host_that_is_slow_for_the_other(
    provider: Webhook,
) -> None:
    async def slow_on_most_paths(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head, _ = await read_request(reader)
        if not head.startswith("post /fast "):
            await reader.read()
        writer.write(OK)
        await writer.drain()

    async with listening(slow_on_most_paths) as slow:
        address = f"http://127.0.0.1:{slow}/fast"
        await goes_out_beside_a_thousand_slow_ones(provider, slow, address, FAST)
