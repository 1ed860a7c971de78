"""Attempts over time with latencies, from minutes and from what they are added up to."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from apps.delivery.maintenance import retention
from apps.delivery.models import Attempt, MinuteCount, SpanCount
from apps.delivery.monitoring import attempts
from apps.delivery.state import counts
from notifier.domain.histograms import BUCKETS, bucket
from tests.support.database import table_locked
from tests.support.deliveries.signed_receipts import (
    EMAIL,
    by_sendgrid,
    callback,
    post_receipt,
    read_receipts,
)
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import delivery_of

__all__ = ["callback"]  # a fixture

HELLO = {"title": "Hello", "body": "There"}
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def recently(step: timedelta = MINUTE) -> list[attempts.Step]:
    """The attempts of about the last hour, this minute's with them."""
    beginning = datetime(1970, 1, 1, tzinfo=UTC)
    until = beginning + ((timezone.now() - beginning) // step + 2) * step
    return attempts.steps(until - 2 * HOUR - 2 * step, until, step)


def summed(what: str, *histogram: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for step in recently():
        value = getattr(step, what)
        found[step.provider] += sum(value) if histogram else value
    return {name: number for name, number in found.items() if number}


def notify(shop, priority="normal", **contacts):
    person = recipient(f"u{next(shop.names)}", **contacts)
    body = {"user_id": person.user_id, "channels": [*contacts], "priority": priority}
    return shop.post("notifications", body | {"content": HELLO})


def test_calls_are_counted_with_how_long_they_took(shop, providers, work):
    for number in range(3):
        notify(shop, sms=f"+4366412340{number:03}")
    notify(shop, email="ada@example.com")
    work()
    assert summed("accepted") == {"twilio": 3, "sendgrid": 1}
    took = Counter((row.provider, bucket(row.duration_ms)) for row in Attempt.objects.all())
    found: Counter[tuple[str, int]] = Counter()
    for step in recently():
        for place, number in enumerate(step.durations):
            found[step.provider, place] += number
    assert +found == took
    assert summed("waits", "of") == {}, "nothing was urgent"


def test_at_high_priority_the_wait_for_the_first_call_is_counted(shop, providers, work):
    notify(shop, "high", sms="+43664123400")
    notify(shop, "low", sms="+43664123401")
    work()
    assert summed("accepted") == {"twilio": 2}
    assert summed("durations", "of") == {"twilio": 2}
    assert summed("waits", "of") == {"twilio": 1}


def test_only_the_first_call_waited(shop, providers, work, wake):
    providers.client.behave("twilio", "503")
    notify(shop, "high", sms="+43664123400")
    work()
    providers.client.heal()
    wake()
    work()
    assert (summed("failed"), summed("accepted")) == ({"twilio": 1}, {"twilio": 1})
    assert summed("waits", "of") == {"twilio": 1}


def test_what_arrived_is_counted_when_somebody_says_so(shop, callback, work):
    posted = notify(shop, email=EMAIL)
    work()
    assert summed("delivered") == {}
    for _ in range(2):
        post_receipt(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
        read_receipts()
    assert summed("delivered") == {"sendgrid": 1}
    assert summed("accepted") == {"sendgrid": 1}, "a receipt is no call"


def test_a_receipt_does_not_wait_for_the_table_and_is_counted_later(shop, callback, work):
    posted = notify(shop, email=EMAIL)
    work()
    post_receipt(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
    try:
        with table_locked("delivery_minutecount", "SHARE"):
            read_receipts()
        assert delivery_of(shop, posted)["state"] == "delivered"
        assert summed("delivered") == {}
    finally:
        counts._blocked.until = 0.0  # some seconds later
    notify(shop, email="eve@example.com")
    work()
    assert summed("delivered") == {"sendgrid": 1}


# -- Added up ---------------------------------------------------------------------------------


def count(minute, provider="twilio", outcome="accepted", number=1, slot=0, took=0, **fields):
    latencies = [0] * BUCKETS
    latencies[took] = number
    values = {"latencies": latencies, "reason": "" if outcome == "accepted" else "busy"}
    MinuteCount.objects.create(
        minute=minute,
        channel="sms",
        provider=provider,
        outcome=outcome,
        slot=slot,
        count=number,
        **(values | fields),
    )


@pytest.fixture
def days(transactional_db) -> datetime:
    """Attempts of 45 hours, some of them written by the version before; the hour that follows."""
    until = timezone.now().replace(minute=0, second=0, microsecond=0) + HOUR
    for hour in range(1, 45):
        for minute in (0, 4, 5, 59):
            at = until - hour * HOUR + minute * MINUTE
            for slot in range(2):
                count(at, number=hour + slot, slot=slot, took=minute % 5, delivered=1)
            count(at, "other", "retry", number=2, took=9)
    count(until - 30 * HOUR + 7 * MINUTE, number=5, latencies=None)
    count(until - 3 * HOUR + 7 * MINUTE, number=1, latencies=[1] + [0] * 23 + [0, 1] + [0] * 22)
    return until


@pytest.mark.parametrize("minutes", [1, 5, 15, 60, 240])
def test_what_is_added_up_is_what_the_minutes_were(days, minutes):
    step = minutes * MINUTE
    beginning = datetime(1970, 1, 1, tzinfo=UTC)
    until = beginning + ((days - beginning) // step + 1) * step
    since = until - (44 * HOUR // step) * step
    before = attempts.steps(since, until, step)
    reasons = attempts.errors(since, until, step, 5)
    assert before and reasons[0].count > 300
    retention.purge()
    assert SpanCount.objects.filter(seconds=3600).count() > 80
    assert attempts.steps(since, until, step) == before
    retention.purge()
    assert attempts.steps(since, until, step) == before, "once is enough"
    assert attempts.errors(since, until, step, 5) == reasons


def test_hours_outlive_their_minutes(days):
    step, since = HOUR, days - 44 * HOUR
    before = attempts.steps(since, days, step)
    retention.purge()
    MinuteCount.objects.filter(minute__lt=days - 3 * HOUR).delete()
    SpanCount.objects.filter(seconds=300).delete()
    assert attempts.steps(since, days - 3 * HOUR, step) == [
        one for one in before if one.since < days - 3 * HOUR
    ]


def test_minutes_past_their_retention_are_added_up_before_they_go(days):
    """Nothing deleted or added up anything for days."""
    MinuteCount.objects.update(minute=F("minute") - timedelta(days=3))
    step, until = HOUR, days - timedelta(days=3)
    before = attempts.steps(until - 40 * HOUR, until, step)
    assert before
    retention.purge()
    assert not MinuteCount.objects.exists()
    assert attempts.steps(until - 40 * HOUR, until, step) == before


def test_one_provider_is_read_alone(days):
    found = attempts.steps(days - 44 * HOUR, days, HOUR, "other")
    assert {one.provider for one in found} == {"other"}
    assert {(one.accepted, one.failed) for one in found} == {(0, 8)}
    assert attempts.errors(days - 44 * HOUR, days, HOUR, 5, "twilio") == []
    assert attempts.errors(days - HOUR, days, HOUR, 5, "other") == [
        attempts.Error("sms", "other", "busy", 8)
    ]


def test_spans_are_kept_as_long_as_charts_show_them(days):
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    for seconds, ages in {300: (47, 49), 3600: (31 * 24, 34 * 24, 36 * 24)}.items():
        for hours in ages:
            SpanCount.objects.create(
                seconds=seconds,
                since=now - hours * HOUR,
                channel="sms",
                provider="kept",
                accepted=hours,
                failed=0,
                delivered=0,
                reasons={},
                latencies=[0] * BUCKETS,
            )
    retention.purge()
    kept = SpanCount.objects.filter(provider="kept").values_list("seconds", "accepted")
    assert sorted(kept) == [(300, 47), (3600, 31 * 24), (3600, 34 * 24)]


def test_rows_of_the_version_before_are_counted_without_latencies(execute, shop, providers, work):
    """The statement of the version before, which knows none of the new columns."""
    notify(shop, sms="+43664123400")
    work()
    execute(
        """INSERT INTO delivery_minutecount
                       (minute, channel, provider, outcome, reason, slot, count)
           SELECT date_trunc('minute', clock_timestamp(), 'UTC'), 'sms', 'twilio', 'accepted', '',
                  slot, 10 FROM generate_series(0, 7) slot
           ON CONFLICT (minute, channel, provider, outcome, reason, slot)
           DO UPDATE SET count = delivery_minutecount.count + excluded.count"""
    )
    notify(shop, sms="+43664123401")
    work()
    assert summed("accepted") == {"twilio": 82}
    assert summed("durations", "of") == {"twilio": 2}
