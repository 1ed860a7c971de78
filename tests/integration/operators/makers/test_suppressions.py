"""Suppressions that operators add and find in the admin."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.bulk import running
from apps.bulk.actions import lifting
from apps.bulk.models import BulkAction
from apps.preferences import vault
from apps.preferences.consent import suppressions
from apps.preferences.consent.suppressions import Blocked
from apps.preferences.models import DirectoryChange, Suppression
from apps.publishers.models import AuditEvent
from tests.support.database import locks_of
from tests.support.publishers.admin_actions import NEWS, confirm, confirmation
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop, delivery_of

ADD = "admin:preferences_suppression_add"
LIST = "admin:preferences_suppression_changelist"
WHY = "They wrote to support."


def typed(**changed: str) -> dict[str, str]:
    fields = {"channel": "email", "address": "Ada@Example.com", "platform": "", "why": WHY}
    return {**fields, "reason": "manual", **changed}


def test_nothing_is_sent_to_an_address_that_an_operator_suppressed(
    shop: Shop, operator: Client, work
):
    recipient("ada", email="ada@example.com")
    assert operator.post(reverse(ADD), typed()).status_code == 302
    posted = shop.post("notifications", {"user_id": "ada", "channels": ["email"], **NEWS})
    work()
    delivery = delivery_of(shop, posted)
    assert (delivery["state"], delivery["reason"]) == ("suppressed", "manual")


def test_who_suppressed_an_address_and_why_is_on_record(shop: Shop, operator: Client):
    operator.post(reverse(ADD), typed())
    row = Suppression.objects.get()
    assert (row.masked, row.publisher) == ("A•••@example.com", None)
    change = DirectoryChange.objects.get()
    assert (change.actor, change.change) == ("operator", "suppressed")
    assert change.detail == f"manual: {WHY}"
    event = AuditEvent.objects.latest("id")
    assert (event.actor, event.action, event.object_type) == ("operator", "create", "suppression")
    assert event.after is not None and event.after["address"] == "changed"
    assert "ada@" not in str(event.after).lower()
    page = operator.get(reverse("admin:preferences_suppression_change", args=[row.pk]))
    assert WHY in page.content.decode()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"address": "nobody"}, "nobody"),
        ({"channel": "sms", "address": "12"}, "12"),
        ({"channel": "webhook"}, "webhook is not one of the available choices"),
        ({"platform": "ios"}, "This goes with a device token on push."),
        ({"why": ""}, "This field is required"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(
    operator: Client, changed: dict[str, str], said: str
):
    answer = operator.post(reverse(ADD), typed(**changed))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Suppression.objects.exists()


def suppressed(reason: str, **columns: Any) -> None:
    index = vault.index_of("email", "ada@example.com")
    suppressions.suppress([Blocked("email", index, "a•••@example.com", reason, **columns)])


def test_an_address_that_is_suppressed_for_a_stronger_reason_keeps_it(operator: Client):
    suppressed("complaint")
    answer = operator.post(reverse(ADD), typed())
    assert "It is suppressed already: complaint." in answer.content.decode()
    assert Suppression.objects.get().reason == "complaint"


def test_a_stronger_reason_takes_the_place_of_a_weaker_one(operator: Client):
    suppressed("dead_address")
    assert operator.post(reverse(ADD), typed(reason="opted_out")).status_code == 302
    assert Suppression.objects.get().reason == "opted_out"
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.before) == ("update", {"reason": "dead_address"})
    assert event.after is not None
    assert (event.after["reason"], event.after["why"]) == ("opted_out", WHY)


def test_a_publishers_suppression_that_an_operator_adds_to_is_no_longer_its_own(
    shop: Shop, operator: Client
):
    suppressed("manual", publisher_id=shop.id)
    assert operator.post(reverse(ADD), typed()).status_code == 302
    assert Suppression.objects.get().publisher is None
    event = AuditEvent.objects.latest("id")
    assert event.action == "update"
    assert event.before == {"publisher": "shop"}
    assert event.after is not None and event.after["publisher"] is None
    answer = operator.post(reverse(ADD), typed())
    assert "It is suppressed already: manual." in answer.content.decode()


def test_what_an_operator_adds_holds_once_the_owner_takes_a_stop_back(operator: Client):
    suppressed("opted_out", provider="twilio")
    assert operator.post(reverse(ADD), typed()).status_code == 302
    row = Suppression.objects.get()
    assert (row.reason, row.other_cause["reason"]) == ("opted_out", "manual")
    event = AuditEvent.objects.latest("id")
    assert event.action == "update"
    assert event.after is not None
    assert event.after["beside"] == "manual"
    suppressions.undo_opt_out(row, "they wrote START", None)
    row.refresh_from_db()
    assert row.reason == "manual"


def test_a_suppression_is_found_by_its_address_in_any_spelling(operator: Client):
    suppressed("manual")
    suppressions.suppress([Blocked("sms", b"2" * 16, "+1•••23", "manual")])
    found = operator.get(reverse(LIST), {"q": " ADA@example.COM "}).content.decode()
    assert "a•••@example.com" in found and "+1•••23" not in found
    assert "a•••@" not in operator.get(reverse(LIST), {"q": "bob@example.com"}).content.decode()


def test_one_from_before_spellings_were_folded_is_found_too(operator: Client):
    index = vault.keyring().blind_index("email", "Ada@example.com")
    Suppression.objects.create(
        channel="email", address_index=index, masked="A•••@example.com", reason="manual", exact=True
    )
    assert "A•••@" in operator.get(reverse(LIST), {"q": "ada@example.com"}).content.decode()


def test_only_who_may_suppress_addresses_does(onlooker: Client):
    assert onlooker.get(reverse(ADD)).status_code == 403
    assert onlooker.post(reverse(ADD), typed()).status_code == 403
    assert not Suppression.objects.exists()


def blocked(name: str, reason: str = "hard_bounce", **fields: str) -> Suppression:
    address = f"{name}@example.com"
    index = vault.index_of("email", address)
    suppressions.suppress([Blocked("email", index, address, reason, **fields)])
    return Suppression.objects.get(masked=address)


def listed(operator: Client, **query: str) -> list[str]:
    rows = operator.get(reverse(LIST), query).context["cl"].result_list
    return sorted(row.masked.partition("@")[0] for row in rows)


def test_suppressions_are_listed_by_their_cause_and_time(shop: Shop, operator: Client):
    bounced = blocked("bounced", provider="sendgrid", error="550")
    blocked("gone", provider="smtp", error="550")
    shop.post("suppressions", {"channel": "email", "address": "own@example.com"}, status=201)
    Suppression.objects.filter(pk=bounced.pk).update(created_at="2026-01-05T10:00:00Z")
    assert listed(operator, provider="sendgrid") == ["bounced"]
    assert listed(operator, error="550") == ["bounced", "gone"]
    assert listed(operator, error="550", until="2026-01-05T10:00:01") == ["bounced"]
    assert listed(operator, error="550", since="2026-01-05T10:00:01", until="") == ["gone"]
    assert len(listed(operator, publisher_id=str(shop.id))) == 1
    assert operator.get(reverse(LIST), {"since": "soon"}).status_code == 302
    page = operator.get(reverse(LIST), {"provider": "smtp", "error": "550"}).content.decode()
    assert '<input type="hidden" name="provider" value="smtp">' in page, "it stays"


def test_all_that_a_filter_matches_are_lifted_but_what_owners_said(
    operator: Client, onlooker: Client
):
    for name in ("ada", "bob"):
        blocked(name, provider="sendgrid", error="550")
    blocked("cy", provider="sendgrid", error="551")
    blocked("dee", "complaint", provider="sendgrid", error="550")
    query = "?provider=sendgrid&error=550&since="
    assert "Lift all that match" in operator.get(reverse(LIST) + query).content.decode()
    for client, asked in ((operator, ""), (onlooker, query)):
        assert "Lift all" not in client.get(reverse(LIST) + asked).content.decode()
    url = reverse("admin:begin_bulk_action", args=["lift"])
    assert onlooker.post(url + query).status_code == 403
    for wrong in ("", "?since=", "?reason=manual&q=ada", "?since=soon"):
        assert "Nothing was begun" in operator.post(url + wrong, follow=True).content.decode()
    page = operator.post(url + query).content.decode()
    assert "Suppressions that match: 2" in page
    assert "Opt-outs and complaints are none of them." in page
    later = blocked("eve", provider="sendgrid", error="550")
    confirmed = confirmation(page) or ""
    assert "Nothing was begun: say why." in confirm(operator, "lift", confirmed)
    assert "It is begun" in confirm(operator, "lift", confirmed, reason=WHY)
    running.tick()
    left = Suppression.objects.values_list("masked", flat=True)
    assert {address.partition("@")[0] for address in left} == {"cy", "dee", "eve"}
    assert Suppression.objects.get(pk=later.pk)
    row = BulkAction.objects.get()
    assert (row.state, row.total, row.counts) == ("done", 2, {"lifted": 2})
    trail = DirectoryChange.objects.filter(change="lifted")
    said = {(change.actor, change.detail) for change in trail}
    assert said == {("operator", f"hard_bounce: {WHY}")}
    event = AuditEvent.objects.get(action="lift")
    assert event.actor == "operator" and event.after is not None
    assert (event.after["rows"], event.after["bulk_action"]) == (2, str(row.pk))


def test_each_batch_goes_on_behind_the_one_before(operator: Client, monkeypatch):
    monkeypatch.setattr(lifting, "AT_ONCE", 1)
    rows = [blocked(name, provider="sendgrid") for name in ("ada", "bob")]
    url = reverse("admin:begin_bulk_action", args=["lift"]) + "?provider=sendgrid"
    page = operator.post(url).content.decode()
    confirm(operator, "lift", confirmation(page) or "", reason=WHY)
    key = BulkAction.objects.get().pk
    for row in rows:
        assert running.go_on(key, 0)
        assert BulkAction.objects.get().cursor == str(row.pk)
    running.tick()
    assert (BulkAction.objects.get().state, Suppression.objects.count()) == ("done", 0)


def test_suppressions_that_others_have_locked_are_lifted_later(operator: Client, monkeypatch):
    monkeypatch.setattr(lifting, "AT_ONCE", 2)
    rows = [blocked(name, provider="sendgrid") for name in ("ada", "bob", "cy")]
    page = operator.post(
        reverse("admin:begin_bulk_action", args=["lift"]) + "?provider=sendgrid"
    ).content.decode()
    confirm(operator, "lift", confirmation(page) or "", reason=WHY)
    lock = "SELECT FROM preferences_suppression WHERE id = %s FOR UPDATE"
    with locks_of(lock, rows[1].pk):
        running.tick()
        assert [row.pk for row in Suppression.objects.all()] == [rows[1].pk]
    running.tick()
    assert not Suppression.objects.exists()
    assert BulkAction.objects.get().counts == {"lifted": 3}


def test_a_filter_that_is_written_goes_on_with_what_was_searched(operator: Client):
    page = operator.get(reverse(LIST), {"q": "ada@example.com"}).content.decode()
    forms = re.findall(r"<form[^>]*>.*?</form>", page, re.S)
    [written] = [form for form in forms if 'name="since"' in form]
    assert '<input type="hidden" name="q" value="ada@example.com">' in written
