"""What waits in quiet hours, until when, and what does not wait."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.delivery.models import Attempt, Delivery, Notification
from apps.delivery.operations.explain import explain
from apps.delivery.sending.quiet_hours import TOGETHER, share_of
from apps.preferences.models import Group, Membership, Recipient
from apps.preferences.quiet_hours import schedules, services
from notifier.domain.outcomes import Accepted, Reason, Retry
from tests.support.deliveries.quiet_hours import Mail, Push, Texts, around_now, be_quiet, end_of
from tests.support.deliveries.workers import claim
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO

SPREAD = timedelta(seconds=600 + 2)


@pytest.fixture(autouse=True)
def at_night(ada):
    be_quiet("ada", around_now())


def post(shop, **body):
    whole = {"user_id": "ada", "channels": ["push"], "content": HELLO, **body}
    return shop.post("notifications", whole)


def delivery(posted, channel="push"):
    return Delivery.objects.get(notification_id=posted["id"], channel=channel)


def state_and_reason(posted, channel="push"):
    row = delivery(posted, channel)
    return row.state, row.reason


WAITS = ("retrying", "quiet_hours")


def test_what_disturbs_waits_for_the_end_and_uses_up_no_attempt(shop, work):
    posted = post(shop, channels=["push", "sms", "email", "inbox"])
    work()
    end = end_of(around_now())
    for channel in ("push", "sms"):
        row = delivery(posted, channel)
        assert (row.state, row.reason, row.attempts) == ("retrying", "quiet_hours", 0)
        assert end <= row.next_attempt_at <= end + SPREAD
    assert state_and_reason(posted, "email") == ("accepted", "")
    assert state_and_reason(posted, "inbox") == ("delivered", "")
    assert (Push.calls, Texts.calls, len(Mail.calls)) == ([], [], 1)
    assert not Attempt.objects.filter(delivery_id=delivery(posted).pk).exists()
    assert shop.counts(posted)["push"] == {"retrying": 1}
    assert shop.get(f"notifications/{posted['id']}")["state"] == "sending"


def test_all_messages_to_a_person_wait_until_the_same_moment(shop, work):
    first, second = post(shop), post(shop)
    work()
    assert delivery(first).next_attempt_at == delivery(second).next_attempt_at


def test_people_are_spread_over_the_time_after_the_end(shop, work):
    names = [f"person-{number}" for number in range(3 * TOGETHER)]
    for name in names:
        recipient(name, push_android=f"token-{name}")
        be_quiet(name, around_now())
    shop.post("notifications", {"user_ids": names, "channels": ["push"], "content": HELLO})
    work()
    due = {row.recipient_id: row.next_attempt_at for row in Delivery.objects.all()}
    assert len(due) == len(names)
    neighbours = {recipient_id // TOGETHER for recipient_id in due}
    assert len(set(due.values())) == len(neighbours) >= 3, "neighbours in one moment"
    shares = [share_of(number * TOGETHER) for number in range(10_000)]
    for tenth in range(10):
        assert 900 < sum(tenth <= 10 * share < tenth + 1 for share in shares) < 1100


def test_what_has_waited_is_judged_once(shop, work, ada):
    subscribe(shop.topic(), ada, "push")
    shop.post("topics/news/publish", {"content": HELLO, "channels": ["push"]})
    work()
    be_quiet("ada", None)
    Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    with CaptureQueriesContext(connection) as asked:
        assert len(claim("push").deliveries) == 1
    [resumed] = [one["sql"] for one in asked if "'unsubscribed'" in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {resumed}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert plan.count(" on preferences_suppression ") == 1, plan
    assert "hashed" not in plan, "a table of all subscriptions"


@pytest.mark.parametrize("audience", ["topic", "group"])
def test_it_waits_as_a_subscriber_or_a_member_too(shop, work, ada, audience):
    topic = shop.topic()
    subscribe(topic, ada, "push")
    group = Group.objects.create(name="friends", publisher_id=shop.id)
    Membership.objects.create(group=group, recipient=ada)
    path = "topics/news/publish" if audience == "topic" else "groups/friends/notify"
    posted = shop.post(path, {"content": HELLO, "channels": ["push"]})
    work()
    assert state_and_reason(posted) == WAITS


def test_high_priority_and_critical_categories_go_through(shop, work):
    answer = shop.http.put("/v1/categories/security", {"kind": "critical"}, format="json")
    assert answer.status_code == 201
    for body in ({"priority": "high"}, {"category": "security"}):
        posted = post(shop, **body)
        work()
        assert state_and_reason(posted) == ("accepted", ""), body


def test_a_mandatory_topic_may_wait(shop, work, ada):
    subscribe(shop.topic(mandatory=True), ada, "push")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert state_and_reason(posted) == WAITS


def test_email_waits_where_the_schedule_names_it(shop, work):
    be_quiet("ada", around_now("email"))
    posted = post(shop, channels=["push", "email"])
    work()
    assert state_and_reason(posted, "email") == WAITS
    assert state_and_reason(posted, "push") == ("accepted", "")


def test_nothing_waits_outside_of_the_windows(shop, work):
    be_quiet("ada", around_now(ahead=3))
    posted = post(shop)
    work()
    assert state_and_reason(posted) == ("accepted", "")


def test_the_hours_are_those_of_the_persons_zone(shop, work, settings):
    Recipient.objects.filter(user_id="ada").update(time_zone="Asia/Kathmandu")  # 5:45 ahead
    posted = post(shop)
    work()
    assert state_and_reason(posted) == ("accepted", "")
    settings.DEFAULT_TIME_ZONE = "Asia/Kathmandu"
    Recipient.objects.filter(user_id="ada").update(time_zone="UTC")  # what everybody has at first
    posted = post(shop)
    work()
    assert state_and_reason(posted) == ("accepted", "")
    Recipient.objects.filter(user_id="ada").update(time_zone="Etc/UTC")
    posted = post(shop)
    work()
    assert state_and_reason(posted) == WAITS


def test_a_zone_that_is_not_known_here_is_the_default_one(shop, work):
    Recipient.objects.filter(user_id="ada").update(time_zone="Mars/Olympus")
    posted = post(shop)
    work()
    assert state_and_reason(posted) == WAITS


def test_a_schedule_that_cannot_be_read_is_none(shop, work):
    be_quiet("ada", {"windows": "always"})
    posted = post(shop)
    work()
    assert state_and_reason(posted) == ("accepted", "")


def test_the_companys_apply_to_who_has_none_of_their_own(shop, work, settings):
    settings.QUIET_HOURS = json.dumps(around_now("sms"))
    be_quiet("ada", None)
    posted = post(shop, channels=["push", "sms"])
    work()
    assert state_and_reason(posted, "sms") == WAITS
    assert state_and_reason(posted, "push") == ("accepted", "")
    be_quiet("ada", {"windows": [], "channels": ["push", "sms"]})
    posted = post(shop, channels=["sms"])
    work()
    assert state_and_reason(posted, "sms") == ("accepted", ""), "who has chosen none has none"


def test_a_bare_endpoint_has_no_quiet_hours(shop, work, settings):
    settings.QUIET_HOURS = json.dumps(around_now("email"))
    shop.topic()
    shop.post(
        "topics/news/subscriptions", {"channel": "email", "address": "desk@example.com"}, status=200
    )
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert state_and_reason(posted, "email") == ("accepted", "")


def test_another_attempt_waits_like_the_first(shop, work, wake):
    be_quiet("ada", None)
    Push.answer = staticmethod(lambda message: Retry(Reason.PROVIDER_ERROR))
    posted = post(shop)
    work()
    be_quiet("ada", around_now())
    Push.answer = staticmethod(lambda message: Accepted("id"))
    wake()
    work()
    row = delivery(posted)
    assert (row.state, row.reason, row.attempts) == ("retrying", "quiet_hours", 1)


def test_what_expires_before_the_end_is_not_sent_and_says_so_when_it_expires(shop, work, wake):
    expires = datetime.now(UTC) + timedelta(minutes=10)
    posted = post(shop, expires_at=expires.isoformat())
    work()
    row = delivery(posted)
    assert row.reason == "quiet_hours"
    assert abs(row.next_attempt_at - expires) < timedelta(milliseconds=1)
    Notification.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    wake()
    work()
    assert delivery(posted).state == "expired"
    assert Push.calls == []


def test_messages_under_an_ordering_key_stay_in_their_order(shop, work, wake):
    first = post(shop, ordering_key="order-7")
    work()
    be_quiet("ada", None)
    second = post(shop, ordering_key="order-7")
    work()
    assert state_and_reason(first) == WAITS
    assert state_and_reason(second) == ("retrying", "in_order")
    assert Push.calls == []
    Delivery.objects.filter(pk=delivery(first).pk).update(next_attempt_at="2020-01-01T00:00:00Z")
    work()
    assert state_and_reason(first) == state_and_reason(second) == ("accepted", "")
    assert len(Push.calls) == 2


@pytest.fixture
def behind(shop, work):
    """Post a message and one behind it under the same key, which is not quiet by itself."""

    def run(**body):
        first = post(shop, ordering_key="order-7")
        work()
        be_quiet("ada", None)
        second = post(shop, ordering_key="order-7", **body)
        work()
        assert (state_and_reason(first), state_and_reason(second)) == (
            WAITS,
            ("retrying", "in_order"),
        )
        return first, second

    return run


def test_what_is_behind_one_that_waits_for_quiet_hours_waits_as_long(behind):
    first, second = map(delivery, behind())
    assert second.next_attempt_at == first.next_attempt_at


def test_what_expires_behind_one_that_waits_for_quiet_hours_is_due_then(behind):
    expires = datetime.now(UTC) + timedelta(minutes=20)
    second = delivery(behind(expires_at=expires.isoformat())[1])
    assert abs(second.next_attempt_at - expires) < timedelta(milliseconds=1)


def test_quiet_hours_that_end_early_release_what_is_behind_as_well(behind, ada, work):
    first, second = behind()
    services.replace(ada.pk, schedules.parse({"windows": []}))
    work()
    assert state_and_reason(first) == state_and_reason(second) == ("accepted", "")
    assert len(Push.calls) == 2


def test_why_says_until_when_and_by_whose_schedule(shop, work, ada, settings):
    Recipient.objects.filter(user_id="ada").update(time_zone="Etc/UTC")
    posted = post(shop)
    work()
    row = delivery(posted)
    [shown] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert shown["reason"] == "quiet_hours"
    assert shown["reason_text"] == "of the quiet hours that they have chosen"
    told = explain(Recipient.objects.get(), Notification.objects.get(pk=posted["id"]))
    said = " ".join(sentence.text for sentence in told.channels["push"])
    assert "waits because of the quiet hours that they have chosen" in said
    there = row.next_attempt_at.astimezone(schedules.zone_of("Etc/UTC"))
    assert f"Where they are (Etc/UTC) that is on {there:%A, %H:%M}." in said
    be_quiet("ada", None)
    settings.QUIET_HOURS = json.dumps(around_now(hours=20))
    posted = post(shop)
    work()
    [shown] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert shown["reason_text"] == "of the company's quiet hours"
