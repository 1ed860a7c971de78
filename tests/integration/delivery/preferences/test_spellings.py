"""Suppressions and limits ignore the case of an email address; mail goes to it as written."""

from importlib import import_module

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from apps.delivery.models import Delivery
from apps.preferences import vault
from apps.preferences.contacts import disabling
from apps.preferences.contacts.disabling import ProviderReport
from apps.preferences.models import Contact, Suppression
from apps.publishers.models import Publisher
from apps.topics.models import Confirmation, Subscription
from tests.support.deliveries.confirmations import subscribe
from tests.support.deliveries.old_spellings import (
    HELLO,
    contact_as_before,
    mailed,
    person,
    suppressed_as_before,
)
from tests.support.publishers.people import recipient

SPELLINGS = ["ada@example.com", "Ada@example.com", "ADA@EXAMPLE.COM", "aDA@eXample.com"]
SIX = ["ada", "Ada", "ADA", "aDA", "adA", "AdA"]


@pytest.mark.parametrize("suppressed", SPELLINGS)
def test_a_suppression_holds_for_every_spelling(shop, work, suppressed):
    shop.post("suppressions", {"channel": "email", "address": suppressed}, status=201)
    for number, email in enumerate(SPELLINGS):
        person(shop, f"p{number}", email)
        assert mailed(shop, work, f"p{number}") == ["suppressed"]
        [found] = shop.get("suppressions", channel="email", address=email)["data"]
        assert found["reason"] == "manual"
        shop.post("suppressions", {"channel": "email", "address": email}, status=200)


def test_what_a_provider_reports_of_one_spelling_holds_for_the_others(shop, work):
    person(shop, "ada", "Ada@example.com")
    said = ProviderReport("complaint", "sendgrid", "spamreport", 1)
    disabling.suppress_addresses({Contact.objects.get(channel="email").pk: said})
    person(shop, "eve", "ada@EXAMPLE.com")
    assert mailed(shop, work, "eve") == ["suppressed"]


def test_an_address_is_sent_to_as_it_was_written_last(shop, outside, work):
    person(shop, "ada", "ada.lovelace@example.com")
    person(shop, "ada", "Ada.Lovelace@Example.com")
    assert Contact.objects.filter(channel="email").count() == 1
    mailed(shop, work, "ada")
    [message] = outside.client.messages()
    assert message["address"] == "Ada.Lovelace@example.com"


def test_two_spellings_in_one_call_are_one_contact(shop):
    emails = [{"channel": "email", "address": a} for a in ("ada@example.com", "ADA@example.com")]
    answer = shop.http.put("/v1/recipients/ada", {"contacts": emails}, format="json").json()
    assert [row["address"] for row in answer["contacts"]] == ["A•••@example.com"]


def test_six_spellings_are_one_subscription_and_get_one_question(offers, outside, ask):
    made = {
        subscribe(offers, {"channel": "email", "address": f"{name}@example.com"})["id"]
        for name in SIX
    }
    ask()
    assert len(made) == len(outside.client.messages()) == 1


def test_six_spellings_of_six_people_get_three_questions(offers, outside, ask):
    for name in SIX:
        person(offers, f"p-{name}", f"{name}@example.com")
        subscribe(offers, {"user_id": f"p-{name}", "channels": ["email"]})
    ask()
    assert len(outside.client.messages()) == 3


@pytest.mark.parametrize(
    "addresses",
    [
        ["Ada+a@example.com", "ADA+B@example.com", "ada@example.com", "aDA+c@example.com"],
        ["a.da@gmail.com", "ad.a@gmail.com", "ADA+x@googlemail.com", "a.d.a@Gmail.com"],
    ],
)
def test_one_mailbox_gets_three_questions_a_day_however_it_is_written(
    offers, outside, ask, addresses
):
    for address in addresses:
        subscribe(offers, {"channel": "email", "address": address})
    ask()
    assert len(outside.client.messages()) == 3


def test_an_endpoint_is_unsubscribed_in_any_spelling(shop):
    shop.topic("news")
    subscribe(shop, {"channel": "email", "address": "Ada@example.com"}, topic="news")
    gone = {"channel": "email", "address": "ada@Example.com"}
    shop.post("topics/news/unsubscribe", gone, status=200)
    assert Subscription.objects.get().state == "unsubscribed"


# -- What was written before spellings were one -----------------------------------------------


def _migrate():
    name = "0005_fold_email_addresses"
    models = MigrationLoader(connection).project_state(("topics", name)).apps
    import_module(f"apps.topics.migrations.{name}").fold(models, None)


def test_contacts_from_before_are_found_in_every_spelling(shop, work):
    ada = recipient("ada")
    row = contact_as_before("Ada@example.com", recipient=ada)
    _migrate()
    _migrate()  # interrupted, it is run once more
    person(shop, "ada", "ADA@example.com")
    assert Contact.objects.get(channel="email").pk == row.pk
    shop.post("suppressions", {"channel": "email", "address": "ada@example.com"}, status=201)
    assert mailed(shop, work, "ada") == ["suppressed"]


@pytest.mark.parametrize("before", ["ada@example.com", "Ada@example.com", "aDA@example.com"])
def test_a_suppression_from_before_goes_on_holding(shop, work, before):
    contact_as_before(before, recipient=recipient("old"))
    suppressed_as_before(before)
    _migrate()
    assert mailed(shop, work, "old") == ["suppressed"]
    person(shop, "eve", "ADA@example.com")
    assert mailed(shop, work, "eve") == ["suppressed"]
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("before", ["ada@example.com", "Ada@example.com", "ADA@example.com"])
@pytest.mark.parametrize("after", ["ada@example.com", "Ada@example.com", "aDa@example.com"])
def test_a_suppression_whose_address_nobody_had_holds_when_somebody_gets_it(
    shop, work, before, after
):
    suppressed_as_before(before)
    _migrate()
    [listed] = shop.get("suppressions", channel="email", address=after)["data"]
    assert listed["reason"] == "complaint"
    person(shop, "ada", after)
    assert mailed(shop, work, "ada") == ["suppressed"]
    assert Delivery.objects.get().reason == "complaint"
    assert not Suppression.objects.filter(exact=True).exists()


def test_a_suppression_from_before_meets_a_contact_from_before_of_another_spelling(shop, work):
    contact_as_before("ada@example.com", recipient=recipient("ada"))
    suppressed_as_before("Ada@example.com")
    _migrate()
    assert mailed(shop, work, "ada") == ["suppressed"]


def test_of_two_suppressions_from_before_the_lasting_reason_stays(shop):
    suppressed_as_before("Ada@example.com", "complaint")
    suppressed_as_before("ada@example.com", "dead_address")
    _migrate()
    row = shop.post("suppressions", {"channel": "email", "address": "ADA@example.com"}, status=200)
    assert row["reason"] == "complaint"
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("one", ["ada@example.com", "ADA@example.com"])
def test_two_contacts_from_before_become_one_with_the_subscriptions_of_both(shop, work, one):
    publisher = Publisher.objects.get(pk=shop.id)
    first = contact_as_before(one, publisher=publisher)
    second = contact_as_before("Ada@example.com", publisher=publisher)
    news, offers, both = (shop.topic(name) for name in ("news", "offers", "both"))
    for topic, row in ((news, first), (offers, second), (both, first), (both, second)):
        Subscription.objects.create(topic=topic, contact=row, channel="email")
    _migrate()
    active = Subscription.objects.filter(state="active")
    assert {row.topic.name for row in active} == {"news", "offers", "both"}
    assert len({row.contact_id for row in active}) == len(active) - 2
    posted = shop.post("topics/both/publish", {"content": HELLO, "channels": ["email"]})
    work()
    assert sum(shop.counts(posted)["email"].values()) == 1


def test_of_two_contacts_from_before_the_active_one_stays_with_what_was_confirmed(shop, work):
    ada = recipient("ada")
    contact_as_before("ada@example.com", recipient=ada, state="disabled", disabled_reason="removed")
    active = contact_as_before("Ada@example.com", recipient=ada)
    topic = shop.topic("news")
    made = Subscription.objects.create(topic=topic, recipient=ada, channel="email", asks=True)
    Confirmation.objects.create(subscription=made, contact=active, confirmed_at=made.created_at)
    _migrate()
    person(shop, "ada", "ADA@example.com")
    row = Contact.objects.get(channel="email", state="active")
    assert Confirmation.objects.get(contact=row).confirmed_at is not None
    assert vault.open(bytes(row.address), bytes(row.address_index)) == "ADA@example.com"
