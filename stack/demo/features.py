"""Further features in the demo: from templates to people's own choices and times."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from statistics import median
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import urllib3

from notifier.security.tokens import sign
from notifier_client import (
    Contact,
    Delivery,
    Device,
    InboxClient,
    Notification,
    NotifierClient,
    Preference,
    QuietWindow,
    TemplateContent,
)
from sandbox.client import SandboxClient
from stack.demo import escalation, open_page

#: Seconds for one step.
PATIENCE = 20.0
BOBS_PHONE, STANS_PHONE = "+12025550181", "+12025550183"
#: Seconds that a token for the inbox is valid.
TOKEN_LIFE = 300
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KOLKATA = "Asia/Kolkata"
#: People and their zones: at one's local time it has passed for the second, and not for the third.
LOCAL = {"emma": "Europe/Vienna", "fumi": "Asia/Tokyo", "gail": "America/New_York"}


class Features:
    """Steps of the scenario beyond publishing to people and topics.

    ``directory``: the client that registers people. ``env``: the service's environment, whose
    secret signs tokens for inboxes. ``run``: the name of this run. ``stream_delays``: see
    ``open_page``.
    """

    def __init__(
        self,
        client: NotifierClient,
        directory: NotifierClient,
        sandbox: SandboxClient,
        env: Mapping[str, str],
        api_url: str,
        stream_url: str,
        run: str,
    ) -> None:
        self._client = client
        self._directory = directory
        self._sandbox = sandbox
        self._env = env
        self._api_url, self._stream_url = api_url, stream_url
        self._run = run
        self._grete, self._bob = f"grete-{run}", f"bob-{run}"
        self.stream_delays: list[float] = []

    def play(self, say: Callable[[str], None], expect: Callable[[bool, str], None]) -> None:
        """Play all steps. ``say``: prints what was done; ``expect``: records what is wrong."""
        self._say, self._expect = say, expect
        self._register()
        self._template()
        self._group()
        self._inbox()
        self._open_page()
        self._receipt()
        self._dead_letter()
        self._categories()
        self._quiet_hours()
        self._digest()
        self._local_time()
        self._escalation()
        self._stop()
        self._leave()

    def _register(self) -> None:
        people = [(self._grete, "de-AT", "+12025550180"), (self._bob, "en", BOBS_PHONE)]
        for user_id, locale, phone in people:
            self._directory.upsert_recipient(
                user_id,
                locale=locale,
                devices=[Device("android", f"token-{self._run}-{user_id}-android")],
                contacts=[
                    Contact("sms", phone),
                    Contact("email", f"{user_id}@example.com"),
                ],
            )

    def _template(self) -> None:
        """Send one template in two languages."""
        name = f"shipped-{self._run}"
        texts = (
            ("en", "Order {{ order }}", "It is on its way, {{ recipient.user_id }}."),
            ("de", "Bestellung {{ order }}", "Sie ist unterwegs, {{ recipient.user_id }}."),
        )
        contents = [
            TemplateContent(channel="push", locale=locale, title=title, body=body)
            for locale, title, body in texts
        ]
        self._client.create_template(name, contents, default_locale="en")
        preview = self._client.preview_template(name, "push", {"order": 7}, locale="de-AT")
        posted = self._client.notify_users(
            [self._grete, self._bob], template=name, variables={"order": 7}, channels=["push"]
        )
        self._settled(posted, 2)
        titles = {
            message["content"]["message"]["notification"]["title"]
            for message in self._sandbox.messages(channel="push")
            if message["provider"] == "fcm"
        }
        self._expect(
            preview.title == "Bestellung 7" and {"Order 7", "Bestellung 7"} <= titles,
            f"the template was previewed as {preview.title!r} and sent as {titles}",
        )
        self._say("previewed a template and sent it: grete gets it in German, bob in English")

    def _group(self) -> None:
        group = f"on-call-{self._run}"
        self._client.put_group(group, display_name="On call")
        added = self._client.add_members(group, [self._grete, self._bob, f"nobody-{self._run}"])
        posted = self._client.notify_group(group, body="The disk is full.", channels=["inbox"])
        self._settled(posted, 2)
        self._expect(
            (added.added, len(added.unknown)) == (2, 1), f"adding three to a group did {added}"
        )
        self._say("made a group of 2 (a third is nobody, and named) and notified it")

    def _inbox(self) -> None:
        """Read an inbox as grete's app would, with a token that the company signed."""
        with InboxClient(self._api_url, self._token(self._grete)) as inbox:
            unread = inbox.unread()
            [item] = inbox.items()
            marked = inbox.mark("read", [item.id])
            left = inbox.unread()
        self._expect(
            (unread, marked.changed, left) == (1, 1, 0) and item.body == "The disk is full.",
            f"the inbox had {unread} unread, then {left}",
        )
        self._say("opened grete's inbox: 1 unread; read it, none left")

    def _open_page(self) -> None:
        ida = f"ida-{self._run}"
        self._directory.upsert_recipient(ida)
        page, phone = (
            InboxClient(url, self._token(ida)) for url in (self._stream_url, self._api_url)
        )
        self.stream_delays = open_page.play(self._client, page, phone, ida, PATIENCE)
        soon = f"{median(self.stream_delays) * 1000:.0f} ms after their POST"
        self._say(
            f"ida's open page showed {len(self.stream_delays)} pop-ups, {soon}; her phone read them"
        )

    def _receipt(self) -> None:
        """Wait for the provider's signed receipt that the message arrived."""
        posted = self._client.notify_users([self._grete], body="Ready.", channels=["sms"])
        delivery = self._until(posted, lambda one: one.state == "delivered")
        self._expect(
            delivery.state == "delivered"
            and any(r.event == "delivered" for r in delivery.receipts),
            f"a text message is {delivery.state} with the receipts {delivery.receipts}",
        )
        self._say("got a signed receipt: the text message is delivered, not only accepted")

    def _dead_letter(self) -> None:
        """Redrive a dead letter, made by refused credentials at a channel's only provider."""
        self._sandbox.behave("twilio", "401", address=BOBS_PHONE, times=1)
        posted = self._client.notify_users([self._bob], body="Your bill.", channels=["sms"])
        dead = self._until(posted, lambda one: one.state == "dead")
        letters = [one for one in self._client.list_dead_letters() if one.id == dead.id]
        redriven = self._client.redrive([dead.id])
        sent = self._until(posted, lambda one: one.state in ("accepted", "delivered"))
        self._expect(
            len(letters) == 1
            and redriven.redriven == 1
            and sent.state in ("accepted", "delivered"),
            f"a dead letter was {dead.state}, and after redriving it {sent.state}",
        )
        self._say("found a dead letter (credentials refused), redrove it: sent")

    def _categories(self) -> None:
        """Have somebody who refuses text messages get a one-time password, and no offer."""
        offers, security = f"offers-{self._run}", f"security-{self._run}"
        texts = {"en": "Offers", "de": "Angebote"}
        self._directory.put_category(offers, kind="promotional", display_name=texts)
        self._directory.put_category(security, kind="critical", display_name={"en": "Security"})
        carl = f"carl-{self._run}"
        no_sms = [Preference(False, channel="sms")]
        self._directory.upsert_recipient(carl, phone="+12025550182", preferences=no_sms)
        offer = self._client.notify_users([carl], body="Socks.", category=offers, channels=["sms"])
        code = self._client.notify_users(
            [carl], body="123 456", category=security, channels=["sms"], priority="high"
        )
        refused = self._until(offer, lambda one: one.state == "suppressed")
        sent = self._until(code, lambda one: one.state in ("accepted", "delivered"))
        self._expect(
            refused.reason_text == "they refuse everything on sms" and sent.provider == "twilio",
            f"the offer was {refused.state} because {refused.reason_text}, the code {sent.state}",
        )
        self._say("carl refuses text messages: he gets no offer, but a critical one-time password")

    def _quiet_hours(self) -> None:
        """Have a push wait for the end of quiet hours, and one of high priority go through."""
        dora = f"dora-{self._run}"
        device = Device("android", f"token-{self._run}-doras-phone")
        self._directory.upsert_recipient(dora, time_zone=KOLKATA, devices=[device])
        there = datetime.now(ZoneInfo(KOLKATA))
        begins, ends = there - timedelta(minutes=5), there + timedelta(hours=2)
        window = QuietWindow(DAYS, f"{begins:%H:%M}", f"{ends:%H:%M}")
        with InboxClient(self._api_url, self._token(dora)) as inbox:
            quiet = inbox.set_quiet_hours([window])
            waits = self._client.notify_users(
                [dora], body="Socks.", channels=["push"], priority="low"
            )
            urgent = self._client.notify_users(
                [dora], body="Your taxi is here.", channels=["push"], priority="high"
            )
            held = self._until(waits, lambda one: one.reason == "quiet_hours")
            sent = self._until(urgent, lambda one: one.state == "accepted")
            inbox.set_quiet_hours([])
            woken = self._until(waits, lambda one: one.state == "accepted")
        self._expect(
            quiet.quiet_until is not None
            and (held.state, held.reason, held.attempts) == ("retrying", "quiet_hours", ())
            and (sent.state, woken.state) == ("accepted", "accepted"),
            f"in quiet hours a push was {held.state} {held.reason}, an urgent one {sent.state}, "
            f"and without them it was {woken.state}",
        )
        self._say(
            "held a push in dora's quiet hours (Kolkata), not an urgent one; she ended them: sent"
        )

    def _digest(self) -> None:
        """Tell somebody of three replies in one mail."""
        hugo = f"hugo-{self._run}"
        address = f"{hugo}@example.com"
        self._directory.upsert_recipient(hugo, email=address)
        posted = [
            self._client.notify_users(
                [hugo],
                title=f"Reply {number}",
                channels=["email"],
                priority="low",
                digest={"key": "post-7", "window": 2},
            )
            for number in (1, 2, 3)
        ]
        done = ("accepted", "delivered")  # a receipt moves what was told with the mail
        told = [self._until(one, lambda row: row.state in done) for one in posted]
        mails = [
            one["content"]["content"][0]["value"]
            for one in self._sandbox.messages(channel="email", address=address)
        ]
        self._expect(
            len({one.told_in for one in told}) == 1
            and all(one.state in done for one in told)
            and len(mails) == 1
            and all(f"Reply {number}" in mails[0] for number in (1, 2, 3)),
            f"of three replies {[one.state for one in told]} were told in {len(mails)} mails",
        )
        self._say("told hugo of three replies in one mail, when their digest closed")

    def _local_time(self) -> None:
        """Send something at the same local time in three zones."""
        people = {f"{name}-{self._run}": zone for name, zone in LOCAL.items()}
        for user_id, zone in people.items():
            self._directory.upsert_recipient(user_id, time_zone=zone)
        soon = datetime.now(ZoneInfo(LOCAL["emma"])) + timedelta(seconds=3)
        posted = self._client.notify_users(
            list(people),
            body="Good morning!",
            channels=["inbox"],
            priority="low",
            send_at_local=f"{soon:%Y-%m-%dT%H:%M:%S}",
            local_time_passed="skip",
        )
        deadline = time.monotonic() + PATIENCE
        while self._client.get_notification(posted.id).count("delivered") < 1:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        left = self._client.cancel(posted.id)
        self._expect(
            left.state == "cancelled" and left.counts == {"inbox": {"delivered": 1, "expired": 1}},
            f"at the local time of one of three people it was {dict(left.counts)}",
        )
        self._say(
            f"sent at {soon:%H:%M:%S} local time: in Vienna; it had passed in Tokyo, "
            "cancelled for New York"
        )

    def _escalation(self) -> None:
        """Have an alarm go to a group until one of it acknowledges."""
        found, acknowledged = escalation.play(
            self._client,
            self._directory,
            lambda user_id: InboxClient(self._api_url, self._token(user_id)),
            self._run,
            PATIENCE,
        )
        states = [step.state for step in found.steps]
        who = [one.user_id for one in found.acknowledged_by]
        self._expect(
            (states, who, acknowledged.id)
            == (["done", "not_needed"], [f"vic-{self._run}"], found.id),
            f"the steps of an alarm were {states}, and {who} acknowledged it",
        )
        self._say(
            "una did not acknowledge an alarm: texted to 2 on call; vic did: no mails to them"
        )

    def _stop(self) -> None:
        """Have somebody write STOP, which holds for a critical message too, and START."""
        stan, critical = f"stan-{self._run}", f"security-{self._run}"
        self._directory.upsert_recipient(stan, phone=STANS_PHONE)

        def text() -> Delivery:
            posted = self._client.notify_users(
                [stan], body="123 456", category=critical, channels=["sms"]
            )
            return self._until(posted, lambda one: one.state not in ("queued", "sending"))

        self._write("Stop", suppressed=True)
        stopped = text()
        self._write("START", suppressed=False)
        sent = text()
        self._expect(
            (stopped.state, stopped.reason) == ("suppressed", "opted_out")
            and sent.state in ("accepted", "delivered"),
            f"after STOP a text message was {stopped.state}, after START {sent.state}",
        )
        self._say("stan wrote STOP: even a critical text message is kept from him, until his START")

    def _leave(self) -> None:
        """Press the button that a mail program makes from an offer's headers (RFC 8058)."""
        offers, lena = f"offers-{self._run}", f"lena-{self._run}"
        self._directory.upsert_recipient(lena, locale="de", email=f"{lena}@example.com")

        def offer() -> Notification:
            return self._client.notify_users(
                [lena], title="Socks", body="Half price.", category=offers, channels=["email"]
            )

        self._settled(offer(), 1)
        [mail] = [
            one["content"]
            for one in self._sandbox.messages(channel="email", address=f"{lena}@example.com")
        ]
        link = mail["headers"]["List-Unsubscribe"].strip("<>")
        form = {"List-Unsubscribe": "One-Click"}
        pressed = urllib3.request("POST", f"{self._api_url}{urlsplit(link).path}", fields=form)
        refused = self._until(offer(), lambda one: one.state == "suppressed")
        footer = mail["content"][0]["value"]
        self._expect(
            pressed.status == 200
            and f"Abmelden: {link}" in footer
            and refused.reason_text == "they refuse “Offers” on email",
            f"leaving by the button of a mail was answered {pressed.status}, and the next offer "
            f"was {refused.state} because {refused.reason_text}",
        )
        self._say("lena leaves the offers with one click in her mail program: the next is not sent")

    # -- Helpers ------------------------------------------------------------------------------

    def _write(self, word: str, *, suppressed: bool) -> None:
        """Have stan write a text message, and wait until it holds."""
        self._sandbox.write_text(STANS_PHONE, word)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = self._directory.list_suppressions(channel="sms", address=STANS_PHONE)
            if bool(list(found)) is suppressed:
                return
            time.sleep(0.1)

    def _settled(self, posted: Notification, size: int) -> None:
        done = self._client.wait(posted.id, PATIENCE)
        sent = done.count("accepted") + done.count("delivered")
        self._expect(sent == size, f"of {size} deliveries {sent} were sent: {dict(done.counts)}")

    def _until(self, posted: Notification, done: Callable[[Delivery], bool]) -> Delivery:
        """Return the notification's only delivery once ``done``, or after ``PATIENCE``."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = list(self._client.deliveries(posted.id))
            if time.monotonic() > deadline or (found and done(found[0])):
                return found[0]
            time.sleep(0.1)

    def _token(self, user_id: str) -> str:
        now = int(time.time())
        claims = {"sub": user_id, "iat": now, "exp": now + TOKEN_LIFE}
        return sign(claims, self._env["NOTIFIER_INBOX_JWT_SECRET"])
