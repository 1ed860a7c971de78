"""The admin page of held deliveries lists, releases and cancels by a filter."""

import re
from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.delivery.models import Delivery, Notification
from tests.support.publishers.admin_actions import NEWS, events
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop


def buttons(page: str) -> dict[str, dict[str, str]]:
    """Return the fields that each button's form sends, by action, with the required tick."""
    found = {}
    for form in re.findall(r"<form method=\"post\" action=\"[^\"]*end-held.*?</form>", page, re.S):
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        if 'type="checkbox" name="all" required' in form:
            fields["all"] = "on"
        found[fields["action"]] = fields
    return found


def posted(shop: Shop, name: str, channels: list[str]) -> str:
    recipient(name, sms="+12025550123", email=f"{name}@example.com")
    body = {"user_id": name, "channels": channels, **NEWS}
    return str(shop.post("notifications", body)["id"])


def test_what_is_held_is_released_and_cancelled_by_a_filter(
    shop: Shop, operator: Client, onlooker: Client, providers, work
):
    posted(shop, "ada", ["sms", "email"])
    here, end = reverse("admin:held"), reverse("admin:end_held")
    assert "Nothing is held." in operator.get(here).content.decode()
    call_command("hold")
    page = operator.get(here).content.decode()
    assert "<td>sms</td>" in page and "<td>email</td>" in page
    assert "Release all that is listed" in page
    assert "<td>sms</td>" not in operator.get(here, {"channel": "email"}).content.decode()
    assert "Nothing is held." in operator.get(here, {"hours": "1"}).content.decode()
    assert "as a number" in operator.get(here, {"hours": "some"}).content.decode()
    assert "all that is listed" not in onlooker.get(here).content.decode()
    release = buttons(operator.get(here, {"channel": "sms"}).content.decode())["release"]
    assert onlooker.post(end, release).status_code == 403
    for wrong in ({"accepted_before": "some"}, {"accepted_before": ""}, {"action": "forget"}):
        assert "Nothing was done" in press(operator, release | wrong)
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    assert "Nothing was done" in press(operator, release | {"accepted_before": tomorrow})
    work()
    assert not Delivery.objects.exists()

    assert "0 deliveries are released, and 1 parts of audiences" in press(operator, release)
    work()
    assert [(row.channel, row.state) for row in Delivery.objects.all()] == [("sms", "accepted")]
    cancel = buttons(operator.get(here).content.decode())["cancel"]
    assert "1 parts of audiences" in press(operator, cancel)
    assert "Nothing is held." in operator.get(here).content.decode()
    assert events("held_work") == [("operator", "release", "held"), ("operator", "cancel", "held")]


def press(operator: Client, fields: dict[str, str]) -> str:
    return operator.post(reverse("admin:end_held"), fields, follow=True).content.decode()


def test_hours_mean_what_they_meant_when_the_page_was_loaded(shop: Shop, operator: Client):
    hour = timedelta(hours=1)
    old, new = posted(shop, "ada", ["sms"]), posted(shop, "bob", ["inbox"])
    for key, age in ((old, 1.2 * hour), (new, 0.8 * hour)):
        Notification.objects.filter(pk=key).update(created_at=timezone.now() - age)
    call_command("hold")
    page = operator.get(reverse("admin:held"), {"hours": "1"}).content.decode()
    assert "<td>sms</td>" in page and "<td>inbox</td>" not in page
    assert "Never send about 1 deliveries?" in page
    cancel = buttons(page)["cancel"]
    # Half an hour later everything is half an hour older, and so is what the page says.
    Notification.objects.update(created_at=F("created_at") - hour / 2)
    if "accepted_before" in cancel:
        shown = datetime.fromisoformat(cancel["accepted_before"])
        cancel["accepted_before"] = (shown - hour / 2).isoformat()
    assert "1 parts of audiences" in press(operator, cancel)
    left = operator.get(reverse("admin:held")).content.decode()
    assert "<td>inbox</td>" in left and "<td>sms</td>" not in left


@pytest.mark.parametrize("hours", ["", "0"])
def test_everything_is_ended_only_where_that_is_said(shop: Shop, operator: Client, hours: str):
    posted(shop, "ada", ["sms"])
    call_command("hold")
    page = operator.get(reverse("admin:held"), {"hours": hours}).content.decode()
    assert "Never send about 1 deliveries?" in page
    cancel = buttons(page)["cancel"]
    del cancel["all"]
    assert "Nothing was done. Tick that everything is meant" in press(operator, cancel)
    assert "<td>sms</td>" in operator.get(reverse("admin:held")).content.decode()
