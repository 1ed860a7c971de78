"""The company's frequency caps, as the environment says them."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import delivery, env
from notifier.domain.frequency import Cap, Per, Setter

CHANNELS = ("push", "sms")


@pytest.fixture(autouse=True)
def reference(monkeypatch):
    monkeypatch.setattr(env, "SETTINGS", [])


def read(monkeypatch, text):
    monkeypatch.setenv("NOTIFIER_FREQUENCY_CAPS", text)
    return delivery.frequency_caps(CHANNELS)


def test_a_channel_may_have_several(monkeypatch):
    assert read(monkeypatch, "sms:3/day, push:5/hour,push:20/day") == {
        "sms": (Cap(Setter.COMPANY, "", 3, Per.DAY),),
        "push": (Cap(Setter.COMPANY, "", 5, Per.HOUR), Cap(Setter.COMPANY, "", 20, Per.DAY)),
    }


def test_there_are_none_unless_somebody_says_so(monkeypatch):
    monkeypatch.delenv("NOTIFIER_FREQUENCY_CAPS", raising=False)
    assert delivery.frequency_caps(CHANNELS) == {}


@pytest.mark.parametrize(
    "text", ["fax:3/day", "sms", "sms:3", "sms:x/day", "sms:3/month", ":3/day"]
)
def test_what_is_no_cap_is_refused_at_the_start(monkeypatch, text):
    with pytest.raises(ImproperlyConfigured, match="NOTIFIER_FREQUENCY_CAPS"):
        read(monkeypatch, text)
