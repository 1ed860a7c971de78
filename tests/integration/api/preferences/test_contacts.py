"""Contacts that a call replaces and adds, and the names by which it finds one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from apps.preferences.contacts import registration, replacement, services
from apps.preferences.models import Contact, DirectoryChange, Recipient
from apps.publishers.models import AuditEvent
from stack.supervision.process import PATIENCE
from tests.support.publishers.api_client import Api
from tests.support.waiting import somebody_waits, until

OLD, NEW = "old@example.com", "new@example.com"
ANDROID = {"platform": "android", "token": "f" * 60, "app": "com.example.shop"}
HOOK = {"channel": "webhook", "address": "https://example.com/a"}


def email(address: str) -> dict[str, Any]:
    return {"channel": "email", "address": address}


def sms(address: str) -> dict[str, Any]:
    return {"channel": "sms", "address": address}


def active(api: Api, user_id: str = "ada") -> list[str]:
    """The contacts that are sent to, masked, apart from inbox and devices."""
    rows = api.get(f"recipients/{user_id}")["contacts"]
    return [row["address"] for row in rows if row["state"] == "active"]


@pytest.fixture
def ada(api: Api) -> Api:
    contacts = [email(OLD), sms("+4915112345678"), HOOK]
    api.put("recipients/ada", {"contacts": contacts, "devices": [ANDROID]}, 201)
    return api


@pytest.mark.parametrize("body", [{"email": NEW}, {"contacts": [email(NEW)]}], ids=str)
def test_a_new_email_takes_the_place_of_the_old_one(ada: Api, body: dict[str, Any]):
    ada.put("recipients/ada", body)
    assert sorted(active(ada)) == ["+49•••••••••78", "https://example.com/•••", "n•••@example.com"]
    assert len(ada.get("recipients/ada")["devices"]) == 1
    row = Contact.objects.get(state="disabled")
    assert (row.masked, row.disabled_reason) == ("o•••@example.com", "replaced")
    ada.put("recipients/ada", {"email": OLD})
    assert "o•••@example.com" in active(ada) and "n•••@example.com" not in active(ada)


def test_a_new_phone_takes_the_place_of_the_old_one(ada: Api):
    ada.put("recipients/ada", {"phone": "+49 151 1234 5679"})
    assert sorted(active(ada)) == ["+49•••••••••79", "https://example.com/•••", "o•••@example.com"]


def test_who_wants_several_names_them_all(ada: Api):
    ada.put("recipients/ada", {"contacts": [email(OLD), email(NEW)]})
    assert [a for a in active(ada) if "@" in a] == ["o•••@example.com", "n•••@example.com"]
    ada.put("recipients/ada", {"contacts": [email(NEW)]})
    assert [a for a in active(ada) if "@" in a] == ["n•••@example.com"]


def test_a_contact_is_added_by_a_call_of_its_own(ada: Api):
    ada.post("recipients/ada/contacts", email(NEW), 201)
    assert [a for a in active(ada) if "@" in a] == ["o•••@example.com", "n•••@example.com"]


def test_null_removes_and_what_is_left_out_stays(ada: Api):
    ada.put("recipients/ada", {"locale": "de"})
    ada.put("recipients/ada", {"contacts": [], "devices": []})
    assert len(active(ada)) == 3
    ada.put("recipients/ada", {"email": None, "phone": None})
    assert active(ada) == ["https://example.com/•••"]


def test_an_address_that_a_provider_refused_is_replaced_too(ada: Api):
    Contact.objects.filter(channel="email").update(state="disabled", disabled_reason="dead_address")
    ada.put("recipients/ada", {"email": NEW})
    assert [row["channel"] for row in ada.get("recipients/ada")["contacts"]].count("email") == 1


def test_one_that_stays_keeps_its_id_and_secret(ada: Api):
    before = ada.get("recipients/ada")["contacts"]
    written = ada.put("recipients/ada", {"email": OLD.upper(), "contacts": [HOOK]})
    assert [row["id"] for row in written["contacts"]] == [row["id"] for row in before]
    assert written["secrets"] == []


def test_many_at_once_are_replaced_alike(ada: Api):
    ada.put("recipients/bob", {"email": "bob@example.com", "phone": "+4915112345677"}, 201)
    people = [
        {"user_id": "ada", "email": NEW},
        {"user_id": "bob", "contacts": [email("b2@example.com"), email("b3@example.com")]},
        {"user_id": "eve", "phone": "+4915112345676", "email": None},
    ]
    results = ada.post("recipients/bulk", {"recipients": people})["results"]
    assert [result["status"] for result in results] == ["updated", "updated", "created"]
    assert "o•••@example.com" not in active(ada)
    assert sorted(active(ada, "bob")) == ["+49•••••••••77", "b•••@example.com", "b•••@example.com"]
    assert active(ada, "eve") == ["+49•••••••••76"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": NEW, "contacts": [email(OLD)]}, "/email"),
        ({"phone": "+4915112345678", "contacts": [sms("+4915112345679")]}, "/phone"),
        ({"email": None, "contacts": [email(OLD)]}, "/email"),
        ({"email": "nonsense"}, "/email"),
        ({"email": ""}, "/email"),
        ({"phone": "0151 12345678"}, "/phone"),
        ({"email": [NEW]}, "/email"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_pointed_at_and_changes_nothing(
    ada: Api, body: dict[str, Any], pointer: str
):
    before = active(ada)
    problem = ada.put("recipients/ada", body, 400)
    assert problem["errors"][0]["pointer"] == pointer
    (result,) = ada.post("recipients/bulk", {"recipients": [{"user_id": "ada", **body}]})["results"]
    assert result["problem"]["errors"][0]["pointer"] == f"/recipients/0{pointer}"
    assert active(ada) == before


def test_what_was_replaced_is_in_the_audit_trail(ada: Api):
    ada.put("recipients/ada", {"email": NEW})
    event = AuditEvent.objects.filter(object_type="recipient").latest("id")
    assert event.after == {"contacts_written": 1, "channels_replaced": ["email"]}


def test_what_was_replaced_is_in_the_trail_of_the_directory(ada: Api):
    before = DirectoryChange.objects.count()
    ada.put("recipients/ada", {"email": NEW})
    changes = DirectoryChange.objects.order_by("id")[before:]
    assert [(row.change, row.masked, row.detail) for row in changes] == [
        ("contact_added", "n•••@example.com", ""),
        ("contact_removed", "o•••@example.com", "replaced"),
    ]


def test_what_an_operator_disabled_is_not_woken_by_replacing_it(ada: Api):
    services.disable_contact(Contact.objects.get(channel="email"))
    ada.put("recipients/ada", {"email": NEW})
    ada.put("recipients/ada", {"email": OLD})
    assert not [address for address in active(ada) if "@" in address]


def test_another_persons_contacts_stay(ada: Api):
    ada.put("recipients/eve", {"email": OLD}, 201)
    ada.put("recipients/ada", {"email": NEW})
    assert active(ada, "eve") == ["o•••@example.com"]


def test_of_two_who_replace_at_once_one_address_is_left(transactional_db: None):
    services.upsert_recipients([services.Person("ada")])
    ready = threading.Barrier(2)

    def write(address: str) -> None:
        person = {
            "locale": None,
            "time_zone": None,
            "name": None,
            "attributes": None,
            "devices": [],
            "preferences": [],
            "frequency_caps": [],
            "digests": [],
            "contacts": [{"channel": "email", "address": address, "secret": ""}],
            "replaced": {"email"},
        }
        ready.wait()
        try:
            registration.register({"ada": person}, {})
        finally:
            connection.close()

    for turn in range(10):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, (f"a{turn}@example.com", f"b{turn}@example.com")))
        assert Contact.objects.filter(channel="email", state="active").count() == 1


def test_calls_about_one_person_wait_for_each_other_and_none_is_a_deadlock(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
):
    services.upsert_recipients([services.Person("ada")])
    written, go_on = threading.Event(), threading.Event()
    merge = registration.merge_preferences

    def merge_slowly(requests: Any) -> None:
        requests = list(requests)
        if requests:
            written.set()
            go_on.wait(PATIENCE)
        merge(requests)

    monkeypatch.setattr(registration, "merge_preferences", merge_slowly)
    device = {"platform": "android", "token": "f" * 60, "app": "", "last_active_at": None}
    nothing: dict[str, Any] = {"locale": None, "time_zone": None, "name": None, "attributes": None}
    nothing |= {"contacts": [], "preferences": [], "frequency_caps": [], "digests": []}
    refusal = {"channel": "sms", "topic": "", "category": "", "allowed": False}
    people = [
        nothing | {"devices": [device], "preferences": [refusal], "replaced": set()},
        nothing | {"devices": [device], "replaced": {"email"}},
    ]

    def register(person: dict[str, Any]) -> None:
        try:
            registration.register({"ada": person}, {})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(register, people[0])
        assert written.wait(PATIENCE)
        second = pool.submit(register, people[1])
        until(lambda: second.done() or somebody_waits())
        assert not second.done(), "it waits for the first"
        go_on.set()
        for call in (first, second):
            call.result(timeout=PATIENCE)


def test_nothing_is_held_or_replaced_where_nothing_is_named(
    ada: Api, django_assert_num_queries: Any
):
    with django_assert_num_queries(0):
        assert replacement.keep_only({}) == 0


# -- By address -------------------------------------------------------------------------------


def test_a_contact_is_found_and_removed_by_its_address(ada: Api):
    found = ada.post("recipients/ada/contacts/find", email("OLD@Example.com"))
    assert found in ada.get("recipients/ada")["contacts"]
    assert found["address"] == "o•••@example.com"
    ada.post("recipients/ada/contacts/find", sms("+49 151 1234 5678"))
    ada.post("recipients/ada/contacts/remove", email("Old@example.com"), 204)
    assert len(active(ada)) == 2
    for path in ("find", "remove"):
        problem = ada.post(f"recipients/ada/contacts/{path}", email(OLD), 404)
        assert OLD not in str(problem), "an address is in no answer"
    event = AuditEvent.objects.filter(object_type="contact").latest("id")
    assert (event.action, event.before) == ("delete", {"id": found["id"], "channel": "email"})


def test_a_device_is_removed_by_its_token(ada: Api):
    where = {"platform": "android", "token": ANDROID["token"]}
    ada.post("recipients/ada/devices/remove", where, 204)
    assert ada.get("recipients/ada/devices") == []
    ada.post("recipients/ada/devices/remove", where, 404)


def test_another_persons_address_is_not_found(ada: Api):
    ada.put("recipients/eve", {}, 201)
    for path in ("contacts/find", "contacts/remove"):
        ada.post(f"recipients/eve/{path}", email(OLD), 404)
    ada.post("recipients/nobody/contacts/find", email(OLD), 404)
    ada.post("recipients/ada/contacts/find", {"channel": "inbox", "address": "ada"}, 400)
    ada.post("recipients/ada/contacts/find", email("nonsense"), 400)


def test_a_reader_finds_and_does_not_remove(ada: Api, publisher: Any):
    reader = publisher("reader", ["directory:read"])
    reader.post("recipients/ada/contacts/find", email(OLD))
    reader.post("recipients/ada/contacts/remove", email(OLD), 403)
    token = {"platform": "android", "token": ANDROID["token"]}
    reader.post("recipients/ada/devices/remove", token, 403)
    assert len(active(ada)) == 3


def test_two_that_are_masked_alike_are_told_apart(api: Api):
    contacts = [email("anna@example.com"), email("ada@example.com"), HOOK]
    contacts += [{"channel": "webhook", "address": "https://example.com/b"}]
    made = api.put("recipients/ada", {"contacts": contacts}, 201)
    prints = [row["fingerprint"] for row in made["contacts"]]
    assert len(set(prints)) == 4
    assert [row["fingerprint"] for row in api.get("recipients/ada/contacts")] == prints
    found = [
        api.post("recipients/ada/contacts/find", email(address))["fingerprint"]
        for address in ("ANNA@example.com", "ada@example.com")
    ]
    assert sorted(found) == sorted(prints[:2])  # rows are in the order of their blind indexes
    assert {row["id"] for row in made["secrets"]} == {row["id"] for row in made["contacts"][2:]}


def test_a_fingerprint_does_not_tell_who_shares_an_address(api: Api):
    ada = api.put("recipients/ada", {"email": OLD}, 201)["contacts"][0]
    eve = api.put("recipients/eve", {"email": OLD}, 201)["contacts"][0]
    assert ada["fingerprint"] != eve["fingerprint"]
    assert Recipient.objects.count() == 2
