"""The fallback of a notification, as its row says it."""

from types import SimpleNamespace

import pytest

from apps.delivery.state import fallback
from apps.delivery.state.fallback import Fallback


@pytest.mark.parametrize(
    ("channel", "after", "expected"),
    [
        ("sms", 60, Fallback("sms", 60)),
        ("sms", 0, Fallback("sms", 0)),
        ("sms", None, None),
        ("", 60, None),
        ("", None, None),
    ],
)
def test_a_notification_has_a_fallback_where_it_says_channel_and_time(channel, after, expected):
    row = SimpleNamespace(fallback_channel=channel, fallback_after=after)
    assert fallback.of(row) == expected


def test_providers_report_that_have_receipts(settings):
    settings.PROVIDERS = {
        "twilio": {"channel": "sms", "receipts": "some.module"},
        "fcm": {"channel": "push"},
    }
    assert fallback.reporting() == ["twilio"]
