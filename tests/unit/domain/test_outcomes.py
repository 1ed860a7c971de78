"""Outcomes, and the details that are kept of them."""

import pytest

from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import FAULT, Accepted, Reason, Refused, clip
from notifier.domain.states import TERMINAL, WAITING, DeliveryState, may_move


def test_a_detail_is_on_one_line() -> None:
    assert clip("  an error\n of\tthe provider ") == "an error of the provider"


@pytest.mark.parametrize(("length", "kept"), [(299, "x" * 299), (300, "x" * 300)])
def test_a_detail_of_up_to_300_characters_is_kept(length: int, kept: str) -> None:
    assert clip("x" * length) == kept


def test_a_longer_detail_is_cut_to_300_characters_and_shows_that_it_was() -> None:
    assert clip("x" * 301) == "x" * 299 + "…"


def test_an_outcome_claims_no_more_than_its_provider_said() -> None:
    assert not Accepted().delivered
    assert not Refused(Reason.REJECTED).disable_contact


def test_a_message_is_sent_for_the_first_time_unless_it_says_otherwise() -> None:
    assert Message("dlv_1", "sms", "+12025550123", Content()).attempt == 1


def test_every_state_either_waits_or_is_terminal() -> None:
    assert WAITING == {"queued", "sending", "retrying"}
    assert sorted(WAITING | TERMINAL) == sorted(DeliveryState)
    assert WAITING.isdisjoint(TERMINAL)


def test_a_delivery_moves_only_as_the_table_says() -> None:
    assert may_move(DeliveryState.QUEUED, DeliveryState.SENDING)
    assert not may_move(DeliveryState.QUEUED, DeliveryState.DELIVERED)
    assert FAULT[Reason.TIMEOUT] == "provider"
