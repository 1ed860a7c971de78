"""The catalogue of categories."""

from importlib import import_module
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from rest_framework.exceptions import ValidationError

from apps.content.models import Template
from apps.preferences.categories import catalogue, services
from apps.preferences.models import Category, Preference, Recipient
from apps.publishers.models import Publisher
from apps.publishers.scopes import PUBLISHING
from apps.topics.models import Topic
from tests.support.publishers.api_client import Api

pytestmark = pytest.mark.django_db
OFFERS = {
    "kind": "promotional",
    "default_locale": "en",
    "display_name": {"en": "Offers", "de": "Angebote"},
    "description": {"en": "What is cheaper this week."},
    "defaults": {"sms": False},
    "position": 20,
}


def names(api: Api) -> set[str]:
    return {row["name"] for row in api.get("categories")["data"]}


def test_a_category_is_created_changed_read_and_listed(api: Api):
    made = api.put("categories/Offers", OFFERS, status=201)
    assert made["name"] == "offers", "a name is one in whatever case it is written"
    assert {name: made[name] for name in OFFERS} == OFFERS
    changed = api.put("categories/offers", {"position": 5})
    assert {name: changed[name] for name in OFFERS} == OFFERS | {"position": 5}
    assert api.get("categories/OFFERS") == changed
    assert "offers" in names(api)


def test_a_new_category_is_transactional_and_on_everywhere(api: Api):
    made = api.put("categories/orders", {}, status=201)
    assert (made["kind"], made["defaults"], made["display_name"]) == ("transactional", {}, {})


def test_there_is_a_default_category_from_the_start(api: Api):
    found = api.get("categories/default")
    assert (found["kind"], found["display_name"]) == (
        "transactional",
        {"en": "Other messages"},
    )
    refused = api.delete("categories/default", status=409)
    assert refused["type"] == "/problems/conflict"
    refused = api.put("categories/default", {"kind": "critical"}, status=400)
    assert refused["errors"][0]["pointer"] == "/kind"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "urgent"}, "/kind"),
        ({"display_name": {"de": "Angebote"}}, "/display_name"),
        ({"display_name": {"en": "Offers", "not a locale": "x"}}, "/display_name"),
        ({"display_name": {"en": "x" * 201}}, "/display_name/en"),
        ({"display_name": {"en": "Offers", "EN": "Offers"}}, "/display_name"),
        ({"description": {"de": "Billig"}}, "/description"),
        ({"defaults": {"fax": False}}, "/defaults"),
        ({"defaults": {"sms": "no"}}, "/defaults/sms"),
        ({"kind": "critical", "defaults": {"sms": False}}, "/defaults"),
        ({"position": -1}, "/position"),
        ({"name": "x"}, "/name"),
    ],
)
def test_what_a_category_cannot_be_is_refused_with_a_pointer(
    api: Api, body: dict[str, Any], pointer: str
):
    refused = api.put("categories/offers", body, status=400)
    assert [error["pointer"] for error in refused["errors"]] == [pointer]
    assert "offers" not in names(api)


def test_a_change_is_checked_with_what_it_leaves_out(api: Api):
    api.put("categories/offers", OFFERS, status=201)
    refused = api.put("categories/offers", {"kind": "critical"}, status=400)
    assert refused["errors"][0]["pointer"] == "/defaults"
    refused = api.put("categories/offers", {"default_locale": "fr"}, status=400)
    assert refused["errors"][0]["pointer"] == "/display_name"
    api.put("categories/offers", {"kind": "critical", "defaults": {}})


def test_a_category_that_something_is_in_is_not_deleted(api: Api):
    api.put("categories/orders", {}, status=201)
    api.post("topics", {"name": "news", "category": "Orders"}, status=201)
    texts = [{"channel": "inbox", "locale": "en", "title": "Hello"}]
    body = {"name": "shipped", "default_locale": "en", "contents": texts, "category": "orders"}
    api.post("templates", body, status=201)
    refused = api.delete("categories/orders", status=409)
    assert "the topic news" in refused["detail"] and "the template shipped" in refused["detail"]
    api.patch("topics/news", {"category": ""})
    api.delete("templates/shipped")
    api.delete("categories/orders")
    api.get("categories/orders", status=404)
    api.delete("categories/orders", status=404)


def test_a_category_that_an_old_version_of_a_template_names_is_not_deleted(api: Api):
    api.put("categories/orders", {}, status=201)
    texts = [{"channel": "inbox", "locale": "en", "title": "Hello"}]
    body = {"name": "shipped", "default_locale": "en", "contents": texts, "category": "orders"}
    api.post("templates", body, status=201)
    version = {"default_locale": "en", "contents": texts, "category": ""}
    api.post("templates/shipped/versions", version, 201)
    refused = api.delete("categories/orders", status=409)
    assert "the template shipped" in refused["detail"]


def test_a_critical_category_is_not_deleted(api: Api):
    api.put("categories/security", {"kind": "critical"}, status=201)
    refused = api.delete("categories/security", status=409)
    assert "critical" in refused["detail"]
    api.put("categories/security", {"kind": "transactional"})
    api.delete("categories/security")


def test_what_a_cache_still_has_does_not_count_for_topics_and_templates(api: Api):
    """Another process may have deleted the category since it was read."""
    texts = [{"channel": "inbox", "locale": "en", "title": "Hello"}]
    body = {"name": "shipped", "default_locale": "en", "contents": texts, "category": "orders"}
    api.put("categories/orders", {}, status=201)
    assert catalogue.find("orders") is not None
    Category.objects.filter(name="orders")._raw_delete("default")
    assert api.post("templates", body, status=400)["type"] == "/problems/unknown-category"
    assert not Template.objects.exists()
    api.post("topics", {"name": "news", "category": "orders"}, status=201)
    assert "orders" in names(api)
    api.post("templates", body, status=201)
    Category.objects.filter(name="orders")._raw_delete("default")
    version = {"default_locale": "en", "contents": texts, "category": "orders"}
    refused = api.post("templates/shipped/versions", version, status=400)
    assert refused["type"] == "/problems/unknown-category"


def test_of_two_that_write_at_once_the_second_is_checked_with_what_the_first_wrote(api: Api):
    Category.objects.create(name="offers", default_locale="de", display_name={"de": "Angebote"})
    with pytest.raises(ValidationError, match="the default locale"), transaction.atomic():
        services.put_category("offers", {"display_name": {"en": "Offers"}})
    assert Category.objects.get(name="offers").display_name == {"de": "Angebote"}


def test_a_text_in_no_locale_that_fits_is_better_than_an_error():
    one = catalogue.CategorySnapshot(
        "offers", default_locale="en", display_name={"en_US": "Offers"}
    )
    assert (one.title("de"), one.meaning("de")) == ("Offers", "")


@pytest.mark.parametrize("name", ["b2b/news", "a.b", "news?", "50%"])
def test_every_name_that_a_topic_may_bring_has_a_path(api: Api, name: str):
    api.post("topics", {"name": "news", "category": name}, status=201)
    path = f"categories/{quote(name, safe='/')}"
    assert api.get(path)["name"] == name
    assert api.put(f"categories/{quote(name, safe='')}", {"position": 3})["position"] == 3
    api.patch("topics/news", {"category": ""})
    api.delete(path)
    assert api.put(path, {}, status=201)["name"] == name


@pytest.mark.parametrize("name", [".", "..", "a/../b", "./a"])
def test_a_name_that_clients_take_out_of_paths_is_refused(api: Api, name: str):
    refused = api.post("topics", {"name": "news", "category": name}, status=400)
    assert refused["errors"][0]["pointer"] == "/category"


def test_a_topic_brings_its_category_with_it_and_a_template_needs_one_that_exists(api: Api):
    api.post("topics", {"name": "news", "category": "Gardening"}, status=201)
    assert api.get("categories/gardening")["kind"] == "transactional"
    api.patch("topics/news", {"category": "cooking"})
    assert {"gardening", "cooking"} <= names(api)
    texts = [{"channel": "inbox", "locale": "en", "title": "Hello"}]
    body = {"name": "shipped", "default_locale": "en", "contents": texts}
    refused = api.post("templates", body | {"category": "ordres"}, status=400)
    assert refused["type"] == "/problems/unknown-category"
    assert refused["errors"][0]["pointer"] == "/category"
    made = api.post("templates", body | {"category": "Cooking"}, status=201)
    assert made["category"] == "cooking"
    version = {"default_locale": "en", "contents": texts}
    assert api.post("templates/shipped/versions", version, 201)["category"] == "cooking"
    assert api.post("templates/shipped/versions", version | {"category": ""}, 201)["category"] == ""


def test_writing_the_catalogue_takes_a_scope_that_publishing_does_not_bring(publisher: Any):
    shop = publisher("paperboy", PUBLISHING)
    assert "default" in names(shop)
    for method, body in (("put", {}), ("delete", None)):
        refused = shop.call(method, "categories/offers", body, 403)
        assert refused["scope"] == "categories:write"


def test_the_audit_says_who_changed_the_catalogue(api: Api):
    api.put("categories/offers", OFFERS, status=201)
    api.put("categories/offers", {"position": 5})
    api.delete("categories/offers")
    events = [row for row in api.get("audit")["data"] if row["object_type"] == "category"]
    assert [event["action"] for event in events] == ["delete", "update", "create"]
    assert (events[1]["before"], events[1]["after"]) == ({"position": 20}, {"position": 5})


def test_an_upgrade_makes_a_row_of_each_name_that_exists(api: Api):
    ada = Recipient.objects.create(user_id="ada")
    Preference.objects.create(recipient=ada, category="marketing", allowed=False)
    owner = Publisher.objects.get(name=api.name)
    Topic.objects.create(name="news", publisher=owner, category="orders")
    Category.objects.all().delete()
    for app, name in (("preferences", "0011"), ("topics", "0007")):
        module = import_module(f"apps.{app}.migrations.{name}_categories_that_exist")
        for _ in range(2):  # interrupted, it is run once more
            with connection.cursor() as cursor:
                cursor.execute(module._MAKE)
    assert names(api) == {"default", "marketing", "orders"}
    assert set(Category.objects.values_list("kind", flat=True)) == {"transactional"}
