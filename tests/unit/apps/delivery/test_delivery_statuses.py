"""Matching a receipt with one of the messages of its delivery."""

from uuid import UUID

import pytest

from apps.delivery import state
from apps.delivery.state import DeliveryStatus


def status(current: str = "accepted", message_id: str = "SM1", *unanswered: str) -> DeliveryStatus:
    return DeliveryStatus(
        id=1,
        state=current,
        notification_id=UUID(int=1),
        channel="sms",
        provider="twilio",
        message_id=message_id,
        contact_id=1,
        unanswered=unanswered,
    )


def test_a_provider_took_the_message_whose_id_it_gave() -> None:
    assert status().took("twilio", "SM1")
    assert not status().took("twilio", "SM2")
    assert not status().took("other", "SM1")


@pytest.mark.parametrize("current", ["accepted", "delivered", "bounced"])
def test_a_provider_that_gave_no_id_took_what_it_accepted(current: str) -> None:
    assert status(current, "").took("twilio", "SM1")
    assert not status(current, "").took("other", "SM1")


@pytest.mark.parametrize("current", ["queued", "sending", "retrying", "unknown", "dead", "failed"])
def test_a_provider_that_gave_no_id_has_not_taken_what_it_did_not_accept(current: str) -> None:
    assert not status(current, "").took("twilio", "SM1")


def test_a_call_without_an_answer_may_have_left_a_message_at_its_provider() -> None:
    assert status("retrying", "", "twilio").may_have("twilio")
    assert not status("retrying", "", "twilio").may_have("other")
    assert not status("retrying", "").may_have("twilio")


def test_a_lost_worker_may_have_called_any_provider() -> None:
    assert status("retrying", "", "").may_have("twilio")


def test_a_state_is_about_the_message_with_its_id() -> None:
    assert status("accepted", "SM1", "twilio", "twilio").was_sent_as("twilio", "SM1")
    assert not status("accepted", "SM1").was_sent_as("twilio", "SM2")


@pytest.mark.parametrize(("unanswered", "known"), [(0, True), (1, True), (2, False)])
def test_without_an_id_a_state_is_about_a_message_while_there_is_only_one(
    unanswered: int, known: bool
) -> None:
    found = status("unknown", "", *["twilio"] * unanswered)
    assert found.was_sent_as("twilio", "SM1") is known


def test_nothing_is_locked_read_or_moved_where_nothing_is_asked_for() -> None:
    """There is no database here."""
    assert state.lock_statuses([]) == state.read_statuses([]) == {}
    state.apply_receipts([])
    assert state.make_dead_letters([]) == 0
