"""A database that was restored from a backup sends nothing again until an operator says so."""

import io
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.core import clock
from apps.delivery import tasks
from apps.delivery.holding import holding
from apps.delivery.models import Delivery, HeldDelivery, Notification, OpenDigest
from apps.preferences.models import Category
from apps.publishers.models import AuditEvent
from apps.schedules import tasks as schedules
from apps.schedules.models import Run, Schedule
from tests.support.database import run_and_close
from tests.support.deliveries.backups import Backup
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop, delivery_of, make_shop
from tests.support.waiting import until

NUMBERS = {"ada": "+12025550123", "bob": "+12025550124"}


@pytest.fixture
def people(transactional_db) -> None:
    for name, number in NUMBERS.items():
        recipient(name, sms=number, email=f"{name}@example.com")
    for name in ("codes", "letters"):
        Category.objects.create(name=name)


def command(name: str, *arguments: str) -> str:
    output = io.StringIO()
    call_command(name, *arguments, stdout=output)
    return output.getvalue()


def post(shop: Shop, **fields: Any) -> Any:
    body = {"user_id": "ada", "channels": ["sms"], "content": HELLO, **fields}
    return shop.post("notifications", body)


def states(posted: Any) -> list[str]:
    rows = Delivery.objects.filter(notification=posted["id"])
    return sorted(rows.values_list("state", flat=True))


class Restored:
    """A database in which all kinds of work are open, which was restored after all was sent."""

    def __init__(self, shop: Shop, providers: Any, work: Callable[[], None], backup: Backup):
        self.shop, self.providers, self.work = shop, providers, work
        self.bank = make_shop("bank")
        topic = shop.topic("news", category="letters")
        for name in NUMBERS:
            subscribe(topic, recipient(f"{name}-too", email=f"{name}.too@example.com"), "email")
        providers.client.behave("twilio", "500", address=NUMBERS["bob"])
        self.failing = post(shop, user_id="bob")
        self.run()
        self.code = post(shop, priority="high", category="codes")
        self.mail = post(shop, channels=["email"], user_id="bob")
        self.both = post(shop, channels=["email", "sms"], category="codes")
        self.foreign = post(self.bank, category="codes")
        self.letter = shop.post("topics/news/publish", {"content": HELLO})
        assert states(self.failing) == ["retrying"]
        an_hour_on = clock.moment() + timedelta(hours=1)
        Delivery.objects.filter(state="retrying").update(next_attempt_at=an_hour_on)
        backup.dump()
        providers.client.heal()
        self.run()
        Delivery.objects.filter(state="retrying").update(next_attempt_at=clock.moment())
        self.run()
        self.lost = post(shop)
        self.run()
        assert len(self.arrived()) == 9
        backup.restore()
        self.before = Counter(self.arrived())

    def arrived(self) -> list[str]:
        """The addresses of what arrived at the sandbox."""
        messages = self.providers.client.messages(limit=1000)
        return [one["address"] for one in messages if one["accepted"]]

    def since(self) -> Counter[str]:
        """The addresses of what arrived since the restore."""
        return Counter(self.arrived()) - self.before

    def run(self) -> None:
        tasks.sweep.apply(throw=True)
        self.work()


@pytest.fixture
def restored(shop, people, providers, work, backup) -> Restored:
    return Restored(shop, providers, work, backup)


def test_without_a_hold_everything_is_sent_again(restored):
    restored.run()
    assert restored.since().total() == 7, "the retry is due later"


def test_nothing_old_is_sent_while_it_is_held_and_what_is_new_goes_out_at_once(restored):
    said = command("hold")
    assert said.startswith("1 deliveries are held, and about 6 people"), said
    restored.run()
    assert restored.since() == Counter()
    new = post(restored.shop)
    letter = restored.shop.post("topics/news/publish", {"content": HELLO})
    restored.run()
    assert restored.since() == Counter(
        {NUMBERS["ada"]: 1, "ada.too@example.com": 1, "bob.too@example.com": 1}
    )
    assert states(new) == ["accepted"] and states(letter) == ["accepted"] * 2
    assert Delivery.objects.get(notification=new["id"]).pk > holding.GAP, "ids are not used again"
    assert command("hold").startswith("0 deliveries are held"), "it is held already"


def test_what_is_held_is_listed_by_publisher_channel_category_and_age(restored):
    assert command("held") == "Nothing is held.\n"
    command("hold")
    lines = [line.partition(", accepted")[0] for line in command("held").splitlines()]
    assert sorted(lines) == [
        "bank, sms, codes: 1",
        "shop, all channels, letters: 1",
        "shop, email, codes: 1",
        "shop, email, default: 1",
        "shop, sms, codes: 2",
        "shop, sms, default: 1",
    ]
    assert command("held", "--older-than", "1h") == "Nothing is held.\n"
    assert command("held", "--channel", "email", "--publisher", "bank") == "Nothing is held.\n"


def test_the_doctor_tells_of_what_is_held(restored):
    def said() -> bool:
        output = io.StringIO()
        with suppress(SystemExit):  # of what else there is to say of the tests' settings
            call_command("doctor", stdout=output)
        return "is still held" in output.getvalue()

    assert not said()
    command("hold")
    assert said()
    command("held", "--cancel", "--all")
    assert not said()


def test_a_release_sends_exactly_what_matches_and_a_cancel_cancels_the_rest(restored):
    command("hold")
    said = command("held", "--release", "--category", "codes", "--channel", "sms")
    assert said.startswith("0 deliveries are released, and 3 parts"), said
    restored.run()
    assert restored.since() == Counter({NUMBERS["ada"]: 3})
    command("held", "--release", "--channel", "sms")  # the retry, whose time has not come
    restored.run()
    assert restored.since() == Counter({NUMBERS["ada"]: 3})
    assert Delivery.objects.get(notification=restored.failing["id"]).reason == "provider_error"

    said = command("held", "--cancel", "--all")
    assert said.startswith("0 deliveries are cancelled, and 3 parts"), said
    restored.run()
    assert restored.since() == Counter({NUMBERS["ada"]: 3})
    for cancelled in (restored.mail, restored.letter):
        shown = restored.shop.get(f"notifications/{cancelled['id']}")
        assert shown["state"] == "cancelled", shown
    assert states(restored.both) == ["accepted"]
    assert command("held") == "Nothing is held.\n"
    assert not HeldDelivery.objects.exists()
    events = AuditEvent.objects.filter(object_type__in=["open_work", "held_work"])
    assert [event.action for event in events.order_by("pk")] == [
        *("hold", "release", "release", "cancel")
    ]


def test_a_held_delivery_is_cancelled_by_channel_and_counted(restored):
    command("hold")
    command("held", "--cancel", "--channel", "sms")
    restored.run()
    assert states(restored.failing) == ["cancelled"]
    assert restored.shop.counts(restored.failing) == {"sms": {"cancelled": 1}}
    command("held", "--release", "--all")
    restored.run()
    assert restored.since() == Counter(
        {
            "bob@example.com": 1,
            "ada@example.com": 1,
            "ada.too@example.com": 1,
            "bob.too@example.com": 1,
        }
    )


def test_nothing_is_released_or_cancelled_without_saying_which(restored):
    for what in ("--release", "--cancel"):
        with pytest.raises(CommandError, match="Say which"):
            command("held", what)


def test_what_was_being_sent_at_the_backup_may_have_arrived_and_is_held(
    shop, people, providers, work, backup, settings
):
    settings.LEASE_SECONDS = 3
    posted = post(shop)
    providers.client.behave("twilio", "slow", seconds=1.5)
    sending = threading.Thread(target=run_and_close, args=[work])
    sending.start()
    until(lambda: states(posted) == ["sending"])
    backup.dump()
    sending.join()
    assert states(posted) == ["accepted"]
    backup.restore()
    assert states(posted) == ["sending"]
    assert command("hold").endswith("releases or cancels them.\n")
    tasks.sweep.apply(throw=True)
    work()
    row = Delivery.objects.get(notification=posted["id"])
    assert (row.state, row.reason, row.attempts) == ("retrying", "held", 1)
    [attempt] = delivery_of(shop, posted)["attempts"]
    assert (attempt["outcome"], attempt["reason"]) == ("unknown", "worker_lost")
    command("held", "--cancel", "--all")
    assert states(posted) == ["unknown"], "nobody knows whether it arrived"


def test_a_new_notification_under_the_same_ordering_key_waits_for_the_held_one(
    shop, people, providers, work, backup
):
    old = post(shop, ordering_key="order-7")
    backup.dump()
    backup.restore()
    command("hold")
    new = post(shop, ordering_key="order-7")
    tasks.sweep.apply(throw=True)
    work()
    assert states(new) == []
    command("held", "--cancel", "--all")
    tasks.sweep.apply(throw=True)
    work()
    assert states(new) == ["accepted"] and states(old) == []


def test_what_is_new_joins_no_held_digest(shop, people, providers, work, backup):
    digest = {"key": "orders", "window": 3600}
    post(shop, digest=digest)
    work()
    assert OpenDigest.objects.count() == 1
    backup.dump()
    backup.restore()
    command("hold")
    post(shop, digest=digest)
    work()
    [opened] = OpenDigest.objects.all()
    assert Delivery.objects.get(pk=opened.delivery_id).reason == "digest"
    assert HeldDelivery.objects.get().reason == "digest"
    command("held", "--release", "--all")
    waiting = Delivery.objects.filter(told_in=None, state="retrying")
    assert set(waiting.values_list("reason", flat=True)) == {"digest"}
    assert not waiting.filter(next_attempt_at__lte=clock.moment()).exists(), "each in its time"


def test_a_schedule_that_is_due_is_paused(shop, people, providers, work, backup):
    body = {"name": "daily", "cron": "0 9 * * *", "time_zone": "UTC"}
    notification = {"user_id": "ada", "content": HELLO}
    shop.post("schedules", {**body, "notification": notification}, status=201)
    past = clock.moment() - timedelta(hours=1)
    Schedule.objects.update(next_at=past, due_at=past, over_until=past - timedelta(days=1))
    backup.dump()
    backup.restore()
    assert "The schedule daily of shop is paused" in command("hold")
    schedules.run.apply(throw=True)
    assert not Run.objects.exists() and not Notification.objects.exists()
    assert shop.get("schedules/daily")["state"] == "paused"
