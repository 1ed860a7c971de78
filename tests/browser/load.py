"""A blast that goes on: workers send all the time while pages are pressed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from notifier_client import Contact, NotifierClient, Recipient, Subscriber
from sandbox.client import SandboxClient
from stack.supervision.process import PATIENCE

TOPIC = "blast"
PEOPLE = 1_000
#: Publishes that are not done, always; seconds until the provider answers each of its calls.
UNDER_WAY, SLOW = 3, 2.0
#: The same for one that is to be sending while a page is loaded; providers have 10 s to answer.
LONG = 9.0


class Load:
    """Publishes to ``PEOPLE`` on a slow provider, again and again."""

    def __init__(self, client: NotifierClient, sandbox: SandboxClient) -> None:
        self._client = client
        self._sandbox = sandbox
        self._under_way: list[str] = []
        self._stop = threading.Event()
        self.failure: Exception | None = None

    def slow(self) -> None:
        """Make the providers slow, also after a test that healed them."""
        for provider in ("sendgrid", "smtp"):
            self._sandbox.behave(provider, "slow", seconds=SLOW)

    def begun(self) -> str:
        """The id of a notification whose sending has begun and takes some seconds more."""
        for provider in ("sendgrid", "smtp"):
            self._sandbox.behave(provider, "slow", seconds=LONG)
        posted = self._client.publish(TOPIC, title="Hello", body="World").id
        deadline = time.monotonic() + PATIENCE
        while not self._client.get_notification(posted).count("sending"):
            if time.monotonic() > deadline:
                raise AssertionError("workers do not send: the test would show nothing")
            time.sleep(0.05)
        return posted

    def sending(self) -> str:
        """The id of a notification of which some deliveries are being sent now."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.failure is not None:
                raise self.failure
            for posted in self._under_way:
                if self._client.get_notification(posted).counts.get("email", {}).get("sending"):
                    return posted
            time.sleep(0.05)
        raise AssertionError("workers do not send: the test would show nothing")

    def _publish(self) -> None:
        try:
            while not self._stop.is_set():
                found = map(self._client.get_notification, self._under_way)
                under_way = [one.id for one in found if one.state == "sending"]
                if len(under_way) < UNDER_WAY:
                    posted = self._client.publish(TOPIC, title="Hello", body="World")
                    under_way.append(posted.id)
                self._under_way = under_way
                self._stop.wait(0.3)
        except Exception as error:  # raised where a test waits for the load
            self.failure = error

    @contextmanager
    def running(self) -> Iterator["Load"]:
        people = [
            Recipient(f"many-{number}", contacts=[Contact("email", f"many-{number}@example.com")])
            for number in range(PEOPLE)
        ]
        self._client.upsert_recipients(people)
        self._client.create_topic(TOPIC)
        requests = [Subscriber(user_id=person.user_id, channels=["email"]) for person in people]
        self._client.subscribe_many(TOPIC, requests)
        self.slow()
        thread = threading.Thread(target=self._publish, name="load")
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()
            self._sandbox.heal()
            self._end()

    def _end(self) -> None:
        """Leave nothing that fails, and opens breakers, once later tests break the providers."""
        left = [one.id for one in self._client.list_notifications() if not one.done]
        for posted in left:
            self._client.cancel(posted)
        for posted in left:
            self._client.wait(posted, PATIENCE)
