"""Addresses that were given up are shown and restored together."""

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.bulk import running
from apps.bulk.models import BulkAction
from apps.delivery.models import DeadLetter
from apps.preferences.models import Contact
from tests.support.publishers.admin_actions import NEWS, events
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop


def test_lost_addresses_are_restored_together(
    shop: Shop, operator: Client, onlooker: Client, providers, work
):
    providers.client.behave("fcm", "dead")
    person = recipient("ada", push_android="device-0001:APA91bHun4MxP5egoKMwt2KZFBa")
    shop.post("notifications", {"user_id": "ada", "channels": ["push"], **NEWS})
    work()
    lost = Contact.objects.get(recipient=person, channel="push")
    assert lost.state == "disabled"
    page = operator.get(reverse("admin:lost_addresses")).content.decode()
    assert "UNREGISTERED" in page
    assert "From (UTC)" in page and "To (UTC)" in page
    assert "Restore what fcm UNREGISTERED brought" in page
    assert "Restore what" not in onlooker.get(reverse("admin:lost_addresses")).content.decode()
    wanted = {"provider": "fcm", "error": "UNREGISTERED", "since": "2020-01-01T00:00", "until": ""}
    url = reverse("admin:begin_bulk_action", args=["restore"])
    assert onlooker.post(url, wanted).status_code == 403
    assert operator.post(url, wanted | {"since": "junk"}).status_code == 302
    lost.refresh_from_db()
    assert lost.state == "disabled", "restored without a time that can be read"
    assert "It is begun" in operator.post(url, wanted, follow=True).content.decode()
    running.tick()
    lost.refresh_from_db()
    assert lost.state == "active"
    assert events("lost_addresses") == [("operator", "restore", "fcm")]
    row = BulkAction.objects.get()
    assert row.counts == {"contacts": 1, "suppressions": 1, "dead_letters": 1}
    assert (row.total, row.done) == (2, 2)
    assert DeadLetter.objects.get().reason == "many_dead_addresses"
    assert "Nothing was given up" in operator.get(reverse("admin:lost_addresses")).content.decode()


def test_a_row_without_an_error_restores_that_row_alone(shop: Shop, operator: Client):
    for name, error in (("ada", ""), ("bob", "UNREGISTERED")):
        person = recipient(name, push_android=f"device-{name}:APA91bHun4MxP5egoKMwt2KZFBa")
        Contact.objects.filter(recipient=person, channel="push").update(
            state="disabled",
            disabled_reason="dead_address",
            disabled_by="fcm",
            disabled_error=error,
            disabled_at=timezone.now(),
        )
    wanted = {"provider": "fcm", "error": "", "since": "2020-01-01T00:00", "until": ""}
    url = reverse("admin:begin_bulk_action", args=["restore"])
    assert operator.post(url, wanted).status_code == 302
    running.tick()
    lost = Contact.objects.filter(channel="push", state="disabled")
    assert [row.disabled_error for row in lost] == ["UNREGISTERED"]


def test_a_span_that_cannot_be_read_is_said_to_be_none(operator: Client):
    page = operator.get(reverse("admin:lost_addresses"), {"since": "soon"})
    assert page.status_code == 200
    assert "Write times as" in page.content.decode()
