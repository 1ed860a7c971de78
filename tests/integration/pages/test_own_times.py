"""Quiet hours and stopped text messages on the page of preferences."""

import json

import pytest

from apps.preferences import links
from apps.preferences.models import Contact, DirectoryChange, Preference, Recipient, Suppression
from apps.publishers.models import AuditEvent
from tests.support.deliveries.links import OFFERS, browse, choose, form_of, seen
from tests.support.deliveries.quiet_hours import around_now, be_quiet
from tests.support.deliveries.signed_replies import Phone, take_replies
from tests.support.publishers.people import contact

NIGHTS = {"days": ["mon", "tue"], "from": "22:00", "to": "07:00"}
WEEKENDS = {"days": ["sat"], "from": "23:30", "to": "24:00"}
CHANNELS = "quiet-channels"
REMOVE = {"fields": {"quiet-remove": "yes"}}
START = {"fields": {"stopped-start": "yes"}}


def own():
    """The schedule that ada has of her own."""
    return Recipient.objects.get().quiet_hours


def times(begins, ends, number=0):
    """The fields of a window's times."""
    return {f"quiet-{number}-from": begins, f"quiet-{number}-to": ends}


@pytest.fixture
def phone(page, settings):
    """Ada's phone, whose texts are taken."""
    take_replies(settings)
    return Phone(settings.PROVIDERS["twilio"]["options"], number="+12025550123")


@pytest.fixture
def send(shop, work):
    """Text ada; the state and reason of the delivery."""

    def run():
        body = {"user_id": "ada", "content": OFFERS, "channels": ["sms"]}
        posted = shop.post("notifications", body)
        work()
        [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
        return row["state"], row["reason"]

    return run


def test_a_person_chooses_quiet_hours_changes_them_and_goes_back_to_the_companys(page):
    assert "There are none: messages come at any time." in seen(browse(page))
    after = choose(page, on=[("quiet-0-days", "mon"), ("quiet-0-days", "tue")])
    assert own() == {"windows": [NIGHTS], "channels": ["push", "sms"]}
    assert "These are your own." in seen(after)
    choose(page, off=[("quiet-0-days", "tue")], fields=times("00:00", "00:00"))
    whole = {"days": ["mon"], "from": "00:00", "to": "24:00"}
    assert own()["windows"] == [whole]
    choose(page, off=[(CHANNELS, "sms")], on=[(CHANNELS, "email")])
    assert own() == {"windows": [whole], "channels": ["push", "email"]}
    after = choose(page, **REMOVE)
    assert own() is None and "There are none" in seen(after)


def test_what_waits_for_them_waits_once_they_are_chosen(page, send):
    [window] = around_now()["windows"]
    choose(
        page,
        on=[("quiet-0-days", day) for day in window["days"]],
        fields={**times(window["from"], window["to"]), "time_zone": "Africa/Abidjan"},
    )
    assert send() == ("retrying", "quiet_hours")
    shown = seen(browse(page))
    assert "It is quiet now, until " in shown
    assert "those of this time zone: Africa/Abidjan." in shown


def test_changes_are_in_the_trail_as_those_of_the_api_are(page):
    choose(page, on=[("quiet-0-days", "mon")])
    event = AuditEvent.objects.get(object_type="quiet_hours")
    assert (event.action, event.object_name) == ("replace", "ada")
    assert (event.actor_kind, event.actor) == ("person", "ada")
    assert (event.before, event.after) == ({"quiet_hours": None}, {"quiet_hours": own()})
    choose(page, **REMOVE)
    event = AuditEvent.objects.filter(object_type="quiet_hours").latest("id")
    assert event.after == {"quiet_hours": None}


def test_saving_without_a_change_keeps_whosever_they_are(page, settings):
    settings.QUIET_HOURS = json.dumps({"windows": [NIGHTS, WEEKENDS], "channels": ["push"]})
    shown = browse(page)
    assert "These are the same for everybody." in seen(shown)
    assert "quiet-remove" not in shown.content.decode()
    choose(page)
    assert own() is None
    schedule = {"windows": [WEEKENDS, NIGHTS], "channels": ["push"]}
    be_quiet("ada", schedule)
    choose(page)
    assert own() == schedule
    assert not AuditEvent.objects.filter(object_type="quiet_hours").exists()


def test_a_change_of_the_companys_makes_them_the_persons_own(page, settings):
    settings.QUIET_HOURS = json.dumps({"windows": [NIGHTS], "channels": ["push"]})
    choose(page, on=[(CHANNELS, "sms")])
    assert own() == {"windows": [NIGHTS], "channels": ["push", "sms"]}
    choose(page, off=[("quiet-0-days", "mon"), ("quiet-0-days", "tue")])
    assert own() == {"windows": [], "channels": ["push", "sms"]}, "none, whatever the company's are"


def test_several_windows_are_kept_and_each_can_be_changed(page):
    be_quiet("ada", {"windows": [NIGHTS, WEEKENDS], "channels": ["sms"]})
    choose(page, fields=times("21:00", "06:00", 1))
    changed = {"days": ["sat"], "from": "21:00", "to": "06:00"}
    assert own()["windows"] == [NIGHTS, changed]
    choose(page, off=[("quiet-1-days", "sat")])
    assert own()["windows"] == [NIGHTS]


def test_windows_that_changed_meanwhile_are_not_undone_by_a_channel(page):
    form = form_of(browse(page))
    be_quiet("ada", {"windows": [WEEKENDS], "channels": ["push", "sms"]})
    form[CHANNELS] = ["email", "sms"]
    assert browse(page, form).status_code == 303
    assert own() == {"windows": [WEEKENDS], "channels": ["push", "sms", "email"]}


@pytest.mark.parametrize(
    "days, begins, ends",
    [
        (["mon"], "22:00", "22:00"),
        (["mon"], "", "07:00"),
        (["mon"], "late", "07:00"),
        (["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "00:00", "00:00"),
    ],
)
def test_what_cannot_be_quiet_hours_is_said_and_nothing_is_saved(page, days, begins, ends):
    form = {**form_of(browse(page)), **times(begins, ends), "quiet-0-days": days, "kinds": []}
    answer = browse(page, form)
    assert answer.status_code == 400
    assert '<p class="note bad" role="alert">Nothing was saved.' in answer.content.decode()
    assert own() is None and not Preference.objects.exists()


def test_days_and_channels_that_there_are_not_are_ignored(page):
    form = form_of(browse(page))
    form |= {"quiet-0-days": ["mon", "noday"], CHANNELS: ["sms", "inbox", "webhook", "push", "x"]}
    assert browse(page, form).status_code == 303
    assert own() == {"windows": [{**NIGHTS, "days": ["mon"]}], "channels": ["push", "sms"]}


def test_days_and_times_are_in_the_persons_language(page):
    Recipient.objects.update(locale="fr", time_zone="Europe/Paris")
    be_quiet("ada", {**around_now(hours=9), "channels": ["sms"]})
    said = seen(browse(page))
    assert "Heures calmes" in said and "Lundi Mardi Mercredi" in said


def test_whom_nothing_can_disturb_has_no_quiet_hours_to_choose(page):
    Recipient.objects.get().contacts.exclude(channel="inbox").delete()
    assert "Quiet hours" not in seen(browse(page))


@pytest.fixture
def texted(page, shop):
    """Make the URL of a person's page as a text message to one of their numbers has it."""

    def make(number):
        target = links.LinkTarget(number.recipient_id, number.pk, shop.id, "sms", None, "offers")
        return links.preferences_url(links.token(target))

    return make


def test_a_person_starts_text_messages_again_after_a_stop(texted, phone, send):
    page = texted(Contact.objects.get(channel="sms"))
    assert "Text messages are stopped" not in seen(browse(page))
    phone.write("STOP")
    assert send() == ("suppressed", "opted_out")
    shown = seen(browse(page))
    assert "Text messages are stopped" in shown and "•" not in shown, "no number"
    assert "Send me text messages again" in shown
    choose(page)
    assert send() == ("suppressed", "opted_out"), "saving something else starts nothing"
    after = choose(page, **START)
    assert send() == ("accepted", "")
    assert "Text messages are stopped" not in seen(after)
    row = DirectoryChange.objects.filter(change="resumed").get()
    assert (row.actor_kind, row.actor, row.detail) == (
        "person",
        "ada",
        "on the page of preferences",
    )


def test_a_link_in_a_mail_undoes_no_stop(page, phone, send):
    """A key that may add a mailbox to somebody could have one sent there."""
    phone.write("STOP")
    shown = seen(browse(page))
    assert "Text messages are stopped" in shown and "write START to the number" in shown
    assert "Send me text messages again" not in shown
    choose(page, **START)
    assert send() == ("suppressed", "opted_out")


def test_a_link_in_a_text_to_another_number_undoes_no_stop(texted, phone, send):
    ada = Recipient.objects.get(user_id="ada")
    planted = contact("sms", "+12025550177", recipient=ada)
    phone.write("STOP")
    shown = seen(browse(texted(planted)))
    assert "Text messages are stopped" in shown and "Send me text" not in shown
    choose(texted(planted), **START)
    assert "opted_out" in Suppression.objects.values_list("reason", flat=True)


def test_nobody_starts_what_no_stop_of_theirs_has_stopped(shop, texted, send):
    page = texted(Contact.objects.get(channel="sms"))
    body = {"channel": "sms", "address": "+12025550123"}
    shop.post("suppressions", body, status=201)
    choose(page, **START)
    assert send() == ("suppressed", "manual")


def test_another_person_has_no_part_in_a_stop(page, phone, send):
    phone.write("STOP")
    bob = Recipient.objects.create(user_id="bob")
    contact("sms", "+12025550177", recipient=bob)
    token = links.token(links.LinkTarget(bob.pk, None, 0, "sms"))
    theirs = links.preferences_url(token)
    assert "Text messages are stopped" not in seen(browse(theirs))
    choose(theirs, **START)
    assert send() == ("suppressed", "opted_out")
