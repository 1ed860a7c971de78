"""Every state and reason has words for people, and together they make sense."""

import re
from itertools import product

import pytest

from apps.delivery.operations import descriptions
from apps.delivery.state import lost_claims, resumption
from apps.preferences.models import SuppressionReason
from notifier.domain.outcomes import Reason
from notifier.domain.states import TERMINAL, WAITING, DeliveryState

#: Reasons that the SQL of transitions gives.
REFUSALS = ("no_address", "contact_disabled", "preference", "unsubscribed", "worker_lost")
#: Reasons, and after how many attempts.
TOLD = list(product(["", *descriptions.REASONS, "out_of_stamps"], (0, 2)))
NOT_SENT = r"was not sent|nothing was sent"
SENT = r"may have|was sent\b|was accepted|arrived\b"


def test_every_reason_has_words():
    modules = (resumption, lost_claims)
    texts = (value for module in modules for value in vars(module).values())
    sql = " ".join(value for value in texts if isinstance(value, str))
    assert all(f"'{reason}'" in sql for reason in REFUSALS)
    assert set(descriptions.REASONS) >= {*Reason, *SuppressionReason.values, *REFUSALS}


def test_a_reason_nobody_has_words_for_is_shown_as_it_is():
    assert descriptions.because("timeout").startswith(" because the call timed out")
    assert descriptions.because("out_of_stamps") == " because out of stamps"
    assert descriptions.because("") == ""


@pytest.mark.parametrize("state", list(DeliveryState))
def test_no_sentence_contradicts_itself(state: DeliveryState):
    for reason, attempts in TOLD:
        said = descriptions.describe(state, reason, attempts)
        assert said.count("because") <= 1
        assert len(re.findall(r"cancelled", said)) <= 1
        if state in WAITING:
            assert re.search(r"wait|is being sent", said)
        else:
            assert "wait" not in said.split(" because ")[0]
        if not attempts and state != "unknown":
            # Without a call it was neither tried nor sent, and it is not its next attempt.
            assert not re.search(r"\btried\b|next attempt|sent again", said.split(" because ")[0])
        elif state in ("suppressed", "expired", "cancelled"):
            assert not re.search(NOT_SENT, said.split(" because ")[0])
        if state in ("accepted", "delivered"):
            assert "because" not in said, "what went wrong before is over"
        if state == "unknown":
            assert not re.search(NOT_SENT, said)


def test_what_is_held_back_was_not_tried_for_that():
    for reason in descriptions.HELD:
        assert (
            descriptions.describe("retrying", reason, 0) == f"waits{descriptions.because(reason)}"
        )
    assert descriptions.describe("retrying", "timeout", 1) == (
        "was tried and waits for its next attempt: the call timed out; the provider may have it"
    )
    assert {*descriptions.REASONS} >= descriptions.HELD | descriptions.ENDED


def test_what_nobody_can_take_back_is_described_as_that():
    said = descriptions.describe("unknown", "cancelled", 1)
    assert said == (
        "may have arrived: a call to the provider went unanswered, and is not sent again because "
        "it was cancelled before it could be sent"
    )
    assert descriptions.describe("unknown", "rejected", 2) == (
        "may have arrived: a call to the provider went unanswered, and the last one failed because "
        "the provider understood the message and refuses it"
    )
    assert descriptions.describe("unknown", "timeout", 2) == (
        "may have arrived: a call to the provider went unanswered"
    )
    assert descriptions.describe("cancelled", "cancelled", 0) == (
        "was not sent: the publisher or an operator cancelled it"
    )
    assert {state for state in DeliveryState if state in TERMINAL | WAITING} == {*DeliveryState}
