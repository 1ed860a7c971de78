"""What a fallback with steps may say: everything else is refused at once, where it is wrong."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.delivery.intake import fallbacks
from apps.delivery.models import Notification
from apps.delivery.state.steps.plan import MOST
from apps.preferences.models import Group, Membership

HELLO = {"title": "Hello", "body": "There"}
MAIL = {"channel": "email", "after_seconds": 300, "unless": "read"}
TEXT = {"channel": "sms", "after_seconds": 300}


def fallback(*steps):
    """The fallback of these steps, each in the one before."""
    found = {}
    for step in reversed(steps):
        found = {**step, **({"then": found} if found else {})}
    return found


def refused(shop, plan, **fields):
    body = {"user_id": "ada", "content": HELLO, "channels": ["inbox"], "fallback": plan}
    return shop.post("notifications", {**body, **fields}, status=400)["errors"]


@pytest.fixture(autouse=True)
def ada(shop, people):
    people("ada")


@pytest.mark.parametrize(
    ("plan", "pointer"),
    [
        (fallback({**MAIL, "unless": "seen"}), "/fallback/unless"),
        (fallback(MAIL, {"channel": "sms"}), "/fallback/then/after_seconds"),
        (fallback(MAIL, {**TEXT, "channel": "inbox"}), "/fallback/then/channel"),
        (fallback(MAIL, TEXT, {**MAIL}), "/fallback/then/then/channel"),
        (fallback(MAIL, {**TEXT, "group": "nobody"}), "/fallback/then/group"),
        (fallback(MAIL, {**TEXT, "colour": "red"}), "/fallback/then/colour"),
        ({**MAIL, "then": "sms"}, "/fallback/then"),
        ({**MAIL, "then": None}, "/fallback/then"),
        (fallback(MAIL, {**TEXT, "after_seconds": "5"}), "/fallback/then/after_seconds"),
    ],
)
def test_an_error_points_to_its_step(shop, plan, pointer):
    [error] = refused(shop, plan)
    assert error["pointer"] == pointer


def test_there_are_at_most_so_many_steps(shop, group):
    step = {**TEXT, "group": "on-call"}
    body = {"user_id": "ada", "content": HELLO, "channels": ["inbox"]}
    shop.post("notifications", {**body, "fallback": fallback(*[step] * MOST)})
    [error] = refused(shop, fallback(*[step] * (MOST + 1)))
    assert f"at most {MOST} steps" in error["detail"]


@pytest.fixture
def group(shop):
    Group.objects.create(publisher_id=shop.id, name="on-call")


def test_anothers_group_is_not_there(shop, other_shop):
    Group.objects.create(publisher_id=other_shop.id, name="theirs")
    [error] = refused(shop, {**TEXT, "group": "theirs"})
    assert error["pointer"] == "/fallback/group" and "no group 'theirs'" in error["detail"]


def test_a_group_is_not_larger_than_one_claim(shop, group, monkeypatch, people):
    monkeypatch.setattr(fallbacks, "MOST_MEMBERS", 1)
    for person in people("bob", "cyd"):
        Membership.objects.create(group=Group.objects.get(), recipient=person)
    [error] = refused(shop, {**TEXT, "group": "on-call"})
    assert error["pointer"] == "/fallback/group" and "at most 1 members" in error["detail"]


def test_a_step_after_the_expiry_is_refused(shop):
    expiry = (timezone.now() + timedelta(seconds=500)).isoformat()
    [error] = refused(shop, fallback(MAIL, TEXT), expires_at=expiry)
    assert error["pointer"] == "/fallback/then/after_seconds" and "expired" in error["detail"]


def test_one_that_asks_for_not_delivered_is_what_it_always_was(shop):
    same = {"channel": "sms", "after_seconds": 300}
    body = {"user_id": "ada", "content": HELLO, "channels": ["inbox"]}
    posted = shop.post("notifications", {**body, "fallback": {**same, "unless": "delivered"}})
    row = Notification.objects.get(pk=posted["id"])
    assert (row.fallback_channel, row.fallback_after, row.steps) == ("sms", 300, None)
    shown = shop.get(f"notifications/{posted['id']}")
    assert shown["fallback"] == same and shown["steps"] == []


def test_a_step_asks_what_the_one_before_asked_unless_it_says_so(shop):
    body = {"user_id": "ada", "content": HELLO, "channels": ["inbox"]}
    posted = shop.post("notifications", {**body, "fallback": fallback(MAIL, TEXT)})
    shown = shop.get(f"notifications/{posted['id']}")
    assert [step["unless"] for step in shown["steps"]] == ["read", "read"]
    again = shop.post("notifications", {**body, "fallback": shown["fallback"]})
    assert shop.get(f"notifications/{again['id']}")["fallback"] == shown["fallback"]


def test_the_same_with_other_steps_is_another_notification(shop):
    body = {"user_id": "ada", "content": HELLO, "channels": ["inbox"], "deduplicate_seconds": 60}
    first = shop.post("notifications", {**body, "fallback": fallback(MAIL, TEXT)})
    same = shop.post("notifications", {**body, "fallback": fallback(MAIL, TEXT)})
    other = shop.post("notifications", {**body, "fallback": fallback(MAIL)})
    assert same["id"] == first["id"] and other["id"] != first["id"]


def test_channels_left_out_are_those_that_no_step_has_for_itself(shop):
    posted = shop.post(
        "notifications", {"user_id": "ada", "content": HELLO, "fallback": fallback(MAIL, TEXT)}
    )
    assert posted["channels"] == ["push", "inbox"]


def test_each_of_a_batch_has_steps_of_its_own(shop, workers, later):
    one = {"user_id": "ada", "content": HELLO, "channels": ["inbox"]}
    answer = shop.post(
        "notifications/batch",
        {
            "notifications": [
                {**one, "fallback": fallback(MAIL, TEXT)},
                {**one, "fallback": fallback(MAIL, {**TEXT, "group": "nobody"})},
                {**one, "fallback": fallback(MAIL)},
            ]
        },
    )
    assert [result["status"] for result in answer["results"]] == ["accepted", "error", "accepted"]
    workers()
    later(301)
    first, _, last = (result.get("notification") for result in answer["results"])
    assert shop.counts(first)["email"] == shop.counts(last)["email"] == {"accepted": 1}


def test_a_batch_looks_each_group_of_its_steps_up_once(shop, group):
    step = {**TEXT, "group": "on-call"}
    one = {"user_id": "ada", "content": HELLO, "channels": ["inbox"]}
    one["fallback"] = fallback(step, {**step, "channel": "email"})

    def looked_up(number):
        with CaptureQueriesContext(connection) as queries:
            shop.post("notifications/batch", {"notifications": [one] * number})
        return sum("preferences_group" in query["sql"] for query in queries)

    assert looked_up(10) == looked_up(1) > 0


def test_groups_of_steps_are_looked_up_before_the_transaction_that_others_share(shop, group):
    body = {"user_id": "ada", "content": HELLO, "channels": ["inbox"]}
    body["fallback"] = {**TEXT, "group": "on-call"}
    with CaptureQueriesContext(connection) as queries:
        shop.post("notifications", body)
    statements = [query["sql"] for query in queries]
    begins = statements.index("BEGIN")
    assert any("preferences_group" in one for one in statements[:begins])
    assert not any("preferences_group" in one for one in statements[begins:])
