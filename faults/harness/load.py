"""The load during a fault: published through the API, recorded, and repeated until accepted."""

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

#: One-time codes per second, on sms with high priority, and the number of senders.
CODES_PER_SECOND = 10
SENDERS = 2
PHONE = "+4366012345678"
#: Seconds within which a request, repeated under its key, must be answered.
ANSWERED = 60.0
#: Seconds to wait for the answer of one try.
WAIT = 10.0
#: Seconds until the expiry of the notification that expires during the blast; longer where its
#: acceptance took as long.
EXPIRY = (2.5, 10.0, 40.0)
#: Statuses to repeat a request after: still being answered, slow down, no database.
EXCUSES = frozenset({409, 429, 503})
#: Kind of a notification to one inbox, which no provider receives.
ITEM = "item"
_numbers = itertools.count()


@dataclass(slots=True)
class Posted:
    """A notification that was accepted, and the size of its audience."""

    id: str
    kind: str
    audience: int
    expires_at: float | None = None
    #: The time at which the cancel was answered, in unix seconds.
    cancelled_at: float | None = None
    #: The deliveries that were being sent by then, and could not be recalled.
    sending: frozenset[str] = frozenset()


class Refused(StackError):
    """A request was refused with a 4xx that is not repeated."""


class Audiences:
    """Topics and a recipient, created once and used by every fault."""

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
        """Return a topic with ``size`` people on this channel, push or sms."""
        if (channel, size) not in self._made:
            self._made[channel, size] = self._make(size, channel)
        return self._made[channel, size]

    def addresses(self, size: int) -> list[str]:
        """Return the push tokens of a topic's people."""
        topic = self.topic(size)
        return [push_token(f"{topic}-{n}") for n in range(size)]

    def capped(self, size: int, most: int) -> str:
        """Return a new topic of ``size`` people on push who want at most so many a day."""
        topic = f"push-capped-{next(_numbers)}"
        caps = [{"channel": "push", "limit": most, "per": "day"}]
        self._fill(topic, size, "push", frequency_caps=caps)
        return topic

    def inboxes(self, size: int) -> list[str]:
        """Return people without any address."""
        people = [f"inbox-{number}" for number in range(size)]
        rows = [{"user_id": name} for name in people]
        self._service.call("POST", "/v1/recipients/bulk", {"recipients": rows}, wait=60)
        return people

    def _make(self, size: int, channel: str) -> str:
        topic = f"{channel}-{size}"
        self._fill(topic, size, channel)
        return topic

    def _fill(self, topic: str, size: int, channel: str, **fields: Any) -> None:
        self._service.call("POST", "/v1/topics", {"name": topic})
        for start in range(0, size, 1000):
            numbers = range(start, min(size, start + 1000))
            self._service.call(
                "POST",
                "/v1/recipients/bulk",
                {"recipients": [_person(topic, n, channel) | fields for n in numbers]},
                wait=60,
            )
            people = [{"user_id": f"{topic}-{n}", "channels": [channel]} for n in numbers]
            self._service.call(
                "POST", f"/v1/topics/{topic}/subscriptions", {"subscriptions": people}, wait=60
            )


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
    """Return the phone number of the person with this number, the same in all topics."""
    return f"+43660{2_000_000 + number}"


def written(at: float) -> str:
    """Format a time in unix seconds for a request."""
    return datetime.fromtimestamp(at, UTC).isoformat()


class Load:
    """The load of one trial. ``posted``: all notifications that were answered with 202.

    ``codes``: when each one-time code was requested; codes are sent until ``stop``.
    """

    def __init__(self, service: Service, audiences: Audiences, rng: random.Random) -> None:
        self.posted: dict[str, Posted] = {}
        self.problems: list[str] = []
        #: Sentences on what took longer than its bar.
        self.late: list[str] = []
        #: The number of requests that were answered with 503.
        self.refused = 0
        self._service = service
        self._audiences = audiences
        self._rng = rng
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def publish(self, topic: str, audience: int, kind: str = "blast", **fields: Any) -> Posted:
        """Publish to a topic, repeating the request until it is answered."""
        body = {"content": {"title": "Hi"}, "channels": [topic.partition("-")[0]], **fields}
        return self._post(f"/v1/topics/{topic}/publish", body, kind, audience)

    def blast(self, size: int, channel: str = "push", **fields: Any) -> Posted:
        """Publish to ``size`` people."""
        return self.publish(self._audiences.topic(size, channel), size, **fields)

    def item(self, user_id: str, **data: Any) -> Posted:
        """Put an item into somebody's inbox, at high priority."""
        body = {
            "user_id": user_id,
            "channels": ["inbox"],
            "priority": "high",
            "content": {"title": "New", "data": data},
        }
        return self._post("/v1/notifications", body, ITEM, 1)

    def know(self, notification: str, kind: str, audience: int) -> None:
        """Record a notification that was published elsewhere."""
        self.posted[notification] = Posted(notification, kind, audience)

    def start_codes(self, per_second: int = CODES_PER_SECOND) -> None:
        """Start sending so many one-time codes per second."""
        for number in range(SENDERS):
            self._run(partial(self._send_codes, number, per_second))

    def publish_and_cancel(self, size: int) -> None:
        """Publish a notification, and cancel it after a short while."""
        doomed = self.publish(self._audiences.topic(size), size, "cancelled", priority="low")
        pause = self._rng.uniform(0.2, 1.2)
        self._run(partial(self._cancel, doomed, pause))

    def expiring(self, size: int, channel: str = "push") -> Posted:
        """Publish a notification that expires in two or three seconds."""
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
        """Stop sending codes, and wait for outstanding answers."""
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
        """Return the answer of a request, repeated under the same key as publishers should."""
        began = time.monotonic()
        while True:
            try:
                answer = self._service.call(method, path, body, idempotency_key=key, wait=WAIT)
            except urllib.error.HTTPError as error:
                if error.code not in EXCUSES:
                    text = f"{path} was answered {error.code}: {error.read(300)!r}"
                    raise Refused(text) from None
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
