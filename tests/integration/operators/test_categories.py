"""The catalogue of categories in the admin."""

import json

from django.test import Client
from django.urls import reverse

from apps.preferences.models import Category
from apps.publishers.models import AuditEvent
from tests.support.publishers.shop import Shop

ADD = "admin:preferences_category_add"
FIELDS = {
    "name": "Offers",
    "kind": "promotional",
    "default_locale": "en",
    "display_name": json.dumps({"en": "Offers", "de": "Angebote"}),
    "description": "{}",
    "defaults": json.dumps({"sms": False}),
    "position": 20,
}


def change(row: Category) -> str:
    return reverse("admin:preferences_category_change", args=[row.pk])


def test_an_operator_adds_and_changes_a_category(operator: Client):
    assert operator.post(reverse(ADD), FIELDS).status_code == 302
    row = Category.objects.get(name="offers")
    assert row.defaults == {"sms": False}
    changed = {**FIELDS, "position": 5, "defaults": "{}"}
    assert operator.post(change(row), changed).status_code == 302
    row.refresh_from_db()
    assert (row.position, row.defaults, row.name) == (5, {}, "offers")
    event = AuditEvent.objects.latest("id")
    assert (event.actor, event.object_type, event.object_name) == (
        "operator",
        "category",
        "offers",
    )
    listed = operator.get(reverse("admin:preferences_category_changelist"))
    assert "Offers" in listed.content.decode()


def test_what_the_api_would_refuse_is_refused(operator: Client):
    for wrong, words in (
        ({"display_name": '{"de": "Angebote"}'}, "the default locale"),
        ({"defaults": '{"fax": false}'}, "There is no channel"),
        ({"kind": "critical"}, "Nobody can refuse a critical category"),
        ({"display_name": "[]"}, "display_name"),
    ):
        page = operator.post(reverse(ADD), FIELDS | wrong)
        assert page.status_code == 200
        assert words in page.content.decode()
    assert not Category.objects.filter(name="offers").exists()


def test_locales_are_kept_as_the_api_keeps_them(operator: Client):
    written = {
        "default_locale": "en_US",
        "display_name": '{"en_US": "Offers"}',
        "description": '{"en_US": "Cheap.", "pt_BR": "Barato."}',
    }
    assert operator.post(reverse(ADD), FIELDS | written).status_code == 302
    row = Category.objects.get(name="offers")
    assert (row.default_locale, row.display_name) == ("en-US", {"en-US": "Offers"})
    assert row.description == {"en-US": "Cheap.", "pt-BR": "Barato."}
    assert operator.get(reverse("admin:preferences_category_changelist")).status_code == 200


def test_a_critical_category_cannot_be_deleted(operator: Client):
    row = Category.objects.create(name="security", kind="critical")
    url = reverse("admin:preferences_category_delete", args=[row.pk])
    assert operator.post(url, {"post": "yes"}).status_code == 403
    assert Category.objects.filter(name="security").exists()


def test_a_category_that_something_is_in_cannot_be_deleted(operator: Client, shop: Shop):
    shop.topic("news", category="orders")
    Category.objects.create(name="empty")
    for name, status in (("orders", 403), ("empty", 302)):
        row = Category.objects.get(name=name)
        url = reverse("admin:preferences_category_delete", args=[row.pk])
        assert operator.post(url, {"post": "yes"}).status_code == status
    assert set(Category.objects.values_list("name", flat=True)) >= {"orders"}
    assert not Category.objects.filter(name="empty").exists()


def test_an_onlooker_changes_nothing(onlooker: Client):
    row = Category.objects.create(name="orders")
    assert onlooker.get(change(row)).status_code == 200
    assert onlooker.post(change(row), FIELDS).status_code == 403
