"""Every state and reason has words for people."""

from apps.delivery import words
from apps.delivery.transitions import beginning
from apps.preferences.models import SuppressionReason
from notifier.outcomes import Reason
from notifier.states import DeliveryState

#: What the SQL of transitions gives as a reason.
REFUSALS = ("no_address", "contact_disabled", "preference", "unsubscribed", "worker_lost")


def test_every_state_and_reason_has_words():
    assert set(words.STATES) == set(DeliveryState)
    sql = " ".join(value for value in vars(beginning).values() if isinstance(value, str))
    assert all(f"'{reason}'" in sql for reason in REFUSALS)
    assert set(words.REASONS) >= {*Reason, *SuppressionReason.values, *REFUSALS}


def test_a_reason_nobody_has_words_for_is_shown_as_it_is():
    assert words.because("timeout").startswith(" because no answer came in time")
    assert words.because("out_of_stamps") == " because out of stamps"
    assert words.because("") == ""
