"""How often people want what may wait, and what the company and the publisher ask for."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.preferences.models import DigestChoice, Recipient
from apps.topics.models import Subscription
from tests.support.deliveries.digests import (
    HOUR,
    Push,
    close_digests,
    delivery,
    digests,
    state_and_reason,
    telling,
)

HELLO = {"title": "Hello", "body": "There"}
AT_ONCE, WAITS = ("accepted", ""), ("retrying", "digest")


@pytest.fixture(autouse=True)
def _ada(ada):
    return ada


def category(shop, name="comments", **fields):
    answer = shop.http.put(f"/v1/categories/{name}", fields, format="json")
    assert answer.status_code in (200, 201), answer.json()
    return answer.json()


def person(shop, *choices):
    body = {"digests": [{"category": name, "cadence": cadence} for name, cadence in choices]}
    answer = shop.http.put("/v1/recipients/ada", body, format="json")
    assert answer.status_code == 200, answer.json()
    return answer.json()["digests"]


def post(shop, **body):
    whole = {"user_id": "ada", "channels": ["push"], "content": HELLO, **body}
    return shop.post("notifications", whole)


def test_a_category_has_a_digest_of_its_own(shop, work):
    assert category(shop, digest={"window": 600})["digest"] == {"window": 600}
    first, other = post(shop, category="comments"), post(shop)
    work()
    assert (state_and_reason(first), state_and_reason(other)) == (WAITS, AT_ONCE)
    category(shop, digest=None)
    second = post(shop, category="comments")
    work()
    assert state_and_reason(second) == AT_ONCE


def test_a_person_chooses_at_once(shop, work):
    category(shop, digest={"window": 600})
    person(shop, ("comments", "at_once"))
    by_company, by_publisher = post(shop, category="comments"), post(shop, digest=HOUR)
    work()
    assert (state_and_reason(by_company), state_and_reason(by_publisher)) == (AT_ONCE, WAITS)


def test_what_somebody_is_to_read_soon_waits_for_no_digest(shop, work):
    person(shop, ("", "daily"))
    step = {"channel": "email", "after_seconds": 60, "unless": "acknowledged"}
    posted = post(shop, fallback=step)
    work()
    assert state_and_reason(posted) == AT_ONCE


def test_a_person_chooses_when_nobody_else_asks(shop, work):
    Recipient.objects.filter(user_id="ada").update(time_zone="Asia/Kathmandu")
    person(shop, ("", "daily"))
    posted = post(shop)
    work()
    assert state_and_reason(posted) == WAITS
    due = telling(delivery(posted)).next_attempt_at
    assert due.astimezone(UTC).strftime("%H:%M") == "03:15"  # 09:00 there, 5:45 ahead
    assert timedelta() < due - datetime.now(UTC) <= timedelta(days=1)


def test_the_choice_for_a_category_goes_before_that_for_all(shop, work):
    category(shop)
    person(shop, ("", "weekly"), ("comments", "at_once"))
    posted, other = post(shop, category="comments"), post(shop)
    work()
    assert (state_and_reason(posted), state_and_reason(other)) == (AT_ONCE, WAITS)


def test_an_hourly_choice_replaces_the_window_and_keeps_the_key(shop, work):
    person(shop, ("", "hourly"))
    posted = post(shop, digest={"key": "likes", "window": 86_400})
    post(shop, digest={"key": "comments", "window": 86_400})
    work()
    due = telling(delivery(posted)).next_attempt_at
    assert due - datetime.now(UTC) < timedelta(minutes=61)
    assert len(digests()) == 2


def test_a_service_does_not_change_what_the_person_chose(shop, work):
    ada = Recipient.objects.get(user_id="ada")
    DigestChoice.objects.create(recipient=ada, category="", cadence="weekly", own=True)
    assert person(shop, ("", "at_once"), ("news", "daily")) == [
        {"category": None, "cadence": "weekly"},
        {"category": "news", "cadence": "daily"},
    ]


def test_another_choice_tells_what_has_joined_at_once(shop, work):
    person(shop, ("", "weekly"))
    posted = post(shop)
    work()
    assert state_and_reason(posted) == WAITS
    person(shop, ("", "at_once"))
    work()
    assert state_and_reason(posted) == AT_ONCE


def test_the_same_choice_again_tells_nothing_early(shop, work):
    """Services write the whole recipient at each login."""
    person(shop, ("", "weekly"), ("comments", "daily"))
    posted = post(shop)
    work()
    person(shop, ("", "weekly"), ("comments", "daily"))
    work()
    assert state_and_reason(posted) == WAITS


def test_what_is_critical_waits_for_no_digest(shop, work):
    category(shop, "security", kind="critical")
    person(shop, ("", "daily"))
    posted = post(shop, category="security", digest=HOUR)
    work()
    assert state_and_reason(posted) == AT_ONCE
    answer = shop.http.put("/v1/categories/security", {"digest": {"window": 60}}, format="json")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "digest",
    [
        {},
        {"window": 0},
        {"at": "25:00"},
        {"at": "09:00", "window": 1},
        {"window": 60, "template": "unknown"},
        {"every": 1},
    ],
)
def test_a_digest_that_cannot_be_is_refused(shop, digest):
    body = {"user_id": "ada", "content": HELLO, "digest": digest}
    assert shop.http.post("/v1/notifications", body, format="json").status_code == 400


def test_subscribers_and_members_are_told_together_too(shop, work, ada):
    topic = shop.topic()
    Subscription.objects.create(topic=topic, recipient=ada, channel="push")
    assert shop.http.put("/v1/groups/team", {}, format="json").status_code == 201
    shop.post("groups/team/members", {"user_ids": ["ada"]}, status=200)
    posted = [
        shop.post("topics/news/publish", {"content": HELLO, "digest": HOUR}),
        shop.post("groups/team/notify", {"content": HELLO, "digest": HOUR, "channels": ["push"]}),
        post(shop, digest=HOUR),
    ]
    work()
    assert [state_and_reason(one) for one in posted] == [WAITS] * 3
    close_digests()
    work()
    assert len(Push.taken) == 1
    assert [state_and_reason(one) for one in posted] == [AT_ONCE] * 3
