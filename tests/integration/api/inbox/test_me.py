"""A person's own settings, and the catalogue as they read it."""

from collections.abc import Callable

import pytest

from apps.preferences.models import Recipient
from apps.publishers.models import AuditEvent
from tests.support.publishers.api_client import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(api: Api, inbox: Callable[..., Api]) -> Api:
    body = {"locale": "de-AT", "time_zone": "Europe/Vienna", "name": "Ada"}
    api.put("recipients/ada", body, status=201)
    return inbox("ada")


def test_a_person_reads_and_changes_their_language_and_zone(ada: Api):
    found = ada.get("me")
    locales = {one["locale"]: one["name"] for one in found.pop("locales")}
    assert locales == {"de-AT": "Deutsch", "en": "English", "es": "Español", "fr": "Français"}
    assert found == {
        "user_id": "ada",
        "name": "Ada",
        "locale": "de-AT",
        "time_zone": "Europe/Vienna",
        "frequency_caps": [],
        "digests": [],
        "channels": ["inbox"],
        "quiet_channels": [],
        "sms_stopped": False,
    }
    changed = ada.patch("me", {"time_zone": "Asia/Kolkata"})
    assert (changed["locale"], changed["time_zone"]) == ("de-AT", "Asia/Kolkata")
    assert ada.patch("me", {"locale": "fr"})["time_zone"] == "Asia/Kolkata"
    assert ada.get("me")["name"] == "Ada"
    event = AuditEvent.objects.latest("id")
    assert (event.actor_kind, event.actor, event.object_type) == ("person", "ada", "recipient")
    assert (event.before, event.after) == ({"locale": "de-AT"}, {"locale": "fr"})


@pytest.mark.parametrize(
    "body", [{"time_zone": "Vienna"}, {"locale": "?"}, {"locale": None}, {"user_id": "bob"}]
)
def test_nothing_else_can_be_written(ada: Api, body: dict[str, object]):
    before = ada.get("me")
    refused = ada.patch("me", body, status=400)
    assert [error["pointer"] for error in refused["errors"]] == [f"/{name}" for name in body]
    assert ada.get("me") == before


def test_somebody_whom_nobody_registered_has_no_settings(inbox: Callable[..., Api]):
    bob = inbox("bob")
    assert bob.get("me", status=404)["type"] == "/problems/not-found"
    bob.patch("me", {"locale": "de"}, status=404)
    assert not Recipient.objects.exists()


def test_an_api_key_opens_no_settings(api: Api, ada: Api):
    for path in ("me", "me/categories", "me/topics"):
        api.get(path, status=401)
    api.post("me/leave", None, status=401)


def test_a_person_reads_the_catalogue_in_their_language_and_in_its_order(api: Api, ada: Api):
    texts = {"en": "Offers", "de": "Angebote"}
    offers = {"kind": "promotional", "display_name": texts, "defaults": {"sms": False}}
    api.put("categories/offers", offers | {"position": 2}, status=201)
    api.put("categories/security", {"kind": "critical", "position": 1}, status=201)
    api.put("categories/orders", {"position": 3, "description": {"en": "Yours."}}, status=201)
    shown = ada.get("me/categories")["categories"]
    assert [one["name"] for one in shown] == ["default", "security", "offers", "orders"]
    by_name = {one["name"]: one for one in shown}
    assert by_name["offers"]["display_name"] == "Angebote"
    assert by_name["orders"]["display_name"] == "orders"
    assert by_name["orders"]["description"] == "Yours."
    assert [one["kind"] for one in shown] == [
        "transactional",
        "critical",
        "promotional",
        "transactional",
    ]


def test_the_catalogue_says_what_they_get_where(api: Api, ada: Api):
    api.put("categories/offers", {"defaults": {"sms": False}}, status=201)
    api.put("categories/security", {"kind": "critical"}, status=201)

    def sent(name: str, channel: str) -> bool:
        shown = {one["name"]: one for one in ada.get("me/categories")["categories"]}
        channels: dict[str, bool] = shown[name]["channels"]
        return channels[channel]

    assert (sent("offers", "sms"), sent("offers", "email")) == (False, True)
    choices = [
        {"category": "offers", "channel": "sms", "allowed": True},
        {"channel": "email", "allowed": False},
        {"category": "security", "allowed": False},
    ]
    ada.put("me/preferences", {"preferences": choices})
    assert (sent("offers", "sms"), sent("offers", "email")) == (True, False)
    assert sent("security", "email"), "nobody can refuse what is critical"
    assert not sent("default", "email")
