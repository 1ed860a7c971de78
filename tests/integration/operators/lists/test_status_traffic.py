"""Lists show what publishers sent, and status traffic where somebody asks for it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.delivery.models import Delivery, Notification
from apps.operators import large_lists
from tests.support.deliveries.status_webhooks import notify, register_webhook
from tests.support.publishers.admin_actions import begin
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

NOTIFICATIONS, DELIVERIES = (
    reverse(f"admin:delivery_{name}_changelist") for name in ("notification", "delivery")
)


@pytest.fixture
def sent(shop: Shop, providers, settings, work) -> tuple[Notification, Notification]:
    """A notification, and the status event that tells of it."""
    settings.PROVIDERS["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "options": {
            "allowed_networks": ["127.0.0.0/8"],
            "ca_file": providers.config["ca_file"],
            "timeout": 30.0,
        },
    }
    recipient("ada")
    register_webhook(shop, providers, "delivered")
    posted = notify(shop, "ada", channels=["inbox"])
    work()
    event = Notification.objects.get(kind="status")
    return Notification.objects.get(pk=posted["id"]), event


def listed(operator: Client, url: str, **query: str) -> set[object]:
    return {row.pk for row in operator.get(url, query).context["cl"].result_list}


def test_notifications_of_publishers_are_listed_and_all_on_request(sent, operator: Client):
    published, event = sent
    assert listed(operator, NOTIFICATIONS) == {published.pk}
    page = operator.get(NOTIFICATIONS)
    assert "Status events and confirmations are left out." in page.content.decode()
    everything = page.context["cl"].everything
    assert "left out" not in operator.get(NOTIFICATIONS + everything).content.decode()
    assert listed(operator, NOTIFICATIONS, kind="all") == {published.pk, event.pk}
    assert listed(operator, NOTIFICATIONS, kind="status") == {event.pk}
    assert listed(operator, NOTIFICATIONS, q=str(event.pk)) == {event.pk}


def test_digests_are_listed_with_what_publishers_sent(sent, operator: Client):
    published, event = sent
    Notification.objects.filter(pk=event.pk).update(kind="digest")
    assert listed(operator, NOTIFICATIONS) == {published.pk, event.pk}


def test_deliveries_of_publishers_are_listed_and_all_on_request(sent, operator: Client):
    published, event = (Delivery.objects.get(notification=one).pk for one in sent)
    assert listed(operator, DELIVERIES) == {published}
    page = operator.get(DELIVERIES)
    assert "Deliveries of status events and confirmations are left out." in page.content.decode()
    everything = page.context["cl"].everything
    assert "left out" not in operator.get(DELIVERIES + everything).content.decode()
    assert listed(operator, DELIVERIES, notification__kind="all") == {published, event}
    assert listed(operator, DELIVERIES, notification__kind="status") == {event}
    assert listed(operator, DELIVERIES, notification_id=str(sent[1].pk)) == {event}


def test_a_page_below_much_status_traffic_says_how_far_it_looked(
    sent, operator: Client, monkeypatch
):
    monkeypatch.setattr(large_lists, "MOST_EXAMINED", 1)
    page = operator.get(NOTIFICATIONS)
    assert not page.context["cl"].result_list
    assert "Looked through 1 notifications" in page.content.decode()
    assert listed(operator, NOTIFICATIONS + page.context["cl"].older) == {sent[0].pk}


def test_only_what_the_list_of_deliveries_shows_is_tried_now(sent, operator: Client):
    Delivery.objects.update(
        state="retrying",
        reason="provider_down",
        next_attempt_at=timezone.now() + timedelta(hours=1),
    )
    url = reverse("admin:begin_bulk_action", args=["release"])
    for query, number in (("", 1), ("&notification__kind=all", 2), ("&notification__kind=x", 0)):
        page = operator.post(f"{url}?state=retrying{query}").content.decode()
        assert f"another attempt that match: {number}<" in page, query
    assert "Nothing was begun" in begin(operator, "cancel", "?priority=normal&kind=all")
