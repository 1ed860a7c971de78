"""What waited for the end of quiet hours is judged anew."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.delivery.models import Chunk, Delivery
from apps.inbox.models import InboxItem
from apps.preferences.models import Preference
from apps.preferences.quiet_hours import schedules, services
from tests.support.deliveries.engine import work_once
from tests.support.deliveries.quiet_hours import Push, Texts, around_now, be_quiet, end_of
from tests.support.publishers.shop import HELLO


@pytest.fixture
def waiting(shop, ada, work):
    """A notification on push and in the inbox, whose push waits."""
    be_quiet("ada", around_now())
    body = {"user_id": "ada", "channels": ["push", "inbox"], "content": HELLO}
    posted = shop.post("notifications", body)
    work()
    assert state_and_reason() == ("retrying", "quiet_hours")
    return posted


@pytest.fixture
def morning(work, wake):
    """Let the quiet hours end."""

    def run():
        be_quiet("ada", around_now(ahead=3))
        wake()
        work()

    return run


def state_and_reason(channel="push"):
    row = Delivery.objects.get(channel=channel)
    return row.state, row.reason


def test_it_is_sent_when_the_quiet_hours_are_over(waiting, morning):
    morning()
    assert state_and_reason() == ("accepted", "")
    assert Delivery.objects.get(channel="push").attempts == 1
    assert len(Push.calls) == 1


def test_it_goes_on_waiting_where_it_is_still_quiet(waiting, wake, work):
    before = Delivery.objects.get(channel="push").next_attempt_at
    wake()
    work()
    row = Delivery.objects.get(channel="push")
    assert (row.state, row.reason, row.attempts) == ("retrying", "quiet_hours", 0)
    assert row.next_attempt_at == before
    assert Push.calls == []


def test_it_is_not_sent_to_who_has_read_it_since(waiting, morning, shop):
    InboxItem.objects.update(read_at="2026-01-01T00:00:00Z")
    morning()
    assert state_and_reason() == ("suppressed", "read")
    assert Push.calls == []
    rows = shop.get(f"notifications/{waiting['id']}/deliveries", channel="push")["data"]
    assert rows[0]["reason_text"] == "they have read it meanwhile"


def test_it_is_not_sent_to_who_has_refused_it_since(waiting, morning, ada):
    Preference.objects.create(recipient=ada, channel="push", allowed=False)
    morning()
    assert state_and_reason() == ("suppressed", "preference")


def test_it_is_not_sent_once_it_was_cancelled(waiting, morning, shop):
    shop.post(f"notifications/{waiting['id']}/cancel", {}, status=200)
    assert state_and_reason()[0] == "cancelled"
    morning()
    assert Push.calls == []


def test_what_was_deferred_is_judged_at_once_when_the_person_changes_their_hours(
    waiting, ada, work
):
    services.replace(ada.pk, schedules.parse({"windows": []}))
    work()
    assert state_and_reason() == ("accepted", "")


def test_the_fallback_keeps_its_distance_and_is_not_needed(shop, ada, work):
    be_quiet("ada", around_now())
    sms = {"channel": "sms", "after_seconds": 1800}
    body = {"user_id": "ada", "channels": ["push"], "fallback": sms, "content": HELLO}
    shop.post("notifications", body)
    work()
    Chunk.objects.update(ready_at="2020-01-01T00:00:00Z")
    work()
    push, text = (Delivery.objects.get(channel=channel) for channel in ("push", "sms"))
    assert text.reason == "quiet_hours"
    apart = text.next_attempt_at - push.next_attempt_at
    assert abs(apart - timedelta(seconds=1800)) < timedelta(milliseconds=1)
    assert push.next_attempt_at >= end_of(around_now())
    be_quiet("ada", None)
    Delivery.objects.filter(channel="push").update(next_attempt_at="2020-01-01T00:00:00Z")
    while work_once():
        pass
    Delivery.objects.filter(channel="push").update(state="delivered")
    Delivery.objects.filter(channel="sms").update(next_attempt_at="2020-01-01T00:00:00Z")
    while work_once():
        pass
    assert state_and_reason("sms") == ("suppressed", "reached")
    assert Texts.calls == []


@pytest.fixture
def both(shop, ada, work):
    """A push and the text that stands in for it after some time, which both wait."""

    def post(after=1800, channel="sms", **more):
        be_quiet("ada", around_now(hours=8))
        fallback = {"channel": channel, "after_seconds": after}
        body = {"user_id": "ada", "channels": ["push"], "fallback": fallback, "content": HELLO}
        posted = shop.post("notifications", {**body, **more})
        work()
        Chunk.objects.update(ready_at="2020-01-01T00:00:00Z")
        work()
        return posted

    return post


def run_all():
    while work_once():
        pass


def test_a_fallback_whose_distance_ends_in_the_next_quiet_hours_waits_for_their_end(both):
    both(after=57_600)
    push, text = (Delivery.objects.get(channel=channel) for channel in ("push", "sms"))
    assert text.reason == "quiet_hours"
    # Sixteen hours after this end it is quiet again; the end of that is a day after this one.
    apart = text.next_attempt_at - push.next_attempt_at
    assert abs(apart - timedelta(days=1)) < timedelta(milliseconds=1)


def test_a_fallback_keeps_its_distance_when_the_person_changes_their_hours(both, ada, work):
    both()
    services.replace(ada.pk, schedules.parse({"windows": []}))
    due = Delivery.objects.get(channel="sms").next_attempt_at
    assert abs(due - datetime.now(UTC) - timedelta(seconds=1800)) < timedelta(seconds=30)
    work()
    assert state_and_reason() == ("accepted", "")
    assert (len(Push.calls), Texts.calls) == (1, [])


def test_what_a_fallback_reached_the_person_with_at_night_is_not_sent_in_the_morning(both, morning):
    both(channel="email")
    assert state_and_reason("email") == ("accepted", "")
    morning()
    assert state_and_reason() == ("suppressed", "reached")
    assert Push.calls == []


def test_a_fallback_asks_whether_it_is_needed_whatever_it_waited_for_last(both):
    both()
    Delivery.objects.filter(channel="push").update(state="delivered", next_attempt_at=None)
    be_quiet("ada", None)
    Delivery.objects.filter(channel="sms").update(
        reason="topic_paused", next_attempt_at="2020-01-01T00:00:00Z"
    )
    run_all()
    assert state_and_reason("sms") == ("suppressed", "reached")
    assert Texts.calls == []


def test_what_waits_is_judged_at_once_when_a_service_changes_the_persons_zone(waiting, shop, work):
    body = {"time_zone": "Asia/Kathmandu"}
    answer = shop.http.put("/v1/recipients/ada", body, format="json")
    assert answer.status_code == 200, answer.json()
    work()
    assert state_and_reason() == ("accepted", "")
