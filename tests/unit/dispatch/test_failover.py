"""Failover: which provider is tried after a failure."""

import pytest

from notifier.dispatch.failover import FAULTS, alternatives, at_fault, rotated
from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Accepted, Held, Reason, Refused, Retry, Unknown
from notifier.providers import routes

ROUTES = routes(
    {
        "fcm": {"class": "x.X", "channel": "push", "platforms": ["android"]},
        "one": {"class": "x.X", "channel": "sms"},
        "apns": {"class": "x.X", "channel": "push", "platforms": ["ios"]},
        "two": {"class": "x.X", "channel": "sms"},
        "three": {"class": "x.X", "channel": "sms"},
    }
)


def message(channel="sms", platform="", failed_at=""):
    return Message("d", channel, "a", Content(), platform=platform, failed_at=failed_at)


def test_a_fault_is_the_providers_own_and_proves_that_it_has_not_got_the_message():
    for reason in Reason:
        assert at_fault(Retry(reason)) == at_fault(Refused(reason)) == (reason in FAULTS)
        assert not at_fault(Unknown(reason)) and not at_fault(Held(0.0, reason))
    assert not at_fault(Accepted())


@pytest.mark.parametrize(
    ("failed_at", "order"),
    [
        ("one", ["two", "three", "one"]),
        ("two", ["three", "one", "two"]),
        ("three", ["one", "two", "three"]),
        ("gone", ["one", "two", "three"]),
    ],
)
def test_the_order_goes_round_from_who_failed(failed_at, order):
    found = [route.name for route in rotated(ROUTES, failed_at) if route.takes("sms", "")]
    assert found == order


@pytest.mark.parametrize(
    ("asked", "failed_at", "shut", "next_one"),
    [
        ("one", "", (), True),
        ("one", "", ("two",), True),
        ("one", "", ("two", "three"), False),
        ("two", "one", (), True),
        ("three", "two", (), False),
        ("one", "three", (), True),
        ("one", "one", (), False),
        ("gone", "", (), False),
    ],
)
def test_behind_the_last_that_can_be_asked_the_round_is_over(asked, failed_at, shut, next_one):
    rest = alternatives(ROUTES, message(failed_at=failed_at), asked, shut)
    assert (rest.any, rest.next) == (True, next_one)


def test_a_provider_of_another_platform_is_no_other():
    rest = alternatives(ROUTES, message("push", "android"), "fcm", ())
    assert (rest.any, rest.next) == (False, False)
