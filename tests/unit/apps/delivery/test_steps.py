"""The plan of a fallback with steps, as a notification stores it."""

from apps.delivery.intake import fallbacks
from apps.delivery.state.steps import plan
from apps.delivery.state.steps.plan import Step

FIRST = Step(1, "email", 300, 300, "read")
SECOND = Step(2, "sms", 60, 360, "acknowledged", group_id=7)


def test_what_is_stored_is_read_again():
    stored = plan.stored([FIRST, SECOND])
    assert stored is not None and plan.of(stored) == (FIRST, SECOND)
    assert "group_id" not in stored[0], "its absence says that it is for the same people"


def test_without_steps_nothing_is_stored():
    assert plan.stored([]) is None and plan.of(None) == ()


def test_one_for_a_group_is_shared_by_all():
    assert plan.shared([FIRST, SECOND]) and not plan.shared([FIRST])


def test_steps_are_found_with_their_places_in_the_request():
    body = {"channel": "email", "after": 5, "then": {"channel": "sms", "after": 6, "group": "a"}}
    first, second = fallbacks.levels(body)
    assert (first.path, first.channel, first.to_group) == ("fallback", "email", False)
    assert (second.path, second.channel, second.to_group) == ("fallback/then", "sms", True)
    assert fallbacks.Plan([first, second]).taken == {"email"}
