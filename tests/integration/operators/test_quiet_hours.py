"""Quiet hours on a recipient's page in the admin."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.delivery.models import Delivery
from apps.preferences.models import Recipient
from tests.support.deliveries.quiet_hours import around_now, be_quiet, carriers
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import HELLO, Shop

__all__ = ["carriers"]  # a fixture
FIELDS = {"locale": "de", "time_zone": "Etc/UTC"}


@pytest.fixture
def ada(shop: Shop, carriers: None) -> Recipient:
    return recipient("ada", push_android="token-ada")


def page(person: Recipient) -> str:
    return reverse("admin:preferences_recipient_change", args=[person.pk])


def test_a_page_shows_whose_they_are_and_until_when(operator: Client, ada, settings: Any):
    assert "They have none." in operator.get(page(ada)).content.decode()
    settings.QUIET_HOURS = json.dumps(around_now())
    shown = operator.get(page(ada)).content.decode()
    assert "The company&#x27;s, on push, sms, in UTC." in shown
    assert "It is quiet until" in shown
    be_quiet("ada", around_now("email", ahead=3))
    shown = operator.get(page(ada)).content.decode()
    assert "Their own, on email, in UTC." in shown and "It is quiet until" not in shown


def test_an_operator_changes_them_and_what_waits_is_judged_anew(
    operator: Client, ada, shop: Shop, work: Any
):
    be_quiet("ada", around_now())
    shop.post("notifications", {"user_id": "ada", "channels": ["push"], "content": HELLO})
    work()
    assert Delivery.objects.get().reason == "quiet_hours"
    changed = {**FIELDS, "quiet_hours": json.dumps({"windows": []})}
    assert operator.post(page(ada), changed).status_code == 302
    ada.refresh_from_db()
    assert ada.quiet_hours == {"windows": [], "channels": ["push", "sms"]}
    work()
    assert Delivery.objects.get().state == "accepted"


def test_a_schedule_that_cannot_be_used_is_refused(operator: Client, ada):
    wrong = {**FIELDS, "quiet_hours": json.dumps({"windows": ["at night"]})}
    answer = operator.post(page(ada), wrong)
    assert answer.status_code == 200
    assert "Write an object with days, from and to." in answer.content.decode()
    ada.refresh_from_db()
    assert ada.quiet_hours is None
