"""The page of preferences: what it shows, and what its form changes."""

import pytest
from django.db import connection

from apps.preferences import links
from apps.preferences.links import LinkTarget, preferences_url
from apps.preferences.models import Preference, Recipient
from apps.publishers.models import AuditEvent
from apps.topics.models import Subscription
from tests.support.deliveries.links import (
    OFFERS,
    browse,
    choose,
    form_of,
    seen,
)
from tests.support.deliveries.status_webhooks import received, register_webhook
from tests.support.publishers.people import contact, subscribe


def chosen():
    """Every preference in the database."""
    rows = Preference.objects.order_by("pk")
    return [(row.channel, row.topic_id, row.category, row.allowed) for row in rows]


def category_key(name, channel):
    from apps.preferences.models import Category

    return "kinds", f"{Category.objects.get(name=name).pk}:{channel}"


def test_it_shows_categories_by_the_channels_that_reach_the_person(page):
    shown = browse(page)
    said = seen(shown)
    assert "Offers Sales and socks. Text message Email In the app" in said
    assert "Push" not in said and "Webhook" not in said
    assert said.index("Security") < said.index("Offers"), "in the catalogue's order"
    assert "Security Always sent: critical messages cannot be refused. Offers" in said


def test_saving_without_a_change_writes_nothing(page):
    choose(page)
    assert chosen() == [] and not AuditEvent.objects.filter(object_type="preferences").exists()


def test_what_is_unticked_is_refused_and_what_is_ticked_again_allowed(page):
    box = category_key("offers", "sms")
    choose(page, off=[box])
    assert chosen() == [("sms", None, "offers", False)]
    choose(page, on=[box])
    assert chosen() == [("sms", None, "offers", True)]


def test_only_what_the_person_changed_is_written_whatever_changed_meanwhile(page):
    form = form_of(browse(page))
    choose(page, off=[category_key("offers", "sms")])
    name, key = category_key("offers", "email")
    form[name].remove(key)
    assert browse(page, form).status_code == 303
    assert chosen() == [("sms", None, "offers", False), ("email", None, "offers", False)]


def test_boxes_that_the_page_does_not_have_are_ignored(page):
    form = form_of(browse(page))
    form["kinds"] += ["999:email", "x", category_key("security", "email")[1]]
    form["kinds"] += [category_key("offers", "webhook")[1]]
    form["topics"] = ["1:email", "999999:sms"]
    form |= {"locale": "xx", "time_zone": "Mars/Olympus"}
    assert browse(page, form).status_code == 303
    assert chosen() == []
    assert Recipient.objects.get().time_zone == "UTC"


def test_topics_are_shown_with_who_sends_them_and_chosen_by_channel(shop, page):
    person = Recipient.objects.get()
    sale = shop.topic("sale", display_name="The Sale", category="offers")
    notices = shop.topic("notices", display_name="Notices", mandatory=True)
    subscribe(sale, person, "email", "inbox")
    subscribe(notices, person, "email")
    said = seen(browse(page))
    assert "Notices From shop Always sent: it is mandatory." in said
    assert "The Sale From shop Email In the app" in said
    choose(page, off=[("topics", f"{sale.pk}:email")])
    assert chosen() == [("email", sale.pk, "", False)]
    assert Subscription.objects.filter(state="active").count() == 3


def test_leaving_everything_leaves_what_is_critical(shop, page, work):
    box = category_key("offers", "email")
    choose(page, off=[box])
    choose(page, on=[box])
    answer = browse(page, {"leave": "everything"})
    assert answer.headers["Location"] == "?done=left"
    assert chosen() == [("", None, "", False)]
    states = {}
    for category in ("offers", "security", "default"):
        body = {"user_ids": ["ada"], "channels": ["email"], "category": category}
        posted = shop.post("notifications", {**body, "content": OFFERS})
        work()
        states[category] = shop.counts(posted)["email"]
    assert states == {
        "offers": {"suppressed": 1},
        "security": {"accepted": 1},
        "default": {"suppressed": 1},
    }
    choose(page, on=[box])
    assert ("email", None, "offers", True) in chosen(), "and may be chosen again"


def test_language_and_zone_are_saved_and_the_page_follows(page):
    after = choose(page, locale="de", time_zone="Europe/Vienna")
    person = Recipient.objects.get()
    assert (person.locale, person.time_zone) == ("de", "Europe/Vienna")
    assert "Was Sie von uns bekommen" in seen(after)
    event = AuditEvent.objects.get(action="update", object_type="recipient")
    assert (event.actor_kind, event.actor) == ("person", "ada")
    assert event.after == {"locale": "de", "time_zone": "Europe/Vienna"}


@pytest.mark.parametrize("locale", ["de-AT", "ja", "x-odd"])
def test_a_locale_and_a_zone_of_their_own_are_kept(page, locale):
    Recipient.objects.update(locale=locale, time_zone="Etc/GMT+5")
    choose(page, off=[category_key("offers", "sms")])
    person = Recipient.objects.get()
    assert (person.locale, person.time_zone) == (locale, "Etc/GMT+5")


def test_it_says_why_the_last_messages_came_and_not_what_they_said(shop, page, work):
    person = Recipient.objects.get()
    sale = shop.topic("sale", display_name="The Sale", category="offers")
    subscribe(sale, person, "email")
    shop.post("topics/sale/publish", {"content": OFFERS})
    body = {"user_ids": ["ada"], "channels": ["sms"], "content": {"body": "secret code"}}
    shop.post("notifications", {**body, "category": "security"})
    shop.http.put("/v1/groups/team", {}, format="json")
    shop.post("groups/team/members", {"user_ids": ["ada"]}, status=200)
    shop.post("groups/team/notify", {"channels": ["inbox"], "content": OFFERS})
    work()
    said = seen(browse(page))
    assert "Email From shop, Offers You are subscribed to “The Sale”." in said
    assert "Text message From shop, Security It was sent to you personally. Critical" in said
    assert "In the app From shop, Other messages It was sent to a group that you were in." in said
    assert "secret code" not in said and "Half price" not in said


def test_what_was_not_sent_is_not_among_the_last_messages(shop, page, work):
    choose(page, off=[category_key("offers", "email")])
    body = {"user_ids": ["ada"], "channels": ["email"], "category": "offers", "content": OFFERS}
    shop.post("notifications", body)
    work()
    assert "Nothing was sent to you lately." in seen(browse(page))


def test_publishers_are_told_what_they_may_know(shop, other_shop, outside, page, work):
    person = Recipient.objects.get()
    theirs = other_shop.topic("theirs")
    subscribe(theirs, person, "email")
    register_webhook(shop, outside, "preference.changed")
    register_webhook(other_shop, outside, "preference.changed", name="other")
    choose(page, off=[category_key("offers", "sms"), ("topics", f"{theirs.pk}:email")])
    work()
    [mine] = [one for event in received(outside) for one in event["data"]["preferences"]]
    [others] = [one for event in received(outside, "other") for one in event["data"]["preferences"]]
    assert (mine["category"], mine["channel"], mine["by"]) == ("offers", "sms", "page")
    assert (others["topic"], others["user_id"], others["allowed"]) == ("theirs", "ada", False)


def test_by_the_link_of_anothers_topic_nobody_learns_who_chose(
    shop, other_shop, outside, page, work
):
    topic = shop.topic("sale")
    target = LinkTarget(Recipient.objects.get().pk, None, other_shop.id, "email", topic.pk)
    register_webhook(other_shop, outside, "preference.changed", name="other")
    choose(preferences_url(links.token(target)), off=[category_key("offers", "sms")])
    work()
    [told] = [one for event in received(outside, "other") for one in event["data"]["preferences"]]
    assert (told["user_id"], told["category"]) == ("", "offers")


@pytest.mark.parametrize("scope", [("email", "offers"), ("", "offers"), ("email", ""), ("", "")])
def test_a_link_does_not_lift_what_was_refused_elsewhere(shop, page, scope):
    person = Recipient.objects.get()
    sale = shop.topic("sale", category="offers")
    subscribe(sale, person, "email")
    channel, category = scope
    Preference.objects.create(recipient=person, channel=channel, category=category, allowed=False)
    refused = [(channel, None, category, False)]
    shown = browse(page)
    kind, topic = category_key("offers", "email"), ("topics", f"{sale.pk}:email")
    for _, key in (kind, topic):
        assert f'value="{key}" disabled' in shown.content.decode()
    assert "was not refused here, so it cannot be allowed here" in seen(shown)
    choose(page, on=[kind, topic])
    assert chosen() == refused
    browse(page, {"leave": "everything"})
    choose(page, on=[kind, topic])
    assert ("email", None, "offers", True) not in chosen()
    assert ("email", sale.pk, "", True) not in chosen()
    assert set(refused) <= set(chosen())


def test_a_link_does_not_lift_what_a_process_of_the_version_before_refused(page):
    """It writes over what a link wrote, and knows no column that says so."""
    box = category_key("offers", "email")
    choose(page, off=[box])
    with connection.cursor() as cursor:
        for allowed in (True, False):
            cursor.execute(
                "UPDATE preferences_preference SET allowed = %s, updated_at = now()", [allowed]
            )
    choose(page, on=[box])
    assert chosen() == [("email", None, "offers", False)]


def test_what_a_link_refused_no_link_allows_once_it_is_refused_elsewhere_too(shop, page):
    from apps.preferences.consent.services import PreferenceUpdate, merge_preferences

    person = Recipient.objects.get()
    box = category_key("offers", "email")
    choose(page, off=[box])
    merge_preferences([PreferenceUpdate(person.pk, "email", None, "offers", False)])
    choose(page, on=[box])
    assert chosen() == [("email", None, "offers", False)]


def test_a_refusal_on_the_page_does_not_make_way_for_what_was_refused_before(shop, page):
    person = Recipient.objects.get()
    Preference.objects.create(recipient=person, channel="email", allowed=False)
    allowed = {"channel": "email", "category": "offers"}
    Preference.objects.create(recipient=person, **allowed, allowed=True)
    choose(page, off=[category_key("offers", "email")])
    choose(page, on=[category_key("offers", "email")])
    assert chosen() == [("email", None, "", False), ("email", None, "offers", False)]


def test_what_was_refused_by_a_link_and_elsewhere_again_is_allowed_elsewhere(shop, page):
    from apps.preferences.consent.services import PreferenceUpdate, merge_preferences

    person = Recipient.objects.get()
    box = category_key("offers", "email")
    choose(page, off=[box])
    choose(page, on=[box])
    merge_preferences([PreferenceUpdate(person.pk, "email", None, "offers", False)])
    choose(page, on=[box])
    assert chosen() == [("email", None, "offers", False)]


def test_a_topic_that_became_mandatory_shows_what_was_refused_of_it(shop, page):
    person = Recipient.objects.get()
    sale = shop.topic("sale")
    subscribe(sale, person, "email", "sms")
    choose(page, off=[("topics", f"{sale.pk}:email")])
    sale.mandatory = True
    sale.save()
    assert "sale From shop Always sent: it is mandatory. Email" in seen(browse(page))
    assert f'value="{sale.pk}:sms"' not in browse(page).content.decode()
    choose(page, on=[("topics", f"{sale.pk}:email")])
    assert ("email", sale.pk, "", True) in chosen()


def test_more_boxes_than_a_form_has_usually_are_saved(page):
    form = form_of(browse(page))
    form["topics"] = [f"{number}:email" for number in range(1500)]
    assert browse(page, form).status_code == 303


def test_a_bare_endpoint_chooses_among_its_topics(shop, outside):
    sale, news = shop.topic("sale"), shop.topic("news")
    desk = contact("email", "desk@example.com", publisher_id=shop.id)
    for topic in (sale, news):
        Subscription.objects.create(topic=topic, contact=desk, channel="email")
    url = preferences_url(links.token(LinkTarget(None, desk.pk, shop.id, "email", sale.pk)))
    said = seen(browse(url))
    assert "sale From shop Email" in said and "Time zone" not in said and "Kinds" not in said
    choose(url, off=[("topics", f"{sale.pk}:email")])
    states = dict(Subscription.objects.values_list("topic__name", "state"))
    assert states == {"sale": "unsubscribed", "news": "active"}
    browse(url, {"leave": "everything"})
    assert not Subscription.objects.filter(state="active").exists()


def test_a_post_that_says_nothing_and_a_get_change_nothing(page):
    for form in (None, {}, {"List-Unsubscribe": "One-Click"}, {"save": "no"}, {"leave": "x"}):
        assert browse(page, form).status_code == 200
    assert chosen() == []


def test_a_form_without_its_fields_changes_nothing(page):
    assert browse(page, {"save": "yes"}).status_code == 303
    assert chosen() == []


def test_the_companys_name_and_logo_are_at_the_top(page, settings):
    from apps.preferences.pages import brand

    settings.COMPANY_NAME = "Shop & Söhne"
    settings.COMPANY_LOGO = "https://cdn.shop.example/logo.svg"
    brand.brand.cache_clear()
    shown = browse(page)
    brand.brand.cache_clear()
    body = shown.content.decode()
    assert '<img src="https://cdn.shop.example/logo.svg" alt="Shop &amp; Söhne">' in body
    assert "img-src https://cdn.shop.example;" in shown.headers["Content-Security-Policy"]
