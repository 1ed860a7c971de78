"""Addresses that were given up are shown and restored together."""

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.bulk import running
from apps.bulk.models import BulkAction
from apps.delivery.models import DeadLetter
from apps.preferences.models import Contact
from tests.support.publishers.admin_actions import NEWS, begin, events, restore_button
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

EVER = "2020-01-01T00:00"


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
    wanted = restore_button(operator, "fcm", "UNREGISTERED", since=EVER)
    url = reverse("admin:begin_bulk_action", args=["restore"])
    assert onlooker.post(url, wanted).status_code == 403
    for wrong in ({"since": "junk"}, {"until": ""}):
        said = operator.post(url, wanted | wrong, follow=True).content.decode()
        assert "Nothing was begun" in said
    lost.refresh_from_db()
    assert lost.state == "disabled", "restored without a time that can be read"
    page = operator.post(url, wanted).content.decode()
    assert "Contacts and suppressions that match: 2" in page
    assert "It is begun" in begin(operator, "restore", **wanted)
    running.tick()
    lost.refresh_from_db()
    assert lost.state == "active"
    assert events("lost_addresses") == [("operator", "restore", "fcm")]
    row = BulkAction.objects.get()
    assert row.counts == {"contacts": 1, "suppressions": 1, "dead_letters": 1}
    assert (row.total, row.done) == (2, 2)
    assert DeadLetter.objects.get().reason == "many_dead_addresses"
    assert "Nothing was given up" in operator.get(reverse("admin:lost_addresses")).content.decode()


def give_up(name: str, error: str) -> Contact:
    person = recipient(name, push_android=f"device-{name}:APA91bHun4MxP5egoKMwt2KZFBa")
    lost = Contact.objects.filter(recipient=person, channel="push")
    lost.update(
        state="disabled",
        disabled_reason="dead_address",
        disabled_by="fcm",
        disabled_error=error,
        disabled_at=timezone.now(),
    )
    return lost.get()


def test_what_is_lost_while_the_page_is_open_is_not_restored_with_it(operator: Client):
    shown = give_up("ada", "UNREGISTERED")
    wanted = restore_button(operator, "fcm", "UNREGISTERED", since="")
    later = give_up("bob", "UNREGISTERED")
    begin(operator, "restore", **wanted)
    running.tick()
    states = [Contact.objects.get(pk=one.pk).state for one in (shown, later)]
    assert states == ["active", "disabled"]


def test_a_row_without_an_error_restores_that_row_alone(shop: Shop, operator: Client):
    for name, error in (("ada", ""), ("bob", "UNREGISTERED")):
        give_up(name, error)
    begin(operator, "restore", **restore_button(operator, "fcm", "", since=EVER))
    running.tick()
    lost = Contact.objects.filter(channel="push", state="disabled")
    assert [row.disabled_error for row in lost] == ["UNREGISTERED"]


def test_a_span_that_cannot_be_read_is_said_to_be_none(operator: Client):
    page = operator.get(reverse("admin:lost_addresses"), {"since": "soon"})
    assert page.status_code == 200
    assert "Write times as" in page.content.decode()
