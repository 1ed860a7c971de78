"""``fold_spellings`` corrects what processes of an older version wrote after ``migrate``."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from apps.preferences.models import Contact, DirectoryChange, Preference, Suppression
from apps.publishers.models import AuditEvent, Publisher
from apps.topics import spelling_migration
from apps.topics.models import Subscription, Topic
from apps.topics.selectors import get_topic
from tests.support.deliveries.old_spellings import (
    REFUSED,
    contact_as_before,
    mailed,
    person,
    preference_as_before,
    suppressed_as_before,
    topic_category_as_before,
)
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import outcome

DONE = """0 contacts were found in every spelling, 0 were merged with another of their owner's.
0 suppressions were moved to the address, 0 were marked until their address is seen.
The category of 0 topics, and what 0 people prefer, were written in small letters.
"""


def run(*arguments):
    out = StringIO()
    call_command("fold_spellings", *arguments, stdout=out)
    return out.getvalue()


def test_a_contact_that_an_older_process_wrote_is_found_in_every_spelling(shop, work):
    row = contact_as_before("Ada@example.com", recipient=recipient("ada"))
    shop.post("suppressions", {"channel": "email", "address": "ada@example.com"}, status=201)
    assert mailed(shop, work, "ada") != ["suppressed"]
    assert "1 contacts were found" in run()
    assert mailed(shop, work, "ada") == ["suppressed"]
    person(shop, "ada", "ADA@example.com")
    assert Contact.objects.get(channel="email").pk == row.pk


@pytest.mark.parametrize("suppressed", ["Ada@example.com", "aDA@example.com"])
def test_a_suppression_that_an_older_process_wrote_holds_for_its_contact(shop, work, suppressed):
    contact_as_before(suppressed, recipient=recipient("ada"))
    suppressed_as_before(suppressed)
    person(shop, "eve", "ada@EXAMPLE.com")
    assert mailed(shop, work, "eve") != ["suppressed"]
    assert "1 suppressions were moved" in run()
    for name in ("ada", "eve"):
        assert mailed(shop, work, name) == ["suppressed"]


def test_a_suppression_whose_address_nobody_had_holds_when_somebody_gets_it(shop, work):
    suppressed_as_before("Ada@example.com")
    assert "1 were marked" in run()
    person(shop, "ada", "ADA@example.com")
    assert mailed(shop, work, "ada") == ["suppressed"]
    assert run() == DONE


def test_what_a_person_said_is_not_lifted_by_the_publisher_of_the_other_spelling(shop):
    contact_as_before("Ada@example.com", recipient=recipient("ada"))
    shop.post("suppressions", {"channel": "email", "address": "ada@example.com"}, status=201)
    suppressed_as_before("Ada@example.com", "complaint")
    run()
    row = Suppression.objects.get()
    assert (row.reason, row.publisher, row.exact) == ("complaint", None, False)
    answer = shop.http.delete(f"/v1/suppressions/{row.pk}")
    assert answer.json()["type"] == "/problems/protected"
    assert Suppression.objects.exists()


def test_two_contacts_of_one_owner_become_one_with_the_subscriptions_of_both(shop, work):
    publisher = Publisher.objects.get(pk=shop.id)
    first = contact_as_before("ada@example.com", publisher=publisher)
    second = contact_as_before("Ada@example.com", publisher=publisher)
    news, both = shop.topic("news"), shop.topic("both")
    for topic, row in ((news, second), (both, first), (both, second)):
        Subscription.objects.create(topic=topic, contact=row, channel="email")
    assert "1 were merged" in run()
    assert {s.topic.name for s in Subscription.objects.filter(contact=first)} == {"news", "both"}
    assert Subscription.objects.filter(state="active").count() == 2
    assert Contact.objects.get(state="active").pk == first.pk
    assert run() == DONE


def test_of_two_contacts_the_active_one_stays_and_the_trail_says_so(shop):
    ada = recipient("ada")
    contact_as_before("ada@example.com", recipient=ada, state="disabled", disabled_reason="removed")
    active = contact_as_before("Ada@example.com", recipient=ada)
    run()
    assert Contact.objects.get(channel="email", state="active").pk == active.pk
    assert DirectoryChange.objects.get(recipient=ada).change == "contact_removed"
    person(shop, "ada", "ADA@example.com")
    assert Contact.objects.get(channel="email", state="active").pk == active.pk
    assert run() == DONE


@pytest.mark.parametrize("operators", ["ada@example.com", "Ada@example.com"])
def test_what_an_operator_disabled_stays_disabled(shop, operators):
    ada = recipient("ada")
    for address in ("ada@example.com", "Ada@example.com"):
        off = {"state": "disabled", "disabled_reason": "operator"} if address == operators else {}
        contact_as_before(address, recipient=ada, **off)
    run()
    assert not Contact.objects.filter(channel="email", state="active").exists()
    person(shop, "ada", "ADA@example.com")
    assert not Contact.objects.filter(channel="email", state="active").exists()
    assert run() == DONE


def test_categories_that_an_older_process_wrote_are_folded(shop, work):
    ada = recipient("ada")
    topic = shop.topic()
    subscribe(topic, ada, "inbox")
    preference_as_before(ada, "MARKETING", allowed=False)
    topic_category_as_before(topic, "Marketing")
    assert get_topic("news").category == "Marketing"
    assert "The category of 1 topics, and what 1 people prefer, were" in run()
    assert outcome(shop, work, topic) == REFUSED
    assert Topic.objects.get().category == Preference.objects.get().category == "marketing"


def _stored():
    return [
        list(model.objects.order_by("pk").values())
        for model in (Contact, Suppression, Preference, Topic, AuditEvent, DirectoryChange)
    ]


def test_a_dry_run_counts_what_a_run_does_and_changes_nothing(shop, monkeypatch):
    monkeypatch.setattr(spelling_migration, "BATCH", 2)
    for number in range(5):
        contact_as_before(f"P{number}@example.com", recipient=recipient(f"p{number}"))
        suppressed_as_before(f"P{number}@example.com")
    contact_as_before("p3@example.com", recipient=Contact.objects.first().recipient)
    contact_as_before("p0@example.com", recipient=Contact.objects.first().recipient)
    suppressed_as_before("Nobody@example.com")
    preference_as_before(recipient("ada"), "Marketing", allowed=False)
    topic_category_as_before(shop.topic(), "Marketing")
    before = _stored()
    said = run("--dry-run")
    assert _stored() == before
    assert said.replace("would be", "were") == run()
    assert "4 contacts would be found" in said
    assert "1 would be merged" in said
    assert "5 suppressions would be moved" in said
    assert "1 would be marked" in said
    assert AuditEvent.objects.filter(object_type="spelling").count() == 1
    assert run() == DONE
    assert AuditEvent.objects.filter(object_type="spelling").count() == 1


def test_an_address_whose_key_is_gone_costs_the_others_nothing(shop):
    lost = contact_as_before("Eve@example.com", recipient=recipient("eve"))
    Contact.objects.filter(pk=lost.pk).update(address=b"gone:" + bytes(40))
    contact_as_before("Ada@example.com", recipient=recipient("ada"))
    error = StringIO()
    out = StringIO()
    call_command("fold_spellings", stdout=out, stderr=error)
    assert "1 contacts were found" in out.getvalue()
    assert "1 addresses could not be read" in error.getvalue()


def test_it_asks_for_the_migrations_first(shop):
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("topics", "0006_fold_categories")
    try:
        with pytest.raises(CommandError, match="Run migrate first"):
            run()
    finally:
        recorder.record_applied("topics", "0006_fold_categories")
