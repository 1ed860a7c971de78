"""The demo's scenario, through the public API. Each step prints what it did."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from notifier_client import (
    Delivery,
    Device,
    Draft,
    InvalidRequest,
    Notification,
    NotifierClient,
    Preference,
    Recipient,
)
from sandbox.client import SandboxClient
from stack.demo.crowd import PHONE_EVERY, Crowd
from stack.demo.faults import Fault, became, faults
from stack.demo.features import Features
from stack.demo.narrator import Narrator

#: One-time passwords during the blast: the number of senders, seconds between two of one sender,
#: and the least number in all.
OTP_SENDERS = 4
OTP_REST = 0.1
OTP_LEAST = 100
#: Seconds for everything to be sent, retries included.
PATIENCE = 60.0
#: Seconds for a receipt to arrive and be processed after that.
RECEIPT_PATIENCE = 10.0


class Scenario:
    """The scenario.

    ``client``: publishes; ``directory``: registers people; ``run``: part of the names of this run's
    topics and people. ``reasons`` gets a sentence for everything that is not as expected.
    """

    def __init__(
        self,
        client: NotifierClient,
        directory: NotifierClient,
        sandbox: SandboxClient,
        webhook_url: str,
        narrator: Narrator,
        features: Features,
        *,
        run: str,
        subscribers: int,
    ) -> None:
        self.reasons: list[str] = []
        self._client = client
        self._directory = directory
        self._sandbox = sandbox
        self._webhook_url = webhook_url
        self._say = narrator.say
        self._features = features
        self._run = run
        self._crowd = Crowd(run, subscribers)
        self._ada = f"ada-{run}"
        self._security = f"security-{run}"
        self._orders = f"orders-{run}"
        self._offers = f"offers-{run}"
        self._faults = {f"{fault.name}-{run}": fault for fault in faults(webhook_url)}

    def play(self) -> str:
        """Play all steps. Returns the blast's notification id."""
        self._create_topics()
        self._register_ada()
        self._register_crowd()
        self._publish_at_normal_and_high()
        self._replay()
        self._take_back()
        self._features.play(self._say, self._expect)
        troubled = self._meet_faults()
        blast = self._blast_with_passwords()
        self._look_at_faults(troubled)
        return blast

    # -- Before anything is sent --------------------------------------------------------------

    def _create_topics(self) -> None:
        create = self._client.create_topic
        create(
            self._security, display_name="Security notices", mandatory=True, default_priority="high"
        )
        create(self._orders, display_name="Your orders", category="orders")
        create(self._offers, display_name="Offers", category="marketing", default_priority="low")
        self._say(
            "created 3 topics: security notices (mandatory), orders, offers (category marketing)"
        )

    def _register_ada(self) -> None:
        """Register one person as an app would, an address at a time."""
        ada, directory = self._ada, self._directory
        directory.upsert_recipient(ada, locale="de-AT", time_zone="Europe/Vienna")
        directory.add_device(ada, "ios", f"0{self._run}{'a' * (63 - len(self._run))}")
        directory.add_device(ada, "android", f"token-{self._run}-adas-android-phone")
        directory.add_device(ada, "web", f"token-{self._run}-adas-browser-0000")
        directory.add_contact(ada, "sms", "+12025550123")
        directory.add_contact(ada, "email", "ada@example.com")
        hook = directory.add_contact(ada, "webhook", f"{self._webhook_url}/ada")
        if hook.secret:
            self._sandbox.register_webhook("ada", hook.secret)
        self._client.subscribe(
            self._orders, user_id=ada, channels=["push", "sms", "email", "webhook", "inbox"]
        )
        self._client.subscribe(self._orders, channel="email", address="warehouse@example.com")
        self._say(
            "registered ada: iOS, Android and web devices, phone, email, signed webhook, inbox"
        )

    def _register_crowd(self) -> None:
        crowd, client = self._crowd, self._client
        written = self._directory.upsert_recipients(crowd.people())
        self._expect_none("recipients", [r.problem for r in written if r.problem])
        self._say(f"registered {crowd.size:,} more recipients in calls of 1,000")
        joined = client.subscribe_many(self._offers, crowd.subscribers("push", "email", "inbox"))
        self._expect_none("subscriptions", [r.problem for r in joined if r.problem])
        total = sum(len(result.subscriptions) for result in joined)
        self._say(
            f"subscribed them to offers on push, email and inbox, 1 in {PHONE_EVERY} on sms too: "
            f"{total:,}"
        )
        refusing = crowd.refusing()
        for user_id in refusing[:3]:
            self._directory.set_preferences(user_id, [Preference(False)])
        client.subscribe(self._security, user_id=refusing[0], channels=["push", "email"])
        ended = client.unsubscribe(self._offers, user_id=crowd.user_id(0), channels=["email"])
        self._expect(ended == 1, f"unsubscribing from one channel ended {ended} subscriptions")
        self._say(
            f"{len(refusing):,} of them refuse marketing, 3 refuse everything; "
            "one left the offers on email"
        )

    # -- Publish ------------------------------------------------------------------------------

    def _publish_at_normal_and_high(self) -> None:
        order = self._client.publish(
            self._orders, title="Order 7", body="It is on its way.", collapse_key="order-7"
        )
        deliveries = self._all(order)
        states = {delivery.state for delivery in deliveries}
        self._expect(
            len(deliveries) == 8 and states == {"accepted", "delivered"},
            f"the order update had {len(deliveries)} deliveries: {', '.join(sorted(states))}",
        )
        self._say(
            f"published an order update (normal): {len(deliveries)} deliveries, to all of ada's "
            "addresses"
        )
        notice = self._client.publish(self._security, title="New sign-in", body="From Vienna.")
        states = {delivery.state for delivery in self._all(notice)}
        self._expect(states <= {"accepted", "delivered"}, f"the mandatory notice was {states}")
        self._say("published a security notice (high): it reaches one who refuses everything")

    def _replay(self) -> None:
        """Repeat a request under its idempotency key, and send another one under the same key."""
        key = f"order-8-{self._run}"

        def post(body: str) -> Notification:
            return self._client.notify_users(
                [self._ada], title="Order 8", body=body, channels=["inbox"], idempotency_key=key
            )

        first, second = post("Paid."), post("Paid.")
        self._expect(
            second.replayed and first.id == second.id and len(self._all(first)) == 1,
            "the same idempotency key made another notification",
        )
        try:
            post("Not paid.")
            self.reasons.append("an idempotency key was taken for another request")
        except InvalidRequest as error:
            self._expect(error.type == "idempotency-mismatch", error.detail)
        self._say("replayed an idempotency key: sent once; with another body it is refused (422)")

    def _take_back(self) -> None:
        later = datetime.now(UTC) + timedelta(hours=1)
        posted = self._client.notify_users([self._ada], body="Reminder", send_at=later)
        cancelled = self._client.cancel(posted.id)
        self._expect(
            (posted.state, cancelled.state) == ("scheduled", "cancelled"),
            f"a scheduled notification was {posted.state}, then {cancelled.state}",
        )
        self._say("scheduled a notification for later and cancelled it")

    # -- Faults and load ---------------------------------------------------------------------

    def _meet_faults(self) -> dict[str, Notification]:
        """Publish to everybody behind a failing provider; checked at the end."""
        people = [
            Recipient(
                user_id,
                devices=[fault.address] if isinstance(fault.address, Device) else [],
                contacts=[] if isinstance(fault.address, Device) else [fault.address],
            )
            for user_id, fault in self._faults.items()
        ]
        written = self._directory.upsert_recipients(people)
        self._expect_none("recipients", [r.problem for r in written if r.problem])
        results = self._client.notify_batch(
            [
                Draft(user_ids=[user_id], title="Hello", body="Hello?", channels=[fault.channel])
                for user_id, fault in self._faults.items()
            ]
        )
        self._expect_none("notifications", [r.problem for r in results if r.problem])
        self._say(
            f"posted a batch of {len(results)} to misbehaving providers: "
            "429, 500, 503, a dead token, no answer"
        )
        return {
            user_id: result.notification
            for user_id, result in zip(self._faults, results, strict=True)
            if result.notification
        }

    def _blast_with_passwords(self) -> str:
        """Send a low-priority blast, and one-time passwords meanwhile."""
        blast = self._client.publish(
            self._offers,
            title="Half price",
            body="Everything, until Sunday.",
            actions={"See": "https://shop.example.com/sale"},
            data={"campaign": "sunday"},
        )
        self._say("published offers (low); sending one-time passwords (high) meanwhile")
        with _Passwords(self._client, self._crowd.with_phone()) as passwords:
            passwords.start()
            printed_at = time.monotonic()
            while not (now := self._client.get_notification(blast.id)).done:
                self._check_patience(now)
                if time.monotonic() - printed_at >= 1:
                    printed_at = time.monotonic()
                    self._say(
                        f"   offers: {_through(now):,} deliveries done, "
                        f"one-time passwords: {len(passwords.posted)} accepted"
                    )
                time.sleep(0.2)
            posted = passwords.finish()
        for one in posted:
            found = self._client.wait(one.id, PATIENCE)
            self._expect(
                found.count("accepted") + found.count("delivered") == 1,
                f"a one-time password became {dict(found.counts)}",
            )
        refused = [
            delivery.reason for delivery in self._client.deliveries(blast.id, state="suppressed")
        ]
        self._expect(
            refused.count("preference") == len(refused) > 0,
            f"of the offers {len(refused)} deliveries were suppressed, "
            f"{refused.count('preference')} of them by preference",
        )
        self._say(
            f"offers: {_through(now):,} deliveries done, {len(refused):,} refused by preference; "
            f"{len(posted)} passwords went past"
        )
        return blast.id

    def _look_at_faults(self, posted: dict[str, Notification]) -> None:
        self._say("what became of the batch, attempt by attempt:")
        for user_id, fault in self._faults.items():
            self._client.wait(posted[user_id].id, PATIENCE)
            delivery = self._judged(posted[user_id], fault)
            mismatch = fault.mismatch(delivery)
            self._expect(not mismatch, mismatch)
            self._say(f"   {fault.channel:<8} {fault.story:<37} {became(delivery)}")
        gone = next(user_id for user_id, fault in self._faults.items() if fault.name == "gone")
        again = self._client.notify_users([gone], title="Still there?", channels=["push"])
        [delivery] = self._all(again)
        self._expect(
            (delivery.state, delivery.reason, delivery.attempts)
            == ("suppressed", "no_address", ()),
            f"a dead token was used again: {delivery.state} {delivery.reason}",
        )
        self._say("   push     the dead token again: its device is disabled, nothing was sent")

    # -- How it is judged ---------------------------------------------------------------------

    def _all(self, posted: Notification) -> list[Delivery]:
        """Return the notification's deliveries once it is done."""
        self._client.wait(posted.id, PATIENCE)
        return list(self._client.deliveries(posted.id))

    def _judged(self, posted: Notification, fault: Fault) -> Delivery:
        """Return the notification's only delivery once it is as expected, or stays otherwise."""
        deadline = time.monotonic() + RECEIPT_PATIENCE
        while True:
            [delivery] = self._client.deliveries(posted.id)
            as_it_must_be = not fault.mismatch(delivery)
            if as_it_must_be or not fault.may_come(delivery) or time.monotonic() > deadline:
                return delivery
            time.sleep(0.1)

    def _expect(self, true: bool, otherwise: str) -> None:
        if not true:
            self.reasons.append(otherwise)

    def _expect_none(self, what: str, problems: Sequence[Any]) -> None:
        self._expect(not problems, f"{len(problems)} {what} were refused: {problems[:1]}")

    def _check_patience(self, now: Notification) -> None:
        if (datetime.now(UTC) - now.created_at).total_seconds() > PATIENCE:
            raise TimeoutError(f"After {PATIENCE:g} s the offers stand at {dict(now.counts)}.")


class _Passwords:
    """Sends one-time passwords by text message, from its own threads, until the block ends."""

    def __init__(self, client: NotifierClient, user_ids: Sequence[str]) -> None:
        self.posted: list[Notification] = []
        self._client = client
        self._user_ids = user_ids
        self._enough = threading.Event()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(OTP_SENDERS)

    def __enter__(self) -> Self:
        return self  # starts no thread yet: an interrupt in here would leave it running

    def start(self) -> None:
        """Start sending."""
        self._senders = [self._pool.submit(self._send) for _ in range(OTP_SENDERS)]

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._pool.shutdown()

    def finish(self) -> list[Notification]:
        """Send the rest of ``OTP_LEAST``, and return all notifications."""
        self._enough.set()
        for sender in self._senders:
            sender.result()
        return self.posted

    def _send(self) -> None:
        while len(self.posted) < OTP_LEAST or not self._enough.is_set():
            self.posted.append(self._post(len(self.posted)))
            if self._stopped.wait(OTP_REST):
                return

    def _post(self, number: int) -> Notification:
        return self._client.notify_users(
            [self._user_ids[number % len(self._user_ids)]],
            body=f"Your code is {number:06d}.",
            priority="high",
            channels=["sms"],
            expires_at=datetime.now(UTC) + timedelta(minutes=5),
        )


def _through(notification: Notification) -> int:
    """Return how many of its deliveries are in a final state."""
    waiting = sum(notification.count(state) for state in ("queued", "sending", "retrying"))
    return sum(sum(by_state.values()) for by_state in notification.counts.values()) - waiting
