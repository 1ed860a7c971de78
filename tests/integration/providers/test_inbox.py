"""The inbox, whose store is a callable."""

import threading
import time
from collections.abc import Sequence

import pytest

from notifier.messages import Content, Message
from notifier.outcomes import Accepted, Reason, Retry, Unknown
from notifier.providers.inbox import Inbox
from tests.integration.providers.contract import send

MESSAGES = [Message(f"d{n}", "inbox", f"user-{n}", Content("secret title")) for n in range(3)]


async def test_a_chunk_is_stored_in_one_go_in_a_thread() -> None:
    stored: list[Sequence[Message]] = []
    threads: list[threading.Thread] = []

    def store(messages: Sequence[Message]) -> None:
        threads.append(threading.current_thread())
        stored.append(messages)

    outcomes = await send(Inbox("inbox", store=store), *MESSAGES)
    assert outcomes == [Accepted(delivered=True)] * 3
    assert [list(messages) for messages in stored] == [MESSAGES]
    assert threads[0] is not threading.main_thread()


async def test_a_store_that_fails_is_tried_again_and_quotes_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def store(messages: Sequence[Message]) -> None:
        raise ConnectionError(f"no database for {messages[0].address}")

    outcomes = await send(Inbox("inbox", store=store), *MESSAGES)
    assert outcomes == [Retry(Reason.PROVIDER_ERROR, detail="ConnectionError")] * 3
    assert "ConnectionError" in caplog.text
    assert "user-0" not in caplog.text


async def test_a_store_that_takes_too_long_is_unknown() -> None:
    slow = Inbox("inbox", store=lambda _: time.sleep(0.5), timeout=0.1)
    outcomes = await send(slow, *MESSAGES)
    assert all(isinstance(o, Unknown) and o.reason is Reason.TIMEOUT for o in outcomes)
