"""Everything that is held about a person, in one document."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.preferences.erasure import mark
from apps.privacy import export
from apps.publishers import personal as trail
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
    assert any(f"{MARK} body" == one.get("body") for one in contents)
    [first, *_] = [one for one in found["deliveries"] if one["reference"] == f"{MARK}-everywhere"]
    assert first["metadata"] == {"order": f"{MARK}-everywhere"}
    [template, *_] = [one for one in found["deliveries"] if one["template"]]
    assert template["template"] == "hello 1"
    assert template["variables"] == {"word": f"{MARK}-variable"}
    beside = {"severity": "info", "display_type": "inbox", "source": f"{MARK}-source"}
    assert template["content"] == beside
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


def test_the_trail_of_a_person_is_found_by_indexes_and_in_its_order(person, shop):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO publishers_auditevent (at, actor_kind, actor, action, object_type, "
            "object_name) SELECT now(), 'publisher', 'key', 'update', 'recipient', 'p' || number "
            "FROM generate_series(1, 50000) AS number"
        )
        cursor.execute("ANALYZE publishers_auditevent")
    with CaptureQueriesContext(connection) as asked:
        found = list(trail.export(ADA))
    assert [one["at"] for one in found] == sorted(one["at"] for one in found)
    assert {"person", "publisher"} <= {one["actor_kind"] for one in found}
    plans = ""
    with connection.cursor() as cursor:
        for one in asked:
            cursor.execute(f"EXPLAIN {one['sql']}")
            plans += "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plans and "publishers_auditevent_pkey" not in plans, plans
