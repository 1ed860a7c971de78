"""The load that a fault comes upon: known, published through the API, and never given up."""

import itertools
import random
import threading
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from faults.harness.service import Service, push_token, until
from stack.errors import StackError
from stack.supervision.process import PATIENCE

#: One-time codes a second, on sms with high priority, from so many senders.
CODES_PER_SECOND = 10
SENDERS = 2
PHONE = "+4366012345678"
#: An unanswered request is repeated, under its key; it is answered within so many seconds.
ANSWERED = 60.0
#: Seconds that a single one of them is waited for.
WAIT = 10.0
#: Seconds until what expires in the middle of the blast does; longer where accepting took as long.
EXPIRY = (2.5, 10.0, 40.0)
#: Still being answered; slow down; no database.
EXCUSES = frozenset({409, 429, 503})
_numbers = itertools.count()


@dataclass(slots=True)
class Posted:
    """A notification that was accepted, and how many deliveries it stands for."""

    id: str
    kind: str
    audience: int
    expires_at: float | None = None
    #: When the cancel was answered, in unix seconds.
    cancelled_at: float | None = None
    #: The deliveries that were being sent by then, and could not be called back.
    sending: frozenset[str] = frozenset()


class Refused(StackError):
    """A request was answered as its caller's mistake."""


class Audiences:
    """Topics and a recipient, made once and published to by every fault."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._made: dict[tuple[str, int], str] = {}
        self.person = "ada"
        service.call(
            "PUT",
            f"/v1/recipients/{self.person}",
            {"contacts": [{"channel": "sms", "address": PHONE}]},
        )

    def topic(self, size: int, channel: str = "push") -> str:
        """A topic with so many people on this channel, push or sms."""
        if (channel, size) not in self._made:
            self._made[channel, size] = self._make(size, channel)
        return self._made[channel, size]

    def addresses(self, size: int) -> list[str]:
        """The push tokens of a topic's people."""
        topic = self.topic(size)
        return [push_token(f"{topic}-{n}") for n in range(size)]

    def _make(self, size: int, channel: str) -> str:
        topic = f"{channel}-{size}"
        self._service.call("POST", "/v1/topics", {"name": topic})
        for start in range(0, size, 1000):
            numbers = range(start, min(size, start + 1000))
            self._service.call(
                "POST",
                "/v1/recipients/bulk",
                {"recipients": [_person(topic, number, channel) for number in numbers]},
                wait=60,
            )
            people = [{"user_id": f"{topic}-{n}", "channels": [channel]} for n in numbers]
            self._service.call(
                "POST", f"/v1/topics/{topic}/subscriptions", {"subscriptions": people}, wait=60
            )
        return topic


def _person(topic: str, number: int, channel: str) -> dict[str, Any]:
    user_id = f"{topic}-{number}"
    if channel == "push":
        return {
            "user_id": user_id,
            "devices": [{"platform": "android", "token": push_token(user_id)}],
        }
    return {
        "user_id": user_id,
        "contacts": [{"channel": channel, "address": phone(number)}],
    }


def phone(number: int) -> str:
    """Where the people with this number of all topics are reached by SMS."""
    return f"+43660{2_000_000 + number}"


def written(at: float) -> str:
    """A time in unix seconds as a request says it."""
    return datetime.fromtimestamp(at, UTC).isoformat()


class Load:
    """What one trial publishes. ``posted`` is everything that was answered with 202.

    ``codes`` says when each one-time code was asked for; they go on until ``stop``.
    """

    def __init__(self, service: Service, audiences: Audiences, rng: random.Random) -> None:
        self.posted: dict[str, Posted] = {}
        self.problems: list[str] = []
        #: What took longer than its bar.
        self.late: list[str] = []
        #: Requests that were answered 503.
        self.refused = 0
        self._service = service
        self._audiences = audiences
        self._rng = rng
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def publish(self, topic: str, audience: int, kind: str = "blast", **fields: Any) -> Posted:
        """Publish to a topic of so many; repeated until it is answered."""
        body = {"content": {"title": "Hi"}, "channels": [topic.partition("-")[0]], **fields}
        return self._post(f"/v1/topics/{topic}/publish", body, kind, audience)

    def blast(self, size: int, channel: str = "push", **fields: Any) -> Posted:
        """Publish to so many people."""
        return self.publish(self._audiences.topic(size, channel), size, **fields)

    def know(self, notification: str, kind: str, audience: int) -> None:
        """Somebody else published this one."""
        self.posted[notification] = Posted(notification, kind, audience)

    def start_codes(self, per_second: int = CODES_PER_SECOND) -> None:
        """From now on, people ask for so many one-time codes a second."""
        for number in range(SENDERS):
            self._run(partial(self._send_codes, number, per_second))

    def publish_and_cancel(self, size: int) -> None:
        """Publish something and cancel it before long."""
        doomed = self.publish(self._audiences.topic(size), size, "cancelled", priority="low")
        pause = self._rng.uniform(0.2, 1.2)
        self._run(partial(self._cancel, doomed, pause))

    def expiring(self, size: int, channel: str = "push") -> Posted:
        """Publish something that is worth nothing in two seconds or three."""
        topic = self._audiences.topic(size, channel)
        for seconds in EXPIRY:
            expires_at = time.time() + self._rng.uniform(0.8, 1.2) * seconds
            text = written(expires_at)
            try:
                posted = self.publish(topic, size, "expiring", priority="low", expires_at=text)
            except Refused:
                if time.time() < expires_at or seconds == EXPIRY[-1]:
                    raise
            else:
                posted.expires_at = expires_at
                return posted
        raise AssertionError("the last one was refused")

    def stop(self) -> None:
        """No more codes; wait for the answers that are still to come."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _run(self, work: Callable[[], None]) -> None:
        def noted() -> None:
            try:
                work()
            except (StackError, OSError) as error:
                self.problems.append(str(error))

        thread = threading.Thread(target=noted, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _send_codes(self, number: int, per_second: int) -> None:
        began = time.monotonic() + number / per_second
        for turn in itertools.count():
            due = began + turn * SENDERS / per_second
            if self._stopped.wait(max(0.0, due - time.monotonic())):
                return
            body = {
                "user_id": self._audiences.person,
                "channels": ["sms"],
                "priority": "high",
                "content": {"body": "123 456"},
            }
            self._post("/v1/notifications", body, "code", 1)

    def _cancel(self, doomed: Posted, pause: float) -> None:
        time.sleep(pause)
        self.call_until_answered("POST", f"/v1/notifications/{doomed.id}/cancel", None, "")
        doomed.cancelled_at = time.time()
        until(lambda: self._note_sending(doomed), "the database says what is being sent")

    def _note_sending(self, doomed: Posted) -> bool:
        doomed.sending = frozenset(
            row[0]
            for row in self._service.sql(
                "SELECT id::text FROM delivery_delivery "
                "WHERE notification_id = %s AND state = 'sending'",
                doomed.id,
            )
        )
        return True

    def _post(self, path: str, body: dict[str, Any], kind: str, audience: int) -> Posted:
        answer = self.call_until_answered("POST", path, body, f"fault-{next(_numbers)}")
        return self.posted.setdefault(answer["id"], Posted(answer["id"], kind, audience))

    def call_until_answered(self, method: str, path: str, body: Any, key: str) -> Any:
        """The answer, asked for again as a careful publisher does, always under the same key."""
        began = time.monotonic()
        while True:
            try:
                answer = self._service.call(method, path, body, idempotency_key=key, wait=WAIT)
            except urllib.error.HTTPError as error:
                if error.code not in EXCUSES:
                    said = f"{path} was answered {error.code}: {error.read(300)!r}"
                    raise Refused(said) from None
                self.refused += error.code == HTTPStatus.SERVICE_UNAVAILABLE
                failed: OSError = error
            except OSError as error:
                failed = error
            else:
                if (took := time.monotonic() - began) > ANSWERED:
                    self.late.append(f"{path} had no answer for {took:.0f} s")
                return answer
            if time.monotonic() - began > PATIENCE:
                raise StackError(f"{path} had no answer for {PATIENCE:g} s: {failed}")
            time.sleep(0.1)
