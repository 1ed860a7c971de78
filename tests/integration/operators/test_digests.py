"""Digests in the admin: what is open, what a delivery tells, and in which one another is told."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.preferences.models import Recipient
from tests.support.deliveries.digests import HOUR, carriers, close_digests, delivery, telling
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import HELLO, Shop

__all__ = ["carriers"]  # a fixture


@pytest.fixture
def ada(shop: Shop, carriers: None) -> Recipient:
    return recipient("ada", push_android="token-ada")


def seen(operator: Client, name: str, pk: int) -> str:
    answer = operator.get(reverse(f"admin:{name}_change", args=[pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_pages_show_open_digests_and_what_is_told_where(operator: Client, shop, work, ada):
    person = ada.pk
    assert "No digest is open." in seen(operator, "preferences_recipient", person)
    body = {"user_id": "ada", "channels": ["push"], "content": HELLO, "digest": HOUR}
    posted = [shop.post("notifications", body) for _ in range(2)]
    work()
    item, teller = delivery(posted[0]), telling(delivery(posted[0]))
    shown = seen(operator, "preferences_recipient", person)
    assert teller.public_id in shown and HOUR["key"] in shown
    assert f"Told in {teller.public_id}" in seen(operator, "delivery_delivery", item.pk)
    close_digests()
    work()
    shown = seen(operator, "delivery_delivery", teller.pk)
    assert all(delivery(one).public_id in shown for one in posted)
    assert "No digest is open." in seen(operator, "preferences_recipient", person)
