"""The admin page of held deliveries lists, releases and cancels by a filter."""

from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.delivery.models import Delivery
from tests.support.publishers.admin_actions import NEWS, events
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

NOTHING = {"hours": "", "channel": "", "category": "", "publisher": ""}


def test_what_is_held_is_released_and_cancelled_by_a_filter(
    shop: Shop, operator: Client, onlooker: Client, providers, work
):
    recipient("ada", sms="+12025550123", email="ada@example.com")
    shop.post("notifications", {"user_id": "ada", "channels": ["sms", "email"], **NEWS})
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
    assert onlooker.post(end, NOTHING | {"action": "release"}).status_code == 403
    operator.post(end, NOTHING | {"action": "release", "hours": "some"})
    operator.post(end, NOTHING | {"action": "forget"})
    work()
    assert not Delivery.objects.exists()

    said = operator.post(end, NOTHING | {"action": "release", "channel": "sms"}, follow=True)
    assert "0 deliveries are released, and 1 parts of audiences" in said.content.decode()
    work()
    assert [(row.channel, row.state) for row in Delivery.objects.all()] == [("sms", "accepted")]
    said = operator.post(end, NOTHING | {"action": "cancel"}, follow=True)
    assert "1 parts of audiences" in said.content.decode()
    assert "Nothing is held." in operator.get(here).content.decode()
    assert events("held_work") == [("operator", "release", "held"), ("operator", "cancel", "held")]
