"""STOP stops every text message to the number, and START undoes that and nothing else."""

import time

import pytest

from apps.preferences import vault
from apps.preferences.consent import opt_outs, suppressions
from apps.preferences.consent.suppressions import Blocked
from apps.preferences.contacts import disabling
from apps.preferences.contacts.disabling import ProviderReport
from apps.preferences.models import Category, Contact, DirectoryChange, Recipient, Suppression
from tests.support.deliveries.signed_replies import PHONE
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import delivery_of

SENT, STOPPED = ("accepted", ""), ("suppressed", "opted_out")
INDEX = vault.index_of("sms", PHONE)


def reasons():
    return list(Suppression.objects.values_list("reason", flat=True))


def changes():
    rows = DirectoryChange.objects.exclude(channel="inbox").order_by("id")
    return [(row.actor_kind, row.change, row.detail) for row in rows]


def test_stop_stops_all_text_messages_to_the_number_whoever_sends_them(
    phone, send, shop, other_shop, work
):
    assert send() == SENT
    assert phone.write("Stop.") is None
    assert send() == STOPPED
    assert send(by=other_shop) == STOPPED
    assert send(priority="high", expires_at="2099-01-01T00:00:00Z") == STOPPED
    Category.objects.create(name="security", kind="critical")
    assert send(category="security") == STOPPED
    topic = shop.topic("alarms", mandatory=True)
    subscribe(topic, recipient("bob", sms=PHONE), "sms")  # the number is his, too
    posted = shop.post("topics/alarms/publish", {"content": {"body": "Fire"}})
    work()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"]) == STOPPED
    assert row["reason_text"] == "they told the provider to stop"


def test_start_undoes_what_stop_did(phone, send):
    phone.write("arrêt")
    assert send() == STOPPED
    phone.write("UNSTOP")
    assert send() == SENT
    assert changes()[-4:] == [
        ("provider", "suppressed", "opted_out"),
        ("provider", "stopped", f"wrote STOP to {phone.sender}"),
        ("provider", "resumed", f"wrote START to {phone.sender}"),
        ("provider", "lifted", f"opted_out: wrote START to {phone.sender}"),
    ]


def test_advanced_opt_out_says_what_a_text_means_whatever_it_says(phone, send):
    phone.write("Genug davon", OptOutType="STOP")
    assert send() == STOPPED
    phone.write("Weiter", OptOutType="START")
    assert send() == SENT
    phone.write("STOP", OptOutType="HELP")
    assert send() == SENT


def test_a_provider_that_refuses_since_they_wrote_stop_says_the_same(phone, send, providers):
    providers.client.write_text(PHONE, "STOP")  # which we never hear of
    assert send() == ("failed", "opted_out")
    assert send() == ("suppressed", "no_address")  # the contact is disabled
    assert Contact.objects.get(channel="sms").disabled_reason == "opted_out"
    providers.client.write_text(PHONE, "START")
    phone.write("START")
    assert send() == SENT
    assert not Suppression.objects.exists()
    assert ("provider", "contact_enabled", f"wrote START to {phone.sender}") in changes()


def test_an_opt_out_from_before_senders_were_kept_is_undone(phone, send):
    suppressions.suppress(
        [Blocked("sms", INDEX, "+43", "opted_out", "twilio", "Twilio error 21610")]
    )
    assert send() == STOPPED
    phone.write("START")
    assert send() == SENT


def test_so_is_one_after_a_stop_that_was_undone(phone, send):
    phone.write("STOP")
    phone.write("START")
    test_an_opt_out_from_before_senders_were_kept_is_undone(phone, send)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("reason", ["manual", "hard_bounce", "opted_out", "complaint"])
def test_another_cause_holds_after_a_start(phone, send, shop, reason, when):
    body = {"channel": "sms", "address": PHONE, "reason": reason}
    if when == "before":
        shop.post("suppressions", body, status=201)
    phone.write("STOP")
    assert reasons() == ["complaint" if (reason, when) == ("complaint", "before") else "opted_out"]
    if when == "after":
        shop.post("suppressions", body, status=200)
    phone.write("START")
    assert send() == ("suppressed", reason)
    phone.write("START")
    assert send() == ("suppressed", reason)


def test_who_suppressed_by_hand_may_lift_that_again_after_the_start(phone, send, shop, other_shop):
    body = {"channel": "sms", "address": PHONE}
    [first] = [shop.post("suppressions", body, status=201)["id"]]
    phone.write("STOP")
    assert shop.http.delete(f"/v1/suppressions/{first}").status_code == 403
    phone.write("START")
    assert other_shop.http.delete(f"/v1/suppressions/{first}").status_code == 403
    assert shop.http.delete(f"/v1/suppressions/{first}").status_code == 204
    assert send() == SENT
    phone.write("STOP")
    shop.post("suppressions", body, status=200)
    other_shop.post("suppressions", body, status=200)
    phone.write("START")
    [row] = Suppression.objects.all()
    assert (row.reason, row.publisher) == ("manual", None)


def test_a_dead_number_that_is_registered_again_is_none_after_the_start(phone, send, shop):
    suppressions.suppress([Blocked("sms", INDEX, "+43", "dead_address", "twilio", "30005")])
    phone.write("STOP")
    body = {"contacts": [{"channel": "sms", "address": PHONE}]}
    assert shop.http.put("/v1/recipients/carl", body, format="json").status_code == 201
    assert reasons() == ["opted_out"]
    phone.write("START")
    assert send() == SENT


def test_who_has_stopped_two_senders_has_to_start_both(phone, backup, send):
    phone.write("STOP")
    backup.write("STOP")
    phone.write("START")
    assert send() == STOPPED
    backup.write("START")
    assert send() == SENT


def test_a_start_to_another_sender_undoes_nothing(phone, backup, send):
    phone.write("STOP")
    backup.write("START")
    phone.write("START", To="+12025550199")
    assert send() == STOPPED


def test_a_stop_to_a_former_number_holds_until_a_start_to_it_or_the_present_one(phone, send):
    for again in (phone.sender, "+12025550199"):
        phone.write("STOP", To="+12025550199")
        assert send() == STOPPED
        phone.write("START", To=again)
        assert send() == SENT


def test_an_operator_who_lifts_it_ends_the_stop(phone, send, providers):
    providers.client.write_text(PHONE, "STOP")
    assert send() == ("failed", "opted_out")
    providers.client.write_text(PHONE, "START")
    suppressions.lift(Suppression.objects.all(), "they called us")
    assert send() == ("suppressed", "no_address")
    phone.write("START")
    assert send() == SENT
    phone.write("STOP")
    assert send() == STOPPED


def test_the_person_may_undo_it_by_a_link_that_reached_the_number(phone, send):
    recipient("bob", sms="+4366012345679")
    ada, bob = (Recipient.objects.get(user_id=name).pk for name in ("ada", "bob"))
    phone.write("STOP")
    assert [masked for _, masked in opt_outs.stopped_numbers(ada)] == ["+43•••••••••78"]
    assert opt_outs.stopped_numbers(bob) == []
    numbers = Contact.objects.filter(channel="sms")
    number, another = (numbers.get(recipient_id=person) for person in (ada, bob))
    for person, reached in ((bob, another), (bob, number), (ada, another)):
        assert not opt_outs.resume(person, reached.pk, "on their page")
    assert send() == STOPPED
    assert opt_outs.resume(ada, number.pk, "on their page")
    assert send() == SENT
    assert changes()[-1][1:] == ("lifted", "opted_out: on their page")


def test_the_person_cannot_undo_what_was_no_stop(phone, send, shop):
    shop.post("suppressions", {"channel": "sms", "address": PHONE}, status=201)
    ada = Recipient.objects.get(user_id="ada").pk
    assert opt_outs.stopped_numbers(ada) == []
    assert not opt_outs.resume(ada, Contact.objects.get(channel="sms").pk, "on their page")
    assert send() == ("suppressed", "manual")


def test_a_refusal_from_before_a_start_is_not_believed_after_it(phone, send):
    assert send() == SENT
    phone.write("STOP")
    sent_at = time.time()  # claimed before, and refused by the provider
    phone.write("START")
    contact = Contact.objects.get(channel="sms").pk
    late = ProviderReport("opted_out", "twilio", "Twilio error 21610", 1, sent_at)
    disabling.disable_contacts({contact: late})
    disabling.suppress_addresses({contact: late})
    assert send() == SENT
    disabling.disable_contacts({contact: late._replace(sent_at=time.time() + 60)})
    assert send() == ("suppressed", "no_address")


def test_what_waits_for_its_next_attempt_is_not_sent_after_a_stop(
    phone, send, shop, providers, work, wake
):
    providers.client.behave("twilio", "500", address=PHONE, times=1)
    body = {"user_id": "ada", "content": {"body": "Hi"}, "channels": ["sms"]}
    posted = shop.post("notifications", body)
    work()
    assert delivery_of(shop, posted)["state"] == "retrying"
    phone.write("STOP")
    wake()
    work()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"]) == STOPPED
