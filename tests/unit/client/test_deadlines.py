"""A call is over within its stated time, whatever the service does: servers on real sockets."""

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from notifier_client import ConnectionFailed, NotifierClient, NotifierError, StillSending
from tests.support.fakes.scripted_api import (
    DRIPPING_BODY,
    DRIPPING_HEADER,
    HANG_UP,
    SILENCE,
    serving,
)
from tests.support.publishers.awaited_client import Awaiting

#: What a busy machine may take beside a call's own time.
SLACK = 10.0
#: Far more than that: a client that begins its time anew would be seen.
LONG = 60.0
SENDING = {
    "id": "0199",
    "state": "sending",
    "priority": "normal",
    "channels": ["sms"],
    "created_at": "2026-11-22T10:00:00Z",
}

both = pytest.mark.parametrize("kind", [NotifierClient, Awaiting])


@contextlib.contextmanager
def ending(least: float, most: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert least <= time.monotonic() - began < most + SLACK


@both
@pytest.mark.parametrize("step", [SILENCE, DRIPPING_HEADER, DRIPPING_BODY])
@pytest.mark.parametrize(("timeout", "retry_for"), [(0.5, 0.0), (0.2, 0.7)])
def test_a_service_that_does_not_finish_its_answer_is_given_up_in_time(
    kind: Any, step: str, timeout: float, retry_for: float
) -> None:
    with serving(step) as script:
        with kind(script.url, "ntf_key", timeout=timeout, retry_for=retry_for) as notifier:
            with ending(0.2, max(timeout, retry_for)), pytest.raises(ConnectionFailed):
                notifier.publish("news", body="Hello")
    assert len(script.seen) >= (2 if retry_for else 1)


@both
def test_the_last_repetition_has_only_the_time_that_is_left(kind: Any) -> None:
    with serving((503, "down"), SILENCE) as script:
        with kind(script.url, "ntf_key", timeout=1.0, retry_for=1.0) as notifier:
            began = time.monotonic()
            with pytest.raises(NotifierError):
                notifier.publish("news", body="Hello")
    assert len(script.seen) == 2
    assert time.monotonic() - began < 1.0 + SLACK


@both
def test_a_service_that_refuses_connections_is_given_up_in_time(kind: Any) -> None:
    with serving((200, {})) as script:
        pass
    with kind(script.url, "ntf_key", timeout=0.5, retry_for=0.5) as notifier:
        with ending(0, 0.5), pytest.raises(ConnectionFailed, match="does not answer"):
            notifier.publish("news", body="Hello")


@both
def test_a_service_that_hangs_up_each_time_is_given_up_in_time(kind: Any) -> None:
    with serving(HANG_UP) as script:
        with kind(script.url, "ntf_key", timeout=0.5, retry_for=0.5) as notifier:
            with ending(0, 0.5), pytest.raises(ConnectionFailed):
                notifier.publish("news", body="Hello")


@contextlib.contextmanager
def full() -> Iterator[tuple[str, int]]:
    """A listener whose queue is full: it takes no connection, and refuses none."""
    with socket.socket() as listener, contextlib.ExitStack() as queue:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()


def test_all_addresses_of_a_host_are_tried_within_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with full() as (host, port):
        known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

        def resolve(name: Any, *arguments: Any, **options: Any) -> Any:
            return known * (20 if name == "notifier.example.com" else 1)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        url = f"http://notifier.example.com:{port}"
        with NotifierClient(url, "ntf_key", timeout=1.0, retry_for=0.0) as notifier:
            with ending(0.9, 1.0), pytest.raises(ConnectionFailed) as raised:
                notifier.create_topic("news")
    assert raised.value.type == "not-connected"


@both
@pytest.mark.parametrize("step", [SILENCE, DRIPPING_BODY])
def test_waiting_ends_in_time_though_the_service_stops_answering(kind: Any, step: str) -> None:
    with serving((200, SENDING), step) as script:
        with kind(script.url, "ntf_key", timeout=LONG, retry_for=LONG) as notifier:
            with ending(0.5, 1.0), pytest.raises(StillSending, match="0199 is sending"):
                notifier.wait("0199", timeout=1.0)


@both
def test_a_connection_that_is_used_again_has_the_whole_time_again(kind: Any) -> None:
    with serving((200, SENDING)) as script:
        with kind(script.url, "ntf_key", timeout=0.5, retry_for=0.0) as notifier:
            for _ in range(4):
                assert notifier.get_notification("0199").state == "sending"
                time.sleep(0.2)
