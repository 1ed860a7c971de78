"""Frequency caps: who is sent no more, what is exempt, and what the publisher reads of it."""

from typing import Any

import pytest
from django.test import Client

from apps.core import cache
from apps.core.cache import ask_redis
from apps.delivery.flow import frequency_counts
from apps.delivery.models import Delivery, FrequencyCount, Notification
from apps.delivery.monitoring import metrics
from apps.delivery.operations.explain import explain
from apps.preferences.frequency import caps
from apps.preferences.models import Recipient
from notifier.domain.frequency import Cap, Per, Setter
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from tests.support.fakes.dead_redis import dead_redis
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.inbox_app import ada
from tests.support.publishers.people import contact, recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop, delivery_of

__all__ = ["ada"]  # a fixture
pytestmark = pytest.mark.usefixtures("fresh_counters")
CAPPED = ("suppressed", "frequency_cap")
SENT = ("delivered", "")


@pytest.fixture
def allow(settings):
    """Let the company allow so many a day on the inbox."""

    def set_cap(limit: int, per: Per = Per.DAY) -> None:
        settings.FREQUENCY_CAPS = {"inbox": (Cap(Setter.COMPANY, "", limit, per),)}

    return set_cap


@pytest.fixture
def scripted(settings, monkeypatch):
    """Send to the inbox through ``Scripted``."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {"inbox": {"class": path, "channel": "inbox"}}
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    monkeypatch.setattr(Scripted, "calls", [])

    def answer(outcome: Any) -> None:
        monkeypatch.setattr(Scripted, "answer", staticmethod(lambda _: outcome))

    answer(Accepted(delivered=True))
    return answer


def post(shop: Shop, user_id: str = "ada", **body: Any) -> Any:
    whole = {"user_id": user_id, "channels": ["inbox"], "content": HELLO, **body}
    return shop.post("notifications", whole)


def ending(shop: Shop, work: Any, posted: Any) -> tuple[str, str]:
    work()
    row = delivery_of(shop, posted)
    return row["state"], row["reason"]


def put(shop: Shop, path: str, body: Any) -> Any:
    answer = shop.http.put(f"/v1/{path}", body, format="json")
    assert answer.status_code in (200, 201), answer.json()
    return answer.json()


def test_more_than_the_company_allows_is_suppressed_and_says_so(
    shop, work, allow, admin_client: Client
):
    recipient("ada")
    recipient("bob")
    allow(2)
    assert ending(shop, work, post(shop)) == SENT
    assert ending(shop, work, post(shop)) == SENT
    third = post(shop)
    assert ending(shop, work, third) == CAPPED
    words = (
        "the company allows at most 2 notifications on inbox within any day, and they had been "
        "sent that"
    )
    assert delivery_of(shop, third)["reason_text"] == words
    assert ending(shop, work, post(shop, "bob")) == SENT, "another person"
    assert shop.counts(third) == {"inbox": {"suppressed": 1}}
    assert 'notifier_frequency_capped_total{channel="inbox",setter="company"}' in (
        metrics.exposition().decode()
    )
    key = Delivery.objects.get(notification_id=third["id"]).pk
    page = admin_client.get(f"/admin/delivery/delivery/{key}/change/").content.decode()
    assert words in page
    person = Recipient.objects.get(user_id="ada")
    found = explain(person, Notification.objects.get(pk=third["id"]))
    assert words in found.channels["inbox"][0].text


def test_several_in_one_claim_are_counted_one_after_the_other(shop, work, allow):
    recipient("ada")
    allow(2)
    posted = [post(shop) for _ in range(5)]
    work()
    states = [delivery_of(shop, one)["state"] for one in posted]
    assert sorted(states) == ["delivered"] * 2 + ["suppressed"] * 3


def test_an_audience_is_capped_by_person(shop, work, allow):
    topic = shop.topic()
    for name in ("ada", "bob", "eve"):
        subscribe(topic, recipient(name), "inbox")
    allow(1)
    post(shop, "bob")
    work()
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 2, "suppressed": 1}}


def test_high_priority_is_neither_capped_nor_counted(shop, work, allow):
    recipient("ada")
    allow(1)
    for _ in range(3):
        assert ending(shop, work, post(shop, priority="high")) == SENT
    assert ending(shop, work, post(shop)) == SENT
    assert ending(shop, work, post(shop)) == CAPPED
    assert ending(shop, work, post(shop, priority="high")) == SENT


def test_what_nobody_can_refuse_is_neither_capped_nor_counted(shop, work, allow):
    ada = recipient("ada")
    put(shop, "categories/security", {"kind": "critical"})
    topic = shop.topic("outages", mandatory=True)
    subscribe(topic, ada, "inbox")
    allow(1)
    for _ in range(2):
        assert ending(shop, work, post(shop, category="security")) == SENT
        told = shop.post("topics/outages/publish", {"content": HELLO, "channels": ["inbox"]})
        assert ending(shop, work, told) == SENT
    assert ending(shop, work, post(shop)) == SENT
    ask_redis(lambda client: client.flushall())
    assert ending(shop, work, post(shop)) == CAPPED, "nor where the database is asked"


def test_a_critical_category_takes_no_cap(shop):
    body = {"kind": "critical", "frequency_caps": [{"channel": "sms", "limit": 1, "per": "day"}]}
    answer = shop.http.put("/v1/categories/security", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/frequency_caps"


def test_a_category_has_caps_of_its_own(shop, work):
    recipient("ada")
    wanted = [{"channel": "inbox", "limit": 1, "per": "week"}]
    made = put(
        shop, "categories/offers", {"display_name": {"en": "Offers"}, "frequency_caps": wanted}
    )
    assert made["frequency_caps"] == wanted
    assert ending(shop, work, post(shop, category="offers")) == SENT
    second = post(shop, category="offers")
    assert ending(shop, work, second) == CAPPED
    assert delivery_of(shop, second)["reason_text"] == (
        "the company allows at most 1 notification of “Offers” on inbox within any week, and they "
        "had been sent that"
    )
    assert ending(shop, work, post(shop)) == SENT, "another category"
    put(shop, "categories/offers", {"frequency_caps": []})
    assert ending(shop, work, post(shop, category="offers")) == SENT


def test_a_person_wants_less_by_channel_and_by_category(shop, work, ada):
    put(shop, "categories/offers", {"display_name": {"en": "Offers"}})
    own = [
        {"channel": "inbox", "category": None, "limit": 2, "per": "hour"},
        {"channel": "inbox", "category": "offers", "limit": 1, "per": "day"},
    ]
    changed = ada.patch("/v1/me", {"frequency_caps": own}, format="json")
    assert changed.status_code == 200, changed.json()
    assert changed.json()["frequency_caps"] == own
    recipient("bob")
    assert ending(shop, work, post(shop, category="offers")) == SENT
    second = post(shop, category="offers")
    assert ending(shop, work, second) == CAPPED
    assert delivery_of(shop, second)["reason_text"].startswith(
        "they want at most 1 notification of “Offers” on inbox within any day"
    )
    assert ending(shop, work, post(shop)) == SENT
    assert ending(shop, work, post(shop)) == CAPPED
    for _ in range(3):
        assert ending(shop, work, post(shop, "bob", category="offers")) == SENT
    assert ada.patch("/v1/me", {"frequency_caps": []}, format="json").status_code == 200
    assert ending(shop, work, post(shop)) == SENT


def test_a_key_adds_caps_and_lowers_them_and_raises_none(shop, ada):
    def written(limit: int) -> Any:
        wanted = [{"channel": "sms", "limit": limit, "per": "day"}]
        return put(shop, "recipients/ada", {"frequency_caps": wanted})["frequency_caps"]

    assert written(5) == [{"channel": "sms", "category": None, "limit": 5, "per": "day"}]
    assert written(2)[0]["limit"] == 2
    assert written(9)[0]["limit"] == 2
    assert put(shop, "recipients/ada", {"locale": "de"})["frequency_caps"][0]["limit"] == 2
    raised = [{"channel": "sms", "limit": 9, "per": "day"}]
    assert ada.patch("/v1/me", {"frequency_caps": raised}, format="json").status_code == 200
    assert shop.get("recipients/ada")["frequency_caps"][0]["limit"] == 9


@pytest.mark.parametrize(
    "cap",
    [
        {"channel": "fax", "limit": 1, "per": "day"},
        {"channel": "sms", "limit": -1, "per": "day"},
        {"channel": "sms", "limit": 1, "per": "year"},
        {"channel": "sms", "limit": 1},
    ],
)
def test_what_is_no_cap_is_refused(shop, cap):
    for path in ("recipients/ada", "categories/offers"):
        answer = shop.http.put(f"/v1/{path}", {"frequency_caps": [cap]}, format="json")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"].startswith("/frequency_caps/0")


def test_two_caps_for_the_same_are_refused(shop):
    twice = [{"channel": "sms", "limit": n, "per": "day"} for n in (1, 2)]
    for path in ("recipients/ada", "categories/offers"):
        answer = shop.http.put(f"/v1/{path}", {"frequency_caps": twice}, format="json")
        assert answer.status_code == 400


def test_several_addresses_of_a_person_count_once(shop, work, allow, scripted):
    person = recipient("ada")
    contact("inbox", "ada-2", recipient=person)
    allow(2)
    first, second, third = (post(shop) for _ in range(3))
    work()
    assert shop.counts(first) == shop.counts(second) == {"inbox": {"delivered": 2}}
    assert shop.counts(third) == {"inbox": {"suppressed": 2}}


def test_what_is_retried_counts_once(shop, work, wake, allow, scripted):
    recipient("ada")
    allow(2)
    scripted(Retry(Reason.CONNECTION))
    first = post(shop)
    work()
    wake()
    work()
    scripted(Accepted(delivered=True))
    wake()
    assert ending(shop, work, first) == SENT
    assert ending(shop, work, post(shop)) == SENT
    assert ending(shop, work, post(shop)) == CAPPED


@pytest.mark.parametrize("redis", ["there", "away"])
def test_what_failed_for_good_gives_its_place_back(shop, work, allow, scripted, redis, monkeypatch):
    if redis == "away":
        monkeypatch.setattr(cache._shared, "call", lambda what: None)
    recipient("ada")
    allow(1)
    scripted(Refused(Reason.INVALID_MESSAGE))
    assert ending(shop, work, post(shop))[0] in ("failed", "dead")
    scripted(Accepted(delivered=True))
    assert ending(shop, work, post(shop)) == SENT
    assert ending(shop, work, post(shop)) == CAPPED


def test_a_retry_that_would_exceed_a_cap_by_now_is_not_sent_again(
    shop, work, wake, allow, scripted
):
    recipient("ada")
    scripted(Retry(Reason.CONNECTION))
    first = post(shop)
    work()
    allow(1)
    scripted(Accepted(delivered=True))
    assert ending(shop, work, post(shop)) in (SENT, CAPPED)
    wake()
    work()
    states = sorted(row.state for row in Delivery.objects.all())
    assert states == ["delivered", "suppressed"], "one of them, not both"
    assert shop.counts(first)["inbox"] in ({"delivered": 1}, {"suppressed": 1})


def test_what_is_behind_a_capped_one_in_its_line_goes_on(shop, work, allow):
    recipient("ada")
    allow(0)
    key = {"ordering_key": "order-7"}
    first = post(shop, **key)
    second = post(shop, **key)
    for _ in range(3):  # nothing is carried, which ends `work`
        work()
    assert delivery_of(shop, first)["state"] == delivery_of(shop, second)["state"] == "suppressed"


def test_without_redis_the_database_counts(shop, work, allow, monkeypatch):
    recipient("ada")
    allow(2)
    assert ending(shop, work, post(shop)) == SENT
    monkeypatch.setattr(cache._shared, "connect", dead_redis)
    monkeypatch.setattr(cache._shared, "_clients", cache._Clients())
    monkeypatch.setattr(cache._shared, "_rests_until", 0.0)
    assert ending(shop, work, post(shop)) == SENT
    assert ending(shop, work, post(shop)) == CAPPED
    assert not FrequencyCount.objects.get().in_redis


def test_where_there_is_no_cap_a_claim_asks_nobody(shop, work, monkeypatch):
    recipient("ada")
    assert not caps.exist("inbox")  # now the process knows

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("a claim asked for caps")

    monkeypatch.setattr(frequency_counts, "take", asked)
    monkeypatch.setattr(caps, "of_people", asked)
    monkeypatch.setattr(caps, "of_company", asked)
    assert ending(shop, work, post(shop)) == SENT
    assert not FrequencyCount.objects.exists()


def test_the_page_of_a_person_shows_their_caps(shop, ada, admin_client: Client):
    own = [{"channel": "sms", "category": "offers", "limit": 3, "per": "week"}]
    assert ada.patch("/v1/me", {"frequency_caps": own}, format="json").status_code == 200
    key = Recipient.objects.get(user_id="ada").pk
    page = admin_client.get(f"/admin/preferences/recipient/{key}/change/").content.decode()
    assert "3 per week" in page
