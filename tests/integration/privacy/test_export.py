"""Everything that is held about a person, in one document."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from apps.preferences.erasure import mark
from apps.privacy import export
from apps.publishers.models import AuditEvent
from tests.support.personal.marked_person import ADA, MAIL, MARK, PHONE, TOKEN, Person, exported


@pytest.fixture
def person(shop, work, phone, outside, callback, operator, fresh_counters) -> Person:
    found = Person(shop, work, phone, outside)
    found.plant(operator)
    return found


def test_an_export_has_everything_in_clear(person, shop):
    found = exported(shop)
    assert found["recipient"]["name"] == f"{MARK} Lovelace"
    assert found["recipient"]["attributes"] == {"city": f"{MARK}-city"}
    addresses = {(one["channel"], one["address"]) for one in found["contacts"]}
    assert addresses >= {("email", MAIL), ("sms", PHONE), ("push", TOKEN)}
    assert {one["category"] for one in found["preferences"]} == {"offers"}
    assert found["frequency_caps"] and found["digests"]
    assert [one["group"] for one in found["groups"]] == ["team"]
    assert {one["channel"] for one in found["subscriptions"]} == {"push", "email", "inbox"}
    reasons = {(one["channel"], one["reason"]) for one in found["suppressions"]}
    assert reasons >= {("email", "hard_bounce"), ("sms", "opted_out")}
    assert found["changes"] and found["audit"]
    assert [one["name"] for one in found["schedules"]] == ["own", "both"]
    assert "bob" not in json.dumps(found["schedules"]), "others are none of their business"
    assert any(MARK in item["body"] for item in found["inbox"])
    contents = [one["content"] for one in found["deliveries"] if one["content"]]
    assert any(f"{MARK} body" == one["body"] for one in contents)
    [first, *_] = [one for one in found["deliveries"] if one["reference"] == f"{MARK}-everywhere"]
    assert first["metadata"] == {"order": f"{MARK}-everywhere"}
    [template, *_] = [one for one in found["deliveries"] if one["template"]]
    assert template["template"] == "hello 1"
    assert template["variables"] == {"word": f"{MARK}-variable"}
    assert any(one["attempts"] for one in found["deliveries"])
    [reported] = [one for one in found["deliveries"] if one["receipts"]]
    assert reported["receipts"][0]["event"] == "bounced"
    assert any(one["told_in"] for one in found["deliveries"])


def test_an_export_is_written_as_it_is_read(person, shop, monkeypatch):
    monkeypatch.setattr(export, "AT_ONCE", 2)
    answer = shop.http.get(f"/v1/recipients/{ADA}/export")
    assert answer.streaming
    pieces = list(answer.streaming_content)
    assert len(pieces) > 20
    whole = json.loads(b"".join(pieces))
    assert len({one["id"] for one in whole["deliveries"]}) == len(whole["deliveries"]) > 10


def test_the_command_prints_the_same_and_the_trail_does_not_say_whom(person, shop):
    out = StringIO()
    call_command("export_person", ADA, stdout=out)
    printed = json.loads(out.getvalue())
    found = exported(shop)
    assert printed.keys() == found.keys()
    assert printed["deliveries"] == found["deliveries"]
    events = AuditEvent.objects.filter(action="export")
    assert {event.object_name for event in events} == {mark(ADA)}
