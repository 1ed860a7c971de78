"""Releases of held deliveries keep fallbacks apart, and cancels reach nothing that is not held."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.core import clock
from apps.delivery.holding import ending, holding
from apps.delivery.models import Chunk, Delivery, HeldDelivery
from apps.doctor.checks import database
from apps.preferences.models import Category, Group, Membership
from notifier.domain.outcomes import Retry
from tests.integration.delivery.steps.conftest import TAKEN, Mails, Push, Texts, carriers
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO

__all__ = ["carriers"]  # a fixture

TEXT = {"channel": "sms", "after_seconds": 300}


@pytest.fixture(autouse=True)
def ada(db):
    return recipient("ada", push_android="token-ada", sms="+436601234567", email="ada@example.com")


def command(name: str, *arguments: str) -> str:
    output = io.StringIO()
    call_command(name, *arguments, stdout=output)
    return output.getvalue()


def post(shop, **fields):
    return shop.post("notifications", {"user_id": "ada", "content": HELLO, **fields})


def listed() -> list[str]:
    return sorted(line.partition(", accepted")[0] for line in command("held").splitlines())


def fail() -> None:
    """Have every provider fail, so that deliveries wait for another attempt."""
    for kind in (Push, Texts, Mails):
        kind.answer = staticmethod(lambda message: Retry("provider_error"))


def mend() -> None:
    for kind in (Push, Texts, Mails):
        kind.calls, kind.answer = [], staticmethod(lambda message: TAKEN)


@pytest.mark.parametrize("made", [False, True])
def test_what_was_released_is_not_cancelled_with_the_rest(shop, workers, later, made):
    if made:
        fail()
    post(shop, channels=["email", "sms"])
    if made:
        workers()
        mend()
    command("hold")
    command("held", "--release", "--channel", "email")
    said = command("held", "--cancel", "--all")
    assert said.startswith("1 deliveries are" if made else "0 deliveries are"), said
    later(3600)
    assert len(Mails.calls) == 1 and Texts.calls == []
    assert command("held") == "Nothing is held.\n"


def test_a_released_fallback_keeps_its_distance_to_the_first_channel(shop, workers, later):
    post(shop, channels=["push"], fallback=TEXT)
    later(0)
    Push.calls = []
    post(shop, channels=["push"], fallback=TEXT)
    command("hold")
    later(3600)
    assert Push.calls == Texts.calls == []
    command("held", "--release", "--all")
    later(1)
    assert len(Push.calls) == 1 and Texts.calls == []
    later(290)
    assert Texts.calls == []
    assert not HeldDelivery.objects.exists()


def test_a_released_fallback_waits_for_answers_to_what_was_late(shop, workers, later):
    fallback = {**TEXT, "unless": "acknowledged"}
    post(shop, channels=["push"], fallback=fallback)
    command("hold")
    later(3600)
    command("held", "--release", "--all")
    later(1)
    assert len(Push.calls) == 1 and Texts.calls == []
    later(290)
    assert Texts.calls == []
    later(20)
    assert len(Texts.calls) == 1


def test_a_released_step_of_a_group_keeps_its_distance(shop, workers, later):
    boss = recipient("boss", sms="+436601234568")
    Membership.objects.create(
        group=Group.objects.create(publisher_id=shop.id, name="bosses"), recipient=boss
    )
    step = {**TEXT, "unless": "acknowledged", "group": "bosses"}
    post(shop, channels=["push"], fallback=step)
    command("hold")
    later(3600)
    command("held", "--release", "--all")
    later(1)
    assert len(Push.calls) == 1 and Texts.calls == []
    later(301)
    assert len(Texts.calls) == 1


def test_a_delivery_of_a_fallback_that_was_not_tried_keeps_its_distance(shop, workers, later):
    post(shop, channels=["push"], fallback={**TEXT, "unless": "acknowledged"})
    later(0)
    later(300)
    assert len(Texts.calls) == 1
    Delivery.objects.filter(channel="sms").update(
        state="retrying", attempts=0, reason="quiet_hours", next_attempt_at=clock.moment()
    )
    command("hold")
    released = clock.moment()
    command("held", "--release", "--all")
    row = Delivery.objects.get(channel="sms")
    assert (row.reason, (row.next_attempt_at - released).total_seconds() >= 300) == (
        *("quiet_hours", True),
    )


def test_an_audience_is_on_one_channel_only_without_a_fallback(shop, ada):
    subscribe(shop.topic("news"), ada, "push", "sms")
    letter = {"content": HELLO, "channels": ["push"]}
    for more in ({}, {"fallback": TEXT}, {"fallback": {**TEXT, "unless": "read"}}):
        shop.post("topics/news/publish", {**letter, **more})
    shop.post("topics/news/publish", {**letter, "channels": ["push", "sms"]})
    command("hold")
    assert listed() == ["shop, all channels, default: 3", "shop, push, default: 1"]
    assert command("held", "--cancel", "--channel", "push").startswith(
        "0 deliveries are cancelled, and 1 parts"
    )
    assert listed() == ["shop, all channels, default: 3"]
    assert command("held", "--release", "--channel", "").startswith(
        "0 deliveries are released, and 3 parts"
    )


def test_an_audience_on_one_channel_is_not_taken_with_those_on_several(shop, ada):
    subscribe(shop.topic("news"), ada, "push")
    shop.post("topics/news/publish", {"content": HELLO, "channels": ["push"]})
    command("hold")
    command("held", "--cancel", "--channel", "")
    assert listed() == ["shop, push, default: 1"]


def test_many_are_released_and_cancelled_batch_by_batch(shop, workers, later, monkeypatch):
    for module, name in (
        (holding, "AT_ONCE"),
        (ending, "RELEASE_AT_ONCE"),
        (ending, "CANCEL_AT_ONCE"),
    ):
        monkeypatch.setattr(module, name, 2)
    Category.objects.create(name="codes")
    fail()
    for number in range(5):
        category = {"category": "codes"} if number % 2 else {}
        post(shop, channels=["email", "sms"], **category)
    workers()
    mend()
    for _ in range(3):
        post(shop, channels=["email", "sms"])
    assert command("hold").startswith("10 deliveries are held, and about 6 people")
    assert listed() == [
        "shop, email, codes: 2",
        "shop, email, default: 6",
        "shop, sms, codes: 2",
        "shop, sms, default: 6",
    ]
    said = command("held", "--cancel", "--channel", "sms")
    assert said.startswith("5 deliveries are cancelled, and 3 parts"), said
    said = command("held", "--cancel", "--category", "codes")
    assert said.startswith("2 deliveries are cancelled, and 0 parts"), said
    said = command("held", "--release", "--all")
    assert said.startswith("3 deliveries are released, and 3 parts"), said
    later(3600)
    assert len(Mails.calls) == 6 and Texts.calls == []


def test_what_its_publisher_cancelled_is_not_listed_any_more(shop, workers):
    fail()
    posted = post(shop, channels=["sms"])
    workers()
    command("hold")
    assert listed() == ["shop, sms, default: 1"]
    shop.post(f"notifications/{posted['id']}/cancel", {}, status=200)
    assert command("held") == "Nothing is held.\n"
    assert not HeldDelivery.objects.exists()


def test_what_is_held_without_a_record_is_held_anew_and_due_when_released(shop, workers):
    fail()
    post(shop, channels=["sms"])
    workers()
    command("hold")
    HeldDelivery.objects.all().delete()  # as by going back a version, and on again
    assert command("hold").startswith("1 deliveries are held")
    mend()
    command("held", "--release", "--all")
    workers()
    assert len(Texts.calls) == 1


def test_a_chunk_that_was_cancelled_while_it_was_held_is_old_some_day(shop):
    posted = post(shop, channels=["email", "sms"])
    command("hold")
    command("held", "--cancel", "--channel", "sms")
    shop.post(f"notifications/{posted['id']}/cancel", {}, status=200)
    chunks = Chunk.objects.filter(notification=posted["id"])
    assert chunks.count() == 2
    assert not chunks.filter(ready_at__gt=clock.moment()).exists()


def test_nothing_is_held_while_migrations_are_pending(shop):
    executor = MigrationExecutor(connection)
    [last] = executor.loader.graph.leaf_nodes("delivery")
    executor.recorder.record_unapplied(*last)
    try:
        with pytest.raises(CommandError, match=r"run manage\.py migrate first"):
            command("hold")
    finally:
        executor.recorder.record_applied(*last)


def test_the_doctor_says_that_it_does_not_know_what_is_held(db):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE delivery_helddelivery RENAME TO elsewhere")
    [found] = database._held()
    assert "nobody knows whether something is held" in found.message
