"""A notification to exactly those whom an earlier one did not reach."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.delivery.intake.earlier import unreached_audience
from apps.delivery.models import Delivery
from apps.preferences.models import Contact, Preference, Recipient
from tests.support.publishers.people import contact, recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop

NOBODY = "01a3b6f4-8f0e-7c3a-9d2e-0123456789ab"


@pytest.fixture
def first(shop: Shop, work) -> Any:
    """Ada got it, at one of two addresses; bob refused it, and eve had no address."""
    topic = shop.topic()
    for name in ("ada", "bob", "eve"):
        subscribe(topic, recipient(name), "inbox")
    contact("inbox", "ada-2", recipient=Recipient.objects.get(user_id="ada"))
    bob = Recipient.objects.get(user_id="bob")
    Preference.objects.create(recipient=bob, channel="inbox", allowed=False)
    Contact.objects.filter(recipient__user_id="eve").update(state="disabled")
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    Delivery.objects.filter(contact_id=Contact.objects.latest("pk").pk).update(state="failed")
    return posted


def again(shop: Shop, earlier: Any, status: int = 202, **fields: Any) -> Any:
    states = fields.pop("states", None)
    audience = {"not_reached_by": earlier["id"], **({"states": states} if states else {})}
    return shop.post("notifications", {"audience": audience, "content": HELLO, **fields},
                     status=status)  # fmt: skip


def people(posted: Any) -> list[str]:
    ids = Delivery.objects.filter(notification_id=posted["id"]).values_list("recipient_id")
    return sorted(Recipient.objects.filter(pk__in=ids).values_list("user_id", flat=True))


def test_exactly_those_get_it_whom_the_first_one_did_not_reach(shop, work, first):
    Contact.objects.filter(recipient__user_id="eve").update(state="active")
    posted = again(shop, first)
    assert posted["channels"] == ["inbox"], "those of the first one"
    work()
    assert people(posted) == ["bob", "eve"], "who got it at one address was reached"
    assert shop.counts(posted) == {"inbox": {"delivered": 1, "suppressed": 1}}


def test_the_states_that_count_can_be_named(shop, work, first):
    Delivery.objects.filter(recipient_id=Recipient.objects.get(user_id="bob").pk).update(
        state="bounced"
    )
    posted = again(shop, first, states=["suppressed"])
    work()
    assert people(posted) == ["eve"]


def test_a_person_gets_it_once_however_many_addresses_failed(shop, work, first):
    Delivery.objects.filter(recipient_id=Recipient.objects.get(user_id="ada").pk).update(
        state="failed"
    )
    posted = again(shop, first)
    work()
    assert people(posted) == ["ada", "bob", "eve"]
    ada = Recipient.objects.get(user_id="ada").pk
    made = Delivery.objects.filter(notification_id=posted["id"], recipient_id=ada)
    assert made.count() == 2, "one for each address, as always"


def test_its_category_is_kept_so_that_a_refusal_of_it_holds(shop, work):
    ada = recipient("ada")
    shop.http.put("/v1/categories/offers", {"kind": "promotional"}, format="json")
    Preference.objects.create(recipient=ada, category="offers", channel="", allowed=False)
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO, "category": "offers"}
    first = shop.post("notifications", body)
    work()
    posted = again(shop, first)
    work()
    assert shop.counts(posted) == {"inbox": {"suppressed": 1}}
    assert shop.get(f"notifications/{posted['id']}")["category"] == "offers"
    other = again(shop, first, category="default")
    work()
    assert shop.counts(other) == {"inbox": {"delivered": 1}}


def test_it_can_be_run_dry(shop, first):
    audience = {"not_reached_by": first["id"]}
    body = {"audience": audience, "content": HELLO}
    said = shop.post("notifications/dry-run", body, status=200)["channels"]["inbox"]
    assert (said["audience"], said["now"]) == (2, 0)
    assert said["not_sent"] == {"preference": 1, "no_address": 1}


def test_one_that_is_not_done_yet_is_refused(shop, work):
    recipient("ada")
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO, "send_at": later}
    first = shop.post("notifications", body)
    assert again(shop, first, status=409)["type"] == "/problems/conflict"


def test_others_notifications_and_subscribers_are_nobodys_audience(shop, other_shop, work, first):
    for earlier in ({"id": NOBODY}, first):
        refused = again(other_shop, earlier, status=400)
        assert refused["errors"][0]["pointer"] == "/audience/not_reached_by"
    granted = shop.http.put("/v1/topics/news/grants/other", {}, format="json")
    assert granted.status_code < 300, granted.content
    theirs = other_shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    assert again(other_shop, theirs, status=403)["type"] == "/problems/forbidden"


def test_who_got_it_by_a_replay_was_reached(shop, work, first):
    Contact.objects.filter(recipient__user_id="eve").update(state="active")
    eve = Delivery.objects.filter(recipient_id=Recipient.objects.get(user_id="eve").pk)
    eve.update(state="failed", reason="")
    replayed = shop.post(f"notifications/{first['id']}/replay", {})
    assert replayed["id"] in again(shop, first, status=409)["detail"], "it is not done"
    work()
    assert people(replayed) == ["eve"]
    posted = again(shop, first)
    work()
    assert people(posted) == ["bob"]
    assert "nobody" in again(shop, replayed, status=400)["detail"]


def test_where_everybody_got_it_there_is_nobody(shop, work):
    recipient("ada")
    first = shop.post("notifications", {"user_id": "ada", "channels": ["inbox"], "content": HELLO})
    work()
    assert "nobody" in again(shop, first, status=400)["detail"]


def test_more_people_than_can_be_written_down_are_refused(shop, first, monkeypatch):
    monkeypatch.setattr(unreached_audience, "MOST", 1)
    assert "too many" in again(shop, first, status=400)["detail"]


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": "ada"},
        {"audience": {"states": ["failed"]}},
        {"audience": {"not_reached_by": NOBODY, "states": ["delivered"]}},
        {"audience": {"not_reached_by": NOBODY, "states": []}},
        {"audience": {"not_reached_by": "7"}},
    ],
)
def test_an_audience_that_is_none_is_refused(shop, fields):
    audience = {"not_reached_by": NOBODY}
    shop.post("notifications", {"audience": audience, "content": HELLO, **fields}, status=400)


def test_a_batch_takes_recipients_only(shop):
    item = {"audience": {"not_reached_by": NOBODY}, "content": HELLO}
    [result] = shop.post("notifications/batch", {"notifications": [item]})["results"]
    assert result["problem"]["type"] == "/problems/unknown-field"
