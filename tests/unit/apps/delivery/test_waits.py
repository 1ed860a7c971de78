"""Waits of chunks and deliveries, by their retry policies."""

import logging

import pytest

from apps.core import clock
from apps.delivery.models import Notification
from apps.delivery.outbox import claims, pending
from apps.delivery.outbox.queues import Queue
from apps.delivery.state import ClaimBudget, deferral, fallback, ordering, retry_policies
from notifier.domain.backoff import RetryPolicy


@pytest.mark.parametrize(("paused", "waits"), [(0, 5), (5, 5), (20, 20), (60, 60), (3600, 60)])
def test_what_is_paused_waits_as_long_as_the_pause_has_lasted_within_bounds(
    monkeypatch: pytest.MonkeyPatch, paused: int, waits: int
) -> None:
    monkeypatch.setattr(clock, "now", lambda: 10_000.0)
    assert deferral.seconds(10_000.0 - paused) == waits


def test_a_notification_falls_back_where_it_names_a_channel_and_a_time() -> None:
    row = Notification(fallback_channel="sms", fallback_after=0)
    assert fallback.of(row) == fallback.Fallback("sms", 0)
    assert fallback.of(Notification(fallback_channel="", fallback_after=5)) is None
    assert fallback.of(Notification(fallback_channel="sms", fallback_after=None)) is None


def test_providers_with_receipts_are_those_whose_settings_name_some(settings) -> None:
    settings.PROVIDERS = {"twilio": {"class": "x", "receipts": {}}, "fcm": {"class": "y"}}
    assert fallback.reporting() == ["twilio"]


# -- Retry policies ---------------------------------------------------------------------------


def test_a_stored_policy_is_read_with_its_endpoint() -> None:
    stored = {"schedule": [1, 5], "attempts": 4, "after_last": {"contact_id": 7}}
    assert retry_policies.parse(stored) == retry_policies.OwnPolicy(RetryPolicy((1, 5, 5)), 7)
    assert retry_policies.parse({"schedule": [1]}).endpoint is None
    assert retry_policies.parse({"schedule": [1], "after_last": "dead_letter"}).endpoint is None


@pytest.mark.parametrize("wrong", [{}, {"schedule": 7}, {"schedule": [1], "attempts": "many"}])
def test_rules_that_cannot_be_read_are_logged_and_leave_the_channels(wrong, caplog) -> None:
    with caplog.at_level(logging.ERROR):
        found = retry_policies.parse({**wrong, "after_last": {"contact_id": 7}})
    assert found == retry_policies.OwnPolicy(None, 7)
    assert "a retry policy cannot be read" in caplog.text


def test_a_channel_allows_one_attempt_more_than_it_has_waits(settings) -> None:
    settings.RETRY_SCHEDULES = {"sms": (1.0, 2.0), "inbox": ()}
    assert retry_policies.most_attempts() == {"sms": 3, "inbox": 1}


def test_no_policies_are_looked_for_where_nothing_failed() -> None:
    """There is no database here."""
    assert retry_policies.of_subscriptions([]) == {}
    ordering.release_next([])


# -- Claims and queues ------------------------------------------------------------------------


def test_a_budget_is_what_is_left_of_it() -> None:
    budget = ClaimBudget(claim_id=1, channel="sms", priority="high", most=10)
    assert budget.spent(4).most == 6
    assert budget.spent(4)._replace(most=10) == budget


def test_ids_of_claims_are_the_time_and_ten_random_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims.time, "time_ns", lambda: 1_700_000_000_123_456_789)
    found = {claims.new_id() for _ in range(20_000)}
    assert {one >> 10 for one in found} == {1_700_000_000_123_456}
    assert {one & 1023 for one in found} == set(range(1024))


def test_queues_are_named_by_channel_and_priority_or_as_audiences() -> None:
    assert Queue("sms", "high").name == Queue("sms", "high").task == "deliver.sms.high"
    assert Queue("", "low").name == Queue("", "low").task == "fanout.low"


def test_chunks_that_were_cut_stay_and_named_ones_go() -> None:
    assert pending.consume([], []) == ""
    pending.execute("")
    both = pending.consume([1, 2], [3])
    assert both == pending.consume([1, 2], []) + pending.consume([], [3])
    assert "state = 'done'" in pending.consume([1], []) and "DELETE" in pending.consume([], [1])
