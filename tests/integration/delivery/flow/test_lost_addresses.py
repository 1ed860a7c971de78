"""Contacts that one cause disabled or suppressed are restored together, with what failed."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.core.delivery_ids import number_of
from apps.delivery.flow import lost_addresses
from apps.delivery.models import DeadLetter, Delivery
from apps.preferences.contacts import restoration
from apps.preferences.contacts.restoration import Cause
from apps.preferences.models import Contact, Suppression
from apps.publishers.models import AuditEvent
from tests.support.database import locks_of
from tests.support.deliveries.mistakes import post_to_many, redrive
from tests.support.publishers.people import contact, recipient

HOUR = timedelta(hours=1)


def token(n):
    return f"device-{n:04d}:APA91bHun4MxP5egoKMwt2KZFBa"


@pytest.fixture
def gone(shop, work, providers):
    """Five devices that FCM called dead."""
    providers.client.behave("fcm", "dead")
    posted = post_to_many(shop, "push_android", 5, token)
    work()
    providers.client.heal()
    assert Contact.objects.filter(state="disabled").count() == 5
    return posted


def run(*arguments, **options):
    out = StringIO()
    call_command("restore_addresses", *arguments, stdout=out, **options)
    return out.getvalue()


def test_the_cause_is_kept_with_the_contact_and_the_suppression(gone, shop):
    row = Contact.objects.filter(state="disabled").first()
    assert (row.disabled_reason, row.disabled_by) == ("dead_address", "fcm")
    assert row.disabled_error == "UNREGISTERED"
    assert timezone.now() - HOUR < row.disabled_at <= timezone.now()
    suppression = Suppression.objects.get(address_index=row.address_index)
    assert (suppression.provider, suppression.error) == ("fcm", "UNREGISTERED")
    delivery = Delivery.objects.get(pk=row.disabled_delivery)
    assert delivery.contact_id == row.pk
    assert suppression.delivery_id == delivery.pk


def test_a_dry_run_says_how_many_and_changes_nothing(gone):
    since = (timezone.now() - HOUR).isoformat()
    said = run("fcm", "--error", "UNREGISTERED", "--since", since, "--dry-run")
    assert "5 contacts would be enabled, 5 suppressions lifted" in said
    assert Contact.objects.filter(state="disabled").count() == 5
    assert not AuditEvent.objects.filter(action="restore").exists()
    assert "fcm UNREGISTERED: 5 contacts, 5 suppressions" in run()


def test_what_one_cause_took_is_given_back_and_what_failed_can_be_sent_again(
    gone, shop, work, wake
):
    since = (timezone.now() - HOUR).isoformat()
    said = run("fcm", "--error", "UNREGISTERED", "--since", since)
    assert "5 contacts are enabled, 5 suppressions lifted; 5 deliveries are dead letters" in said
    assert not Contact.objects.filter(state="disabled").exists()
    assert not Suppression.objects.exists()
    event = AuditEvent.objects.get(action="restore")
    assert (event.object_name, event.after["error"]) == ("fcm", "UNREGISTERED")
    assert shop.counts(gone) == {"push": {"dead": 5}}

    assert redrive(shop, reason="many_dead_addresses") == 5
    wake()
    work()
    assert shop.counts(gone) == {"push": {"accepted": 5}}
    assert "0 contacts are enabled" in run("fcm", "--since", since)


def test_another_error_provider_or_time_is_left_alone(gone):
    now = timezone.now()
    for cause in (
        Cause("apns"),
        Cause("fcm", "INVALID_ARGUMENT"),
        Cause("fcm", since=now + HOUR),
        Cause("fcm", until=now - HOUR),
    ):
        assert restoration.count(cause) == (0, 0)
        assert lost_addresses.restore(cause) == (0, 0, 0)


def test_what_people_said_themselves_is_not_undone(shop, work, providers):
    posted = post_to_many(shop, "sms", 1, lambda n: "+15005550410")  # answers STOP: Twilio 21610
    work()
    assert shop.counts(posted) == {"sms": {"failed": 1}}
    opted_out = Contact.objects.get(channel="sms")
    assert (opted_out.state, opted_out.disabled_reason) == ("disabled", "opted_out")
    assert lost_addresses.restore(Cause("twilio")) == (0, 0, 0)
    assert Suppression.objects.get().reason == "opted_out"


def test_a_token_that_somebody_else_registered_stays_theirs(gone):
    lost = Contact.objects.filter(state="disabled").first()
    taken = contact("push", token(0), recipient=recipient("eve"), platform="android")
    assert bytes(lost.address_index) == taken.address_index
    done = lost_addresses.restore(Cause("fcm"))
    assert done.contacts == 4
    assert Contact.objects.filter(address_index=taken.address_index, state="active").get() == taken


def test_a_removed_contact_stays_removed(gone):
    Contact.objects.filter(state="disabled").update(disabled_reason="removed")
    assert lost_addresses.restore(Cause("fcm")).contacts == 0


@pytest.mark.parametrize("named", [["FCM"], ["nope"], ["fcm", "--error", "unregistered"]])
def test_for_a_cause_that_is_misspelt_the_answer_names_what_was_lost(gone, named):
    since = (timezone.now() - HOUR).isoformat()
    for options in ({"dry_run": True}, {}):
        assert "error: fcm UNREGISTERED." in run(*named, "--since", since, **options)


def test_a_list_of_nothing_says_so(db):
    assert "No address was lost since" in run()


@pytest.mark.parametrize("arguments", [["fcm"], ["fcm", "--since", "yesterday"]])
def test_a_command_without_a_time_says_what_is_missing(db, arguments):
    with pytest.raises(CommandError, match=r"since|time"):
        run(*arguments)


def test_a_delivery_that_arrived_after_all_is_no_dead_letter(gone, shop):
    row = shop.get(f"notifications/{gone['id']}/deliveries")["data"][0]
    Delivery.objects.filter(pk=number_of(row["id"])).update(state="delivered")
    assert lost_addresses.restore(Cause("fcm")).dead_letters == 4


def test_what_something_else_has_locked_is_left_and_said_and_restored_by_the_next_call(gone):
    since = (timezone.now() - HOUR).isoformat()
    row = Contact.objects.filter(state="disabled").earliest("pk")
    with locks_of("SELECT FROM delivery_delivery WHERE id = %s FOR UPDATE", row.disabled_delivery):
        said = run("fcm", "--since", since)
        assert "4 contacts are enabled, 4 suppressions lifted; 4 deliveries" in said
        assert "1 contacts and 1 suppressions are left" in said
    said = run("fcm", "--since", since)
    assert "1 contacts are enabled, 1 suppressions lifted; 1 deliveries" in said
    assert "are left" not in said
    assert Delivery.objects.filter(state="dead").count() == DeadLetter.objects.count() == 5


def test_a_contact_that_is_locked_is_come_back_to(gone):
    row = Contact.objects.filter(state="disabled").earliest("pk")
    with locks_of("SELECT FROM preferences_contact WHERE id = %s FOR UPDATE", row.pk):
        assert lost_addresses.restore(Cause("fcm")) == (4, 5, 5)
        assert restoration.count(Cause("fcm")) == (1, 0)
    assert lost_addresses.restore(Cause("fcm")) == (1, 0, 0)


def test_the_steps_of_a_restoration_pass_over_what_is_locked(gone, monkeypatch):
    monkeypatch.setattr(restoration, "AT_ONCE", 2)
    row = Contact.objects.filter(state="disabled").earliest("pk")
    with locks_of("SELECT FROM delivery_delivery WHERE id = %s FOR UPDATE", row.disabled_delivery):
        assert lost_addresses.restore(Cause("fcm")) == (4, 4, 4)
    assert lost_addresses.restore(Cause("fcm")) == (1, 1, 1)


def test_who_was_reached_by_a_replay_has_no_dead_letter(gone, shop, work):
    ada = Contact.objects.filter(state="disabled").earliest("pk").recipient
    contact("push", token(9), recipient=ada, platform="android")
    again = shop.post(f"notifications/{gone['id']}/replay", {}, status=202)
    work()
    assert shop.counts(again)["push"]["accepted"] == 1
    assert lost_addresses.restore(Cause("fcm")) == (5, 5, 4)
    letters = DeadLetter.objects.values_list("delivery__recipient_id", flat=True)
    assert len(letters) == 4 and ada.pk not in letters


def test_what_is_being_sent_again_is_no_dead_letter(gone, shop):
    shop.post(f"notifications/{gone['id']}/replay", {}, status=202)
    assert lost_addresses.restore(Cause("fcm")) == (5, 5, 0)
