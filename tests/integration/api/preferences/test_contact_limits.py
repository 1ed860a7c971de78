"""The limit of a recipient's addresses on a channel."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.preferences.models import Contact
from tests.support.publishers.api_client import Api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _three(settings) -> None:
    settings.CONTACTS_PER_CHANNEL = 3


def emails(*names: str) -> list[dict[str, str]]:
    return [{"channel": "email", "address": f"{name}@example.com"} for name in names]


def device(name: str) -> dict[str, str]:
    return {"platform": "android", "token": name * 30}


def refuses(problem: dict) -> bool:
    assert problem["type"] == "/problems/too-many-contacts"
    assert problem["limit"] == 3
    assert "email" in problem["detail"] and "contacts/remove" in problem["detail"]
    return True


def test_one_address_more_than_there_may_be_is_refused_and_nothing_of_it_stays(api: Api):
    api.put("recipients/ada", {"contacts": emails("a", "b", "c"), "locale": "de"}, status=201)
    [fourth] = emails("d")
    assert refuses(api.post("recipients/ada/contacts", fourth, status=409))
    assert len(api.get("recipients/ada/contacts")) == 3
    api.post("recipients/ada/contacts", emails("c")[0])
    api.post("recipients/ada/contacts", {"channel": "sms", "address": "+12025550123"}, status=201)
    api.post("recipients/ada/contacts/remove", emails("a")[0], status=204)
    api.post("recipients/ada/contacts", fourth, status=201)
    body = {"contacts": emails("e", "f", "g", "h"), "locale": "en"}
    assert refuses(api.put("recipients/ada", body, status=409))
    assert api.get("recipients/ada")["locale"] == "de"


def test_replacing_all_of_them_is_no_more_than_there_may_be(api: Api):
    api.put("recipients/ada", {"contacts": emails("a", "b", "c")}, status=201)
    api.put("recipients/ada", {"contacts": emails("d", "e", "f")})
    assert len(api.get("recipients/ada/contacts")) == 3


def test_in_a_bulk_call_it_costs_that_recipient_alone(api: Api):
    people = [
        {"user_id": "ada", "contacts": emails("a", "b")},
        {"user_id": "new", "contacts": emails("n1", "n2", "n3", "n4")},
        {"user_id": "bob", "contacts": emails("c")},
    ]
    first, second, third = api.post("recipients/bulk", {"recipients": people})["results"]
    assert (first["status"], third["status"]) == ("created", "created")
    assert refuses(second["problem"])
    assert second["problem"]["errors"][0]["pointer"] == "/recipients/1/contacts"
    api.get("recipients/new", status=404)


def test_the_device_not_heard_of_for_longest_makes_room(api: Api):
    api.put("recipients/ada", {"devices": [device("a"), device("b"), device("c")]}, status=201)
    oldest = Contact.objects.filter(channel="push").order_by("id")[1]
    Contact.objects.filter(pk=oldest.pk).update(updated_at=timezone.now() - timedelta(days=30))
    api.post("recipients/ada/devices", device("d"), status=201)
    shown = api.get("recipients/ada/devices")
    assert len(shown) == 3
    assert oldest.pk not in {row["id"] for row in shown}
    assert Contact.objects.get(pk=oldest.pk).disabled_reason == "replaced"
    api.post("recipients/ada/devices", device("b"), status=200)
    assert len(api.get("recipients/ada/devices")) == 3


def test_what_a_provider_refused_makes_room_first_and_what_an_operator_disabled_never(api: Api):
    api.put("recipients/ada", {"contacts": emails("a", "b", "c")}, status=201)
    dead, banned, _ = Contact.objects.filter(channel="email").order_by("id")
    Contact.objects.filter(pk=dead.pk).update(state="disabled", disabled_reason="unregistered")
    Contact.objects.filter(pk=banned.pk).update(state="disabled", disabled_reason="operator")
    api.post("recipients/ada/contacts", emails("d")[0], status=201)
    assert Contact.objects.get(pk=dead.pk).disabled_reason == "replaced"
    assert Contact.objects.get(pk=banned.pk).disabled_reason == "operator"
    assert refuses(api.post("recipients/ada/contacts", emails("e")[0], status=409))


def test_lists_show_no_more_than_there_may_be(api: Api, settings):
    settings.CONTACTS_PER_CHANNEL = 100
    api.put("recipients/ada", {"contacts": emails(*"abcdefghijklmnopqrst")}, status=201)
    settings.CONTACTS_PER_CHANNEL = 3
    most = 3 * len(settings.CHANNELS)
    assert len(api.get("recipients/ada/contacts")) == most
    assert len(api.get("recipients/ada")["contacts"]) == most
