"""Operators begin bulk actions from the admin's lists, follow and abort them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.bulk import running
from apps.bulk.actions.base import NOT_KEPT
from apps.bulk.models import BulkAction
from apps.delivery.models import Delivery, Notification
from apps.publishers.models import AuditEvent
from tests.support.publishers.admin_actions import begin, confirm, confirmation, do, events
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop


def later(shop: Shop, **fields: Any) -> Any:
    at = (timezone.now() + timedelta(hours=1)).isoformat()
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO, "send_at": at}
    return shop.post("notifications", {**body, **fields})


def cancelled() -> set[str]:
    rows = Notification.objects.filter(cancelled_at__isnull=False)
    return {str(key) for key in rows.values_list("pk", flat=True)}


def test_what_the_list_of_notifications_shows_is_cancelled(
    shop: Shop, other_shop: Shop, operator: Client
):
    recipient("ada")
    mine = [later(shop, reference="launch") for _ in range(3)]
    others = [later(shop), later(other_shop, reference="launch")]
    url = reverse("admin:delivery_notification_changelist")
    assert "that match" not in operator.get(url).content.decode(), "nobody cancels everything"
    query = f"?q=reference:launch&publisher_id={shop.id}"
    assert "Cancel all that match" in operator.get(url + query).content.decode()
    assert "Nothing was begun" in begin(operator, "cancel")
    assert "It is begun" in begin(operator, "cancel", query)
    running.tick()
    assert cancelled() == {one["id"] for one in mine}
    row = BulkAction.objects.get()
    page = operator.get(reverse("admin:bulk_bulkaction_change", args=[row.pk])).content.decode()
    assert "3 of 3" in page
    assert "reference: [not kept]" in page
    assert "Abort it" not in page
    listed = operator.get(reverse("admin:bulk_bulkaction_changelist")).content.decode()
    assert "3 of 3" in listed
    assert len(others) == 2


def test_a_search_for_a_person_cancels_theirs_without_naming_them(
    shop: Shop, operator: Client, work
):
    for name in ("ada", "bob"):
        person = recipient(name)
        body = {"user_id": name, "channels": ["inbox"], "content": HELLO}
        shop.post("notifications", body)
    work()
    Delivery.objects.update(state="retrying", next_attempt_at=timezone.now() + timedelta(hours=1))
    for query in ("?q=ada", "?q=person:ada"):
        begin(operator, "cancel", query)
    matches = list(BulkAction.objects.values_list("match", flat=True))
    running.tick()
    ada = Delivery.objects.exclude(recipient_id=person.pk).get()
    assert cancelled() == {str(ada.notification_id)}
    assert matches == [{"recipient_id": ada.recipient_id}] * 2
    for row in BulkAction.objects.all():
        assert row.match == {"recipient_id": NOT_KEPT}
    for event in AuditEvent.objects.filter(object_type="bulk_action"):
        assert event.after["match"] == {"recipient_id": NOT_KEPT}
    assert "ada" not in str(list(AuditEvent.objects.values_list("after", flat=True)))


def test_what_a_search_found_is_cancelled_whatever_it_finds_later(shop: Shop, operator: Client):
    recipient("ada")
    topic = shop.topic("launch")
    subscribe(topic, recipient("bob"), "inbox")
    at = (timezone.now() + timedelta(hours=1)).isoformat()
    wanted = shop.post("topics/launch/publish", {"content": HELLO, "send_at": at})
    begin(operator, "cancel", "?q=launch")
    later(shop, reference="launch")
    running.tick()
    assert cancelled() == {wanted["id"]}
    assert "Nothing was begun" in begin(operator, "cancel", "?q=nothing-has-this-name")


@pytest.mark.parametrize(
    "query",
    [
        "?cancelled_at__isnull=no&kind=published",  # what is cancelled already
        "?priority=normal&unknown=1",
        "?topic_id=x",
        "?topic_id=99999999999999999999",
        "?q=%00",
        "?q=+",
        "?priority=normal&topic_id=",
        "?priority=normal&publisher_id=",
        "?priority=normal&cancelled_at__isnull=",
        "?priority=normal&unknown=",
    ],
)
def test_a_filter_that_is_not_known_cancels_nothing(shop: Shop, operator: Client, query: str):
    recipient("ada")
    later(shop)
    assert "Nothing was begun" in begin(operator, "cancel", query)
    assert not BulkAction.objects.exists()


def test_a_filter_by_an_empty_text_acts_on_what_the_list_shows(shop: Shop, operator: Client):
    recipient("ada")
    later(shop)
    begin(operator, "cancel", "?priority=normal&kind=&q=")
    running.tick()
    assert cancelled() == set()
    assert BulkAction.objects.get().match == {"priority": "normal", "kind": ""}


def test_what_waits_of_a_list_of_deliveries_is_tried_now(
    shop: Shop, operator: Client, providers, work
):
    providers.client.behave("twilio", "503")
    for number, name in enumerate(("ada", "bob")):
        recipient(name, sms=f"+1202555010{number}")
    posted = [
        shop.post("notifications", {"user_id": name, "channels": ["sms"], "content": HELLO})
        for name in ("ada", "bob")
    ]
    work()
    providers.client.heal()
    Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    query = f"?notification_id={posted[0]['id']}&state=retrying"
    url = reverse("admin:delivery_delivery_changelist")
    assert "Try now all that match" in operator.get(url + query).content.decode()
    begin(operator, "release", query)
    running.tick()
    work()
    states = Delivery.objects.order_by("id").values_list("state", flat=True)
    assert list(states) == ["accepted", "retrying"]
    assert "Nothing was begun" in begin(operator, "release", "?notification_id=7")
    assert "Nothing was begun" in begin(operator, "release", "?state=dead")


def ask(operator: Client, action: str, query: str) -> str:
    """Push the button above a list; the page that asks."""
    url = reverse("admin:begin_bulk_action", args=[action])
    return operator.post(url + query, follow=True).content.decode()


def test_a_page_says_how_many_it_is_done_to_and_what_comes_later_is_none_of_them(
    shop: Shop, operator: Client
):
    recipient("ada")
    mine = [later(shop, reference="launch") for _ in range(3)]
    page = ask(operator, "cancel", "?q=launch")
    assert "Notifications that match: 3" in page
    assert "This cannot be undone." in page
    assert not BulkAction.objects.exists(), "it asks first"
    later(shop, reference="launch")
    shop.topic("launch")
    assert "It is begun" in confirm(operator, "cancel", confirmation(page) or "")
    running.tick()
    assert cancelled() == {one["id"] for one in mine}
    assert BulkAction.objects.get().total == 3


def test_only_what_was_counted_for_it_is_begun(shop: Shop, operator: Client):
    recipient("ada")
    later(shop)
    counted = confirmation(ask(operator, "cancel", "?priority=normal")) or ""
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    for client, action, sent in (
        (operator, "redrive", counted),
        (operator, "cancel", f"{counted}x"),
        (other, "cancel", counted),
    ):
        confirm(client, action, sent)
    assert not BulkAction.objects.exists()


def test_one_is_aborted_by_who_may_begin_it(shop: Shop, operator: Client, onlooker: Client):
    recipient("ada")
    later(shop)
    begin(operator, "cancel", "?priority=normal")
    row = BulkAction.objects.get()
    page = reverse("admin:bulk_bulkaction_change", args=[row.pk])
    assert "Abort it" in operator.get(page).content.decode()
    assert "Abort it" not in onlooker.get(page).content.decode()
    do(onlooker, "abort", row)
    do(operator, "abort", row)
    running.tick()
    row.refresh_from_db()
    assert (row.state, row.aborted_by, row.done) == ("aborted", "operator", 0)
    assert cancelled() == set()
    assert [one[1] for one in events("bulk_action")] == ["begin", "abort"]


def test_who_may_not_see_them_is_led_back_to_the_list(shop: Shop, onlooker: Client):
    recipient("ada")
    later(shop)
    user = User.objects.get(username="onlooker")
    allowed = Permission.objects.filter(codename__in=["change_notification", "change_deadletter"])
    user.user_permissions.add(*allowed)
    user.user_permissions.remove(*Permission.objects.filter(codename="view_bulkaction"))
    onlooker.force_login(user)  # other permissions ended the session
    assert "goes on in the background" in begin(onlooker, "cancel", "?priority=normal")
    running.tick()
    assert len(cancelled()) == 1


def test_who_may_only_look_begins_none(onlooker: Client):
    for action in ("cancel", "redrive", "release", "restore", "lift"):
        url = reverse("admin:begin_bulk_action", args=[action])
        assert onlooker.post(f"{url}?priority=normal").status_code == 403
    assert onlooker.post(reverse("admin:begin_bulk_action", args=["erase"])).status_code == 404
    assert not AuditEvent.objects.filter(object_type="bulk_action").exists()
