"""A call is over within its stated time, whatever the service does: servers on real sockets.

The calls do little but wait, so they are made at once, and each test looks at its own.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import pytest

from notifier_client import ConnectionFailed, NotifierClient, NotifierError, StillSending
from tests.support.fakes.scripted_api import (
    DRIPPING_BODY,
    DRIPPING_HEADER,
    HANG_UP,
    SILENCE,
    Script,
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
UNFINISHED = (SILENCE, DRIPPING_HEADER, DRIPPING_BODY)
TIMES = ((0.5, 0.0), (0.3, 1.5))
KINDS = (NotifierClient, Awaiting)

both = pytest.mark.parametrize("kind", KINDS)


class Ended(NamedTuple):
    """A call that failed: how, after how many seconds, and after how many requests."""

    error: NotifierError
    seconds: float
    requests: int


def failing(call: Callable[[], Any], script: Script) -> Ended:
    began = time.monotonic()
    with pytest.raises(NotifierError) as raised:
        call()
    return Ended(raised.value, time.monotonic() - began, len(script.seen))


def publishing(kind: Any, *steps: Any, timeout: float, retry_for: float) -> Ended:
    with serving(*steps) as script:
        with kind(script.url, "ntf_key", timeout=timeout, retry_for=retry_for) as notifier:
            return failing(lambda: notifier.publish("news", body="Hello"), script)


def publishing_where_nothing_listens(kind: Any) -> Ended:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and no other server of these tests can have its port
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with kind(url, "ntf_key", timeout=0.5, retry_for=0.5) as notifier:
            return failing(lambda: notifier.publish("news", body="Hello"), Script([]))


def waiting(kind: Any, step: str) -> Ended:
    with serving((200, SENDING), step) as script:
        with kind(script.url, "ntf_key", timeout=LONG, retry_for=LONG) as notifier:
            return failing(lambda: notifier.wait("0199", timeout=1.0), script)


def asking_again(kind: Any) -> list[str]:
    states = []
    with serving((200, SENDING)) as script:
        with kind(script.url, "ntf_key", timeout=1.5, retry_for=0.0) as notifier:
            for _ in range(4):
                states.append(notifier.get_notification("0199").state)
                time.sleep(0.55)
    return states


CALLS: dict[tuple[Any, ...], Callable[[], Any]] = {
    (kind, step, *times): partial(publishing, kind, step, timeout=times[0], retry_for=times[1])
    for kind, step, times in product(KINDS, UNFINISHED, TIMES)
}
for _kind in KINDS:
    CALLS |= {
        (_kind, "last repetition"): partial(
            publishing, _kind, (503, "down"), SILENCE, timeout=1.5, retry_for=1.5
        ),
        (_kind, "refused"): partial(publishing_where_nothing_listens, _kind),
        (_kind, "hung up"): partial(publishing, _kind, HANG_UP, timeout=0.5, retry_for=0.5),
        (_kind, "waiting", SILENCE): partial(waiting, _kind, SILENCE),
        (_kind, "waiting", DRIPPING_BODY): partial(waiting, _kind, DRIPPING_BODY),
        (_kind, "again"): partial(asking_again, _kind),
    }


@pytest.fixture(scope="module")
def calls() -> Iterator[dict[tuple[Any, ...], Future[Any]]]:
    """What each of these calls came to: all of them begin together."""
    with ThreadPoolExecutor(len(CALLS)) as pool:
        yield {name: pool.submit(call) for name, call in CALLS.items()}


@both
@pytest.mark.parametrize("step", UNFINISHED)
@pytest.mark.parametrize(("timeout", "retry_for"), TIMES)
def test_a_service_that_does_not_finish_its_answer_is_given_up_in_time(
    calls: Any, kind: Any, step: str, timeout: float, retry_for: float
) -> None:
    ended = calls[kind, step, timeout, retry_for].result()
    assert isinstance(ended.error, ConnectionFailed)
    assert 0.2 <= ended.seconds < max(timeout, retry_for) + SLACK
    assert ended.requests >= (2 if retry_for else 1)


@both
def test_the_last_repetition_has_only_the_time_that_is_left(calls: Any, kind: Any) -> None:
    ended = calls[kind, "last repetition"].result()
    assert ended.requests == 2
    assert ended.seconds < 1.5 + SLACK


@both
def test_a_service_that_refuses_connections_is_given_up_in_time(calls: Any, kind: Any) -> None:
    ended = calls[kind, "refused"].result()
    assert isinstance(ended.error, ConnectionFailed)
    assert "does not answer" in str(ended.error)
    assert ended.seconds < 0.5 + SLACK


@both
def test_a_service_that_hangs_up_each_time_is_given_up_in_time(calls: Any, kind: Any) -> None:
    ended = calls[kind, "hung up"].result()
    assert isinstance(ended.error, ConnectionFailed)
    assert ended.seconds < 0.5 + SLACK


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
        look_up = socket.getaddrinfo
        known = look_up(host, port, type=socket.SOCK_STREAM)

        def resolve(name: Any, *arguments: Any, **options: Any) -> Any:
            if name == "notifier.example.com":
                return known * 50
            return look_up(name, *arguments, **options)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        url = f"http://notifier.example.com:{port}"
        with NotifierClient(url, "ntf_key", timeout=0.5, retry_for=0.0) as notifier:
            began = time.monotonic()
            with pytest.raises(ConnectionFailed) as raised:
                notifier.create_topic("news")
    assert 0.4 <= time.monotonic() - began < 0.5 + SLACK
    assert raised.value.type == "not-connected"


@both
@pytest.mark.parametrize("step", [SILENCE, DRIPPING_BODY])
def test_waiting_ends_in_time_though_the_service_stops_answering(
    calls: Any, kind: Any, step: str
) -> None:
    ended = calls[kind, "waiting", step].result()
    assert isinstance(ended.error, StillSending)
    assert "0199 is sending" in str(ended.error)
    assert 0.5 <= ended.seconds < 1.0 + SLACK


@both
def test_a_connection_that_is_used_again_has_the_whole_time_again(calls: Any, kind: Any) -> None:
    assert calls[kind, "again"].result() == ["sending"] * 4
