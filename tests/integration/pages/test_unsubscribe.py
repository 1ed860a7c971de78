"""Leaving by the link of a mail: by a person and by a mail program."""

import re
import time

import pytest
from django.test import Client

from apps.pages import limits
from apps.preferences import links
from apps.preferences.links import DAY, LinkTarget, unsubscribe_url
from apps.preferences.models import DirectoryChange, Preference, Recipient
from apps.publishers.models import AuditEvent, Publisher
from apps.topics.models import Subscription
from tests.support.deliveries.links import (
    OFFERS,
    ONE_CLICK,
    browse,
    mails,
    one_click_url,
    path_of,
    promotional,
    seen,
)
from tests.support.deliveries.status_webhooks import received, register_webhook
from tests.support.publishers.people import contact, recipient, subscribe
from tests.support.publishers.shop import delivery_of


@pytest.fixture
def mail(shop, outside, work):
    """A promotional mail that ada got."""
    promotional(shop)
    recipient("ada", email="ada@example.com")
    shop.post("notifications", {"user_ids": ["ada"], "category": "offers", "content": OFFERS})
    work()
    [mail] = mails(outside)
    return mail


def again(shop, work, **fields):
    """What becomes of another offer by mail."""
    body = {"user_ids": ["ada"], "category": "offers", "channels": ["email"], "content": OFFERS}
    posted = shop.post("notifications", {**body, **fields})
    work()
    row = delivery_of(shop, posted)
    return row["state"], row["reason_text"]


def test_a_mail_programs_post_leaves_at_once(shop, mail, work):
    answer = Client(enforce_csrf_checks=True).post(
        path_of(one_click_url(mail)),
        "List-Unsubscribe=One-Click",
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 200 and not answer.cookies
    assert again(shop, work) == ("suppressed", "they refuse “Offers” on email")


def test_the_post_may_be_multipart_and_come_again(shop, mail, work):
    for _ in range(3):
        assert browse(one_click_url(mail), ONE_CLICK).status_code == 200
    assert Preference.objects.count() == 1
    assert AuditEvent.objects.filter(action="unsubscribe").count() == 1
    assert again(shop, work)[0] == "suppressed"


def test_only_that_category_on_that_channel_is_left(shop, mail, work):
    browse(one_click_url(mail), ONE_CLICK)
    assert again(shop, work, category="default")[0] == "accepted"
    assert again(shop, work, channels=["inbox"])[0] == "delivered"


def test_opening_the_link_changes_nothing(shop, mail, work):
    url = one_click_url(mail)
    for method in ("get", "head", "options", "put", "delete", "patch"):
        answer = getattr(Client(enforce_csrf_checks=True), method)(path_of(url))
        assert answer.status_code == (200 if method in ("get", "head") else 405), method
    page = browse(url)
    assert "Leave “Offers”?" in seen(page) and 'name="confirm"' in page.content.decode()
    assert Preference.objects.count() == 0
    assert again(shop, work)[0] == "accepted"


@pytest.mark.parametrize("form", [{}, {"List-Unsubscribe": "1"}, {"confirm": "no"}, {"a": "b"}])
def test_a_post_that_says_nothing_changes_nothing(mail, form):
    page = browse(one_click_url(mail), form)
    assert page.status_code == 400 and "Leave “Offers”?" in seen(page)
    assert Preference.objects.count() == 0


@pytest.mark.parametrize("charset", ["", "; charset=iso-8859-1", "; charset=utf-16", "; charset=x"])
@pytest.mark.parametrize("value", ["One-Click", "One-Click%0D%0A", "+One-Click+"])
def test_mail_programs_may_spell_the_post_oddly(mail, charset, value):
    answer = Client().generic(
        "POST",
        path_of(one_click_url(mail)),
        f"List-Unsubscribe={value}",
        content_type=f"application/x-www-form-urlencoded{charset}",
    )
    assert answer.status_code == 200
    assert Preference.objects.count() == 1


def test_a_person_leaves_by_the_pages_button(shop, mail, work):
    url = one_click_url(mail)
    page = browse(url, {"confirm": "yes"})
    assert "You have left “Offers”" in seen(page) and 'href="https://' in page.content.decode()
    assert "You have left “Offers”" in seen(browse(url)), "it says so when it is opened again"
    assert again(shop, work)[0] == "suppressed"


def test_the_publisher_and_the_trails_are_told(shop, other_shop, outside, mail, work):
    register_webhook(shop, outside, "preference.changed")
    register_webhook(other_shop, outside, "preference.changed", name="other")
    browse(one_click_url(mail), ONE_CLICK)
    browse(one_click_url(mail), {"confirm": "yes"})
    work()
    [event] = received(outside)
    assert event["type"] == "preference.changed"
    [change] = event["data"]["preferences"]
    assert change.pop("at").endswith("Z")
    assert change == {
        "user_id": "ada",
        "subscription_id": None,
        "channel": "email",
        "topic": "",
        "category": "offers",
        "allowed": False,
        "by": "one_click",
    }
    assert received(outside, "other") == []
    entry = DirectoryChange.objects.get(change="refused")
    assert (entry.actor_kind, entry.actor, entry.channel) == ("person", "ada", "email")
    [audited] = shop.get("audit", object_type="preferences")["data"]
    assert (audited["action"], audited["actor_kind"]) == ("unsubscribe", "person")
    assert audited["object_name"] == "ada"


def test_a_topics_mail_leaves_the_topic_and_its_owner_is_told(shop, other_shop, outside, work):
    person = recipient("ada", email="ada@example.com")
    topic = shop.topic("sale", display_name="The Sale")
    topic.granted_to.add(Publisher.objects.get(pk=other_shop.id))
    subscribe(topic, person, "email")
    for one, name in ((shop, "shop"), (other_shop, "other")):
        register_webhook(one, outside, "preference.changed", name=name)
    other_shop.post("topics/sale/publish", {"content": OFFERS})
    work()
    [mail] = mails(outside)
    assert "Leave “The Sale”?" in seen(browse(one_click_url(mail)))
    browse(one_click_url(mail), ONE_CLICK)
    work()
    [of_owner] = received(outside)[0]["data"]["preferences"]
    [of_poster] = received(outside, "other")[0]["data"]["preferences"]
    assert (of_owner["user_id"], of_owner["topic"]) == ("ada", "sale")
    assert (of_poster["user_id"], of_poster["topic"]) == ("", "sale")
    posted = shop.post("topics/sale/publish", {"content": OFFERS})
    work()
    assert shop.counts(posted) == {"email": {"suppressed": 1}}


def test_who_publishes_to_anothers_topic_does_not_learn_who_leaves_it(shop, other_shop, outside):
    person = recipient("ada", email="ada@example.com")
    topic = shop.topic("sale")
    topic.granted_to.add(Publisher.objects.get(pk=other_shop.id))
    desk = contact("email", "desk@example.com", publisher_id=shop.id)
    Subscription.objects.create(topic=topic, contact=desk, channel="email")
    for target in (
        LinkTarget(person.pk, None, other_shop.id, "email", topic.pk),
        LinkTarget(None, desk.pk, other_shop.id, "email", topic.pk),
    ):
        browse(unsubscribe_url(links.token(target)), ONE_CLICK)
    assert other_shop.get("audit", object_type="preferences")["data"] == []
    events = shop.get("audit", object_type="preferences")["data"]
    assert {one["object_name"] for one in events} == {"ada", f"endpoint {desk.pk}"}
    assert {one["remote_address"] for one in events} == {None}


def test_a_bare_endpoint_leaves_its_topic(shop, outside, work):
    shop.topic("sale")
    address = {"channel": "email", "address": "desk@example.com"}
    shop.post("topics/sale/subscriptions", address, status=200)
    register_webhook(shop, outside, "preference.changed")
    shop.post("topics/sale/publish", {"content": OFFERS})
    work()
    [mail] = mails(outside)
    browse(one_click_url(mail), ONE_CLICK)
    row = Subscription.objects.get()
    assert row.state == "unsubscribed"
    work()
    [change] = received(outside)[0]["data"]["preferences"]
    assert (change["user_id"], change["subscription_id"], change["topic"]) == ("", row.pk, "sale")
    assert "desk" not in str(list(AuditEvent.objects.values()))
    assert "You have left" in seen(browse(one_click_url(mail)))


def test_a_link_works_after_its_notification_topic_and_publisher_are_gone(
    shop, outside, mail, work
):
    from apps.delivery.models import Delivery, Notification

    Delivery.objects.all().delete()
    Notification.objects.all().delete()
    Publisher.objects.filter(pk=shop.id).update(is_active=False)
    register = LinkTarget(Recipient.objects.get().pk, None, 10**9, "email", 10**9)
    for url in (one_click_url(mail), unsubscribe_url(links.token(register))):
        assert browse(url, ONE_CLICK).status_code == 200
    assert Preference.objects.count() == 2


def test_of_a_person_who_is_gone_nothing_is_said(shop, outside):
    url = unsubscribe_url(links.token(LinkTarget(10**9, None, shop.id, "email", None, "offers")))
    page = browse(url)
    assert page.status_code == 410 and "Nothing is sent to you any more" in seen(page)
    assert browse(url, ONE_CLICK).status_code == 200, "what was asked for is so"


def test_a_link_that_is_too_old_or_made_up_opens_nothing(shop, mail):
    person = Recipient.objects.get()
    target = LinkTarget(person.pk, None, shop.id, "email", None, "offers")
    old = unsubscribe_url(links.token(target, time.time() - 370 * DAY))
    forged = unsubscribe_url(links.token(target)[:-4] + "AAAA")
    for url, status, said in ((old, 410, "has expired"), (forged, 404, "not valid")):
        for form in (None, ONE_CLICK):
            page = browse(url, form)
            assert page.status_code == status and said in seen(page)
    assert Preference.objects.count() == 0


def test_what_is_critical_cannot_be_left(shop, outside):
    promotional(shop, "security", kind="critical", display_name={"en": "Security"})
    person = recipient("ada", email="ada@example.com")
    target = LinkTarget(person.pk, None, shop.id, "email", None, "security")
    url = unsubscribe_url(links.token(target))
    for form in (None, ONE_CLICK, {"confirm": "yes"}):
        assert "“Security” is always sent" in seen(browse(url, form))
    assert Preference.objects.count() == 0


@pytest.mark.parametrize("fields", [{"mandatory": True}, {"category": "security"}])
def test_of_a_topic_that_is_always_sent_only_other_messages_are_left(shop, outside, work, fields):
    promotional(shop)
    promotional(shop, "security", kind="critical", display_name={"en": "Security"})
    person = recipient("ada", email="ada@example.com")
    topic = shop.topic("alarms", **fields)
    subscribe(topic, person, "email")
    shop.post("topics/alarms/publish", {"content": OFFERS, "category": "offers"})
    work()
    [mail] = mails(outside)
    assert "messages of its own kind are always sent" in seen(browse(one_click_url(mail)))
    left = browse(one_click_url(mail), ONE_CLICK)
    assert left.status_code == 200
    assert "messages of its own kind will still be sent" in seen(left)
    own = shop.post("topics/alarms/publish", {"content": OFFERS})
    other = shop.post("topics/alarms/publish", {"content": OFFERS, "category": "offers"})
    work()
    assert shop.counts(own) == {"email": {"accepted": 1}}
    assert shop.counts(other) == {"email": {"suppressed": 1}}


def test_a_token_of_a_kind_that_is_not_known_opens_nothing(shop, monkeypatch):
    monkeypatch.setattr(links, "_OF_PERSON", 9)
    url = unsubscribe_url(links.token(LinkTarget(1, None, shop.id, "email", None, "offers")))
    monkeypatch.undo()
    assert browse(url).status_code == 404


def test_a_page_that_is_changed_very_often_has_a_rest(mail, monkeypatch):
    monkeypatch.setattr(limits, "MOST_CHANGED", 2)
    for status in (200, 200, 429):
        answer = browse(one_click_url(mail), ONE_CLICK)
        assert answer.status_code == status
    assert answer.headers["Retry-After"] == "600"
    assert browse(one_click_url(mail)).status_code == 200


def test_a_page_keeps_its_token_to_itself(mail):
    page = browse(one_click_url(mail))
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "<script" not in page.content.decode()


def test_a_page_shows_neither_name_nor_address(shop, mail):
    for url in (one_click_url(mail), one_click_url(mail).replace("unsubscribe", "preferences")):
        page = browse(url).content.decode()
        assert not re.search(r"\bada\b", page.partition("<body>")[2])
        assert "Half price" not in page and "Socks" not in page


def test_the_language_is_the_persons_and_else_the_browsers(mail):
    url = one_click_url(mail)
    asked = {"Accept-Language": "es-MX, de;q=0.5"}
    assert "¿Dejar de recibir" in seen(browse(url, **asked))
    Recipient.objects.update(locale="fr-CA")
    page = browse(url, **asked)
    assert page.headers["Content-Language"] == "fr"
    assert "Ne plus recevoir" in seen(page)
