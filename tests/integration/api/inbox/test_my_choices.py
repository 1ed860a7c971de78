"""A person chooses single things: what they are subscribed to, one preference, everything."""

from collections.abc import Callable

import pytest

from apps.preferences.consent import opt_outs
from apps.preferences.consent.opt_outs import Number
from apps.preferences.models import Contact
from apps.publishers.models import AuditEvent
from tests.support.publishers.api_client import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(api: Api, inbox: Callable[..., Api]) -> Api:
    contacts = [
        {"channel": "sms", "address": "+12025550123"},
        {"channel": "email", "address": "ada@example.com"},
    ]
    api.put("recipients/ada", {"contacts": contacts}, status=201)
    return inbox("ada")


def subscribe(api: Api, name: str, *channels: str, **topic: object) -> None:
    api.post("topics", {"name": name, **topic}, status=201)
    body = {"user_id": "ada", "channels": list(channels)}
    api.post(f"topics/{name}/subscriptions", body)


def topics(ada: Api) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in ada.get("me/topics")["topics"]}


def preferences(ada: Api) -> list[dict[str, object]]:
    found: list[dict[str, object]] = ada.get("me/preferences")["preferences"]
    return found


def change(ada: Api, *wanted: dict[str, object], status: int = 200) -> dict[str, object]:
    changed: dict[str, object] = ada.patch(
        "me/preferences", {"preferences": list(wanted)}, status=status
    )
    return changed


def test_a_person_sees_what_they_are_subscribed_to_and_where(api: Api, ada: Api):
    subscribe(api, "orders", "email", "sms", display_name="Your orders", category="Shop")
    subscribe(api, "left", "email")
    api.post("topics/left/unsubscribe", {"user_id": "ada"})
    change(ada, {"channel": "sms", "allowed": False})
    assert topics(ada) == {
        "orders": {
            "name": "orders",
            "display_name": "Your orders",
            "publisher": "shop",
            "category": "shop",
            "always_sent": False,
            "channels": {"sms": False, "email": True},
        }
    }


def test_a_preference_of_a_topic_goes_before_one_of_its_category(api: Api, ada: Api):
    subscribe(api, "orders", "email", category="shop")
    change(ada, {"category": "shop", "allowed": False})
    assert topics(ada)["orders"]["channels"] == {"email": False}
    change(ada, {"topic": "orders", "channel": "email", "allowed": True})
    assert topics(ada)["orders"]["channels"] == {"email": True}


def test_what_is_always_sent_can_be_chosen_about_where_something_was_chosen(api: Api, ada: Api):
    subscribe(api, "outages", "email", "sms", mandatory=True)
    api.put("categories/security", {"kind": "critical"}, status=201)
    subscribe(api, "log-ins", "email", category="security")
    found = topics(ada)
    assert [found[name]["always_sent"] for name in ("outages", "log-ins")] == [True, True]
    assert [found[name]["channels"] for name in ("outages", "log-ins")] == [{}, {}]
    change(ada, {"topic": "outages", "channel": "sms", "allowed": False})
    assert topics(ada)["outages"]["channels"] == {"sms": False}


def test_one_preference_is_changed_and_the_others_stay(ada: Api):
    change(ada, {"category": "offers", "allowed": False}, {"channel": "sms", "allowed": False})
    change(ada, {"category": "offers", "allowed": True})
    change(ada, {"channel": "sms", "allowed": None})
    assert preferences(ada) == [
        {"channel": None, "topic": None, "category": "offers", "allowed": True}
    ]
    event = AuditEvent.objects.latest("id")
    assert (event.actor_kind, event.actor, event.object_type) == ("person", "ada", "preferences")
    assert event.before is not None and len(event.before["preferences"]) == 2


def test_a_person_names_only_topics_of_theirs(api: Api, ada: Api):
    api.post("topics", {"name": "secret"}, status=201)
    refused = change(ada, {"topic": "secret", "allowed": False}, status=400)
    assert refused["type"] == "/problems/unknown-topic"
    assert preferences(ada) == []


def test_a_person_leaves_everything_and_comes_back(api: Api, ada: Api):
    api.put("categories/security", {"kind": "critical"}, status=201)
    api.put("categories/offers", {}, status=201)
    subscribe(api, "orders", "email", category="shop")
    change(
        ada,
        {"category": "offers", "allowed": True},
        {"channel": "sms", "allowed": False},
        {"topic": "orders", "allowed": True},
    )
    ada.post("me/leave", None)
    assert preferences(ada) == [
        {"channel": "sms", "topic": None, "category": None, "allowed": False},
        {"channel": None, "topic": None, "category": None, "allowed": False},
    ]

    def sent() -> dict[str, bool]:
        found = ada.get("me/categories")["categories"]
        return {one["name"]: one["channels"]["email"] for one in found}

    assert sent() == {"default": False, "security": True, "offers": False, "shop": False}
    assert topics(ada)["orders"]["channels"] == {"email": False}
    before = ada.post("me/leave", None)
    assert before["preferences"] == preferences(ada), "leaving again changes nothing"
    change(ada, {"category": "offers", "channel": "email", "allowed": True})
    assert sent()["offers"]


def test_where_a_person_is_reached_and_what_a_stop_keeps_from_them(ada: Api):
    shown = ada.get("me")
    assert (shown["channels"], shown["quiet_channels"]) == (
        ["sms", "email", "inbox"],
        ["sms", "email"],
    )
    assert not shown["sms_stopped"]
    row = Contact.objects.get(channel="sms")
    opt_outs.stop(Number(bytes(row.address_index), row.masked), "+12025550199", "twilio")
    assert ada.get("me")["sms_stopped"]


def test_somebody_whom_nobody_registered_chooses_nothing(inbox: Callable[..., Api]):
    bob = inbox("bob")
    assert bob.get("me/topics") == {"topics": []}
    change(bob, {"allowed": False}, status=404)
    bob.post("me/leave", None, status=404)


def test_a_person_has_a_thousand_preferences_at_most(ada: Api):
    change(ada, *({"category": f"kind-{number}", "allowed": False} for number in range(1_000)))
    more = {"category": "kind-1000", "allowed": False}
    said = change(ada, more, status=400)
    assert "1,000" in str(said["detail"])
    assert len(preferences(ada)) == 1_000
    change(ada, more, {"category": "kind-0", "allowed": None})


def test_what_changes_nothing_is_not_in_the_trail(ada: Api):
    ada.post("me/leave", None)
    before = AuditEvent.objects.count()
    ada.post("me/leave", None)
    assert AuditEvent.objects.count() == before
