"""The inbox's provider, which stores items by a callable."""

import threading
from collections.abc import Sequence

import pytest

from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Accepted, Reason, Retry, Unknown
from notifier.providers.inbox import Inbox
from notifier.transport.http import NotWritten
from tests.support.provider_contract import send

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


async def test_a_store_that_fails_is_tried_again() -> None:
    def store(messages: Sequence[Message]) -> None:
        raise NotWritten("OperationalError")

    outcomes = await send(Inbox("inbox", store=store), *MESSAGES)
    assert outcomes == [Retry(Reason.PROVIDER_ERROR, detail="OperationalError")] * 3


async def test_a_message_that_cannot_be_stored_is_tried_again_alone_and_quotes_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stored: list[Message] = []

    def store(messages: Sequence[Message]) -> None:
        if MESSAGES[1] in messages:
            raise ValueError(f"no such person: {MESSAGES[1].address}")
        stored.extend(messages)

    outcomes = await send(Inbox("inbox", store=store), *MESSAGES)
    done = Accepted(delivered=True)
    assert outcomes == [done, Retry(Reason.INTERNAL, detail="ValueError"), done]
    assert stored == [MESSAGES[0], MESSAGES[2]]
    assert "ValueError" in caplog.text
    assert "user-1" not in caplog.text


async def test_a_store_that_takes_too_long_is_unknown() -> None:
    told = threading.Event()
    slow = Inbox("inbox", store=lambda _: told.wait(), timeout=0.1)
    try:
        outcomes = await send(slow, *MESSAGES)
    finally:
        told.set()
    assert all(isinstance(o, Unknown) and o.reason is Reason.TIMEOUT for o in outcomes)
