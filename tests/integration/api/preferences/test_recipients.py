"""Recipients, their devices and contacts."""

import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from django.db import transaction

from apps.preferences import vault
from apps.preferences.contacts import services
from apps.preferences.contacts.services import Address, Person
from apps.preferences.models import Contact, Recipient
from stack.supervision.process import PATIENCE
from tests.support.database import run_and_close
from tests.support.publishers.api_client import Api, cheap
from tests.support.waiting import somebody_waits, until

TOKEN = "f" * 60
OTHER_TOKEN = "g" * 60
APNS = "AB" * 32
ANDROID = {"platform": "android", "token": TOKEN, "app": "com.example.shop"}


def clear(contact: Contact) -> str:
    return vault.open(bytes(contact.address), bytes(contact.address_index))


def test_a_recipient_is_created_then_changed(api: Api):
    made = api.put("recipients/ada", {"locale": "de-AT", "time_zone": "Europe/Vienna"}, status=201)
    assert made["user_id"] == "ada"
    assert made["devices"] == made["contacts"] == made["secrets"] == []
    changed = api.put("recipients/ada", {"locale": "en"})
    assert changed["locale"] == "en"
    assert changed["time_zone"] == "Europe/Vienna"
    assert changed["created_at"] == made["created_at"]
    read = api.get("recipients/ada")
    assert read == {key: value for key, value in changed.items() if key != "secrets"}


def test_a_recipient_needs_nothing_but_a_name(api: Api):
    made = api.put("recipients/ada", {}, status=201)
    assert made["locale"] == ""
    assert made["time_zone"] == "UTC"


def test_everybody_has_an_inbox(api: Api):
    api.put("recipients/ada", {}, status=201)
    api.post("recipients/bulk", {"recipients": [{"user_id": "bob"}]})
    for user_id in ("ada", "bob"):
        inbox = Contact.objects.get(recipient__user_id=user_id)
        assert inbox.channel == "inbox"
        assert clear(inbox) == user_id


def test_everything_comes_in_one_call(api: Api):
    body = {
        "devices": [ANDROID],
        "contacts": [
            {"channel": "email", "address": "ada@Example.com"},
            {"channel": "sms", "address": "+49 151 1234 5678"},
            {"channel": "webhook", "address": "https://example.com/hook"},
        ],
        "preferences": [{"channel": "sms", "allowed": False}],
    }
    made = api.put("recipients/ada", body, status=201)
    assert [device["token"] for device in made["devices"]] == ["ffff•••ffff"]
    assert [contact["channel"] for contact in made["contacts"]] == ["email", "sms", "webhook"]
    (shown,) = made["secrets"]
    assert shown["secret"].startswith("whsec_")
    assert shown["address"] == "https://example.com/•••"
    assert len(api.get("recipients/ada/preferences")["preferences"]) == 1
    assert api.put("recipients/ada", body)["secrets"] == []  # shown once
    assert Contact.objects.filter(recipient__user_id="ada").count() == 5


def test_addresses_are_encrypted_and_found_by_their_index(api: Api):
    contact = {"channel": "email", "address": "ada@Example.com"}
    made = api.put("recipients/ada", {"contacts": [contact]}, status=201)
    row = Contact.objects.get(channel="email")
    assert clear(row) == "ada@example.com"
    assert b"ada" not in bytes(row.address)
    assert bytes(row.address_index) == vault.index_of("email", "ada@example.com")
    assert made["contacts"][0]["address"] == "a•••@example.com"


def test_user_ids_are_not_folded(api: Api):
    names = ["a.b", "A.b", "a-b", "a b", "ä", "a\u0308", "a%2Fb", "user@example.com", "日本"]
    for name in names:
        api.put(f"recipients/{quote(name, safe='')}", {}, status=201)
    assert Recipient.objects.count() == len(names)
    for name in names:
        assert api.get(f"recipients/{quote(name, safe='')}")["user_id"] == name


@pytest.mark.parametrize("name", ["a\nb", " a", "a\u200b", "x" * 201, "a\x01", ".."])
def test_what_cannot_be_a_user_id_is_said(api: Api, name: str):
    problem = api.put(f"recipients/{quote(name, safe='')}", {}, status=400)
    assert "user_id" in problem["detail"]
    (result,) = api.post("recipients/bulk", {"recipients": [{"user_id": name}]})["results"]
    assert result["problem"]["errors"][0]["pointer"] == "/recipients/0/user_id"


def test_a_nul_in_a_path_is_no_user_id(api: Api):
    assert "NUL" in api.put("recipients/a%00", {}, status=404)["detail"]


def test_a_slash_in_a_user_id_is_said(api: Api):
    assert "slash" in api.put("recipients/a%2Fb", {}, status=404)["detail"]
    (result,) = api.post("recipients/bulk", {"recipients": [{"user_id": "a/b"}]})["results"]
    assert "slash" in result["problem"]["detail"]


def test_somebody_may_be_called_bulk(api: Api):
    api.put("recipients/bulk", {"locale": "en"}, status=201)
    assert api.get("recipients/bulk")["user_id"] == "bulk"


def test_an_unknown_recipient_is_named(api: Api):
    for path in ("", "/devices", "/contacts", "/preferences"):
        assert "'eve'" in api.get(f"recipients/eve{path}", status=404)["detail"]
    api.post("recipients/eve/devices", ANDROID, status=404)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "utc+1", ""])
def test_a_time_zone_must_exist(api: Api, zone: str):
    problem = api.put("recipients/ada", {"time_zone": zone}, status=400)
    assert problem["errors"][0]["pointer"] == "/time_zone"


def test_bulk_gives_a_result_each_and_a_bad_one_does_not_cost_the_others(api: Api):
    api.put("recipients/ada", {"locale": "en"}, status=201)
    email = {"channel": "email", "address": "nonsense"}
    hook = {"channel": "webhook", "address": "https://example.com/x"}
    results = api.post(
        "recipients/bulk",
        {
            "recipients": [
                {"user_id": "ada", "time_zone": "Europe/Paris"},
                {"user_id": "bob", "contacts": [email]},
                {"user_id": "cyd", "contacts": [hook], "devices": [ANDROID]},
                "text",
                {"user_id": "ada"},
                {"user_id": "dan", "preferences": [{"topic": "none", "allowed": False}]},
                {"user_id": "eve", "age": 5},
            ]
        },
    )["results"]
    assert [result["status"] for result in results] == [
        "updated",
        "error",
        "created",
        "error",
        "error",
        "error",
        "error",
    ]
    assert [result["index"] for result in results] == list(range(7))
    problems = [result["problem"] for result in results if result["status"] == "error"]
    assert [problem["errors"][0]["pointer"] for problem in problems] == [
        "/recipients/1/contacts/0/address",
        "/recipients/3",
        "/recipients/4/user_id",
        "/recipients/5/preferences/0/topic",
        "/recipients/6/age",
    ]
    assert problems[3]["type"] == "/problems/unknown-topic"
    assert results[2]["secrets"][0]["secret"].startswith("whsec_")
    assert api.get("recipients/ada")["locale"] == "en"
    assert set(Recipient.objects.values_list("user_id", flat=True)) == {"ada", "cyd"}


def test_bulk_takes_1000_and_no_more_and_is_fast(api: Api):
    people = [
        {
            "user_id": f"user-{number}",
            "devices": [{"platform": "android", "token": f"{number:030d}"}],
            "contacts": [{"channel": "email", "address": f"user{number}@example.com"}],
        }
        for number in range(1001)
    ]
    problem = api.post("recipients/bulk", {"recipients": people}, status=400)
    assert problem["errors"][0]["pointer"] == "/recipients"
    with cheap(seconds=2, statements=40):
        results = api.post("recipients/bulk", {"recipients": people[:1000]})["results"]
    assert {result["status"] for result in results} == {"created"}
    assert Contact.objects.count() == 3000


def test_recipients_are_listed_in_pages(api: Api):
    people = [{"user_id": f"user-{number}"} for number in range(5)]
    api.post("recipients/bulk", {"recipients": people})
    first = api.get("recipients", limit="3")
    second = api.get("recipients", limit="3", cursor=first["next"])
    names = [row["user_id"] for row in first["data"] + second["data"]]
    assert sorted(names) == [person["user_id"] for person in people]


def test_a_device_is_registered_listed_and_removed(api: Api):
    api.put("recipients/ada", {}, status=201)
    made = api.post("recipients/ada/devices", ANDROID, status=201)
    assert made["app"] == "com.example.shop"
    assert made["state"] == "active"
    seen = {**ANDROID, "last_active_at": "2026-11-22T10:00:00Z"}
    again = api.post("recipients/ada/devices", seen)
    assert again["id"] == made["id"]
    assert again["last_active_at"] == "2026-11-22T10:00:00Z"
    assert api.get("recipients/ada/devices") == [again]
    api.delete(f"recipients/ada/devices/{made['id']}")
    assert api.get("recipients/ada/devices") == []
    api.delete(f"recipients/ada/devices/{made['id']}", status=404)
    back = api.post("recipients/ada/devices", ANDROID)
    assert back["id"] == made["id"]
    assert back["state"] == "active"


def test_a_token_moves_to_the_recipient_who_registers_it_last(api: Api):
    for user_id in ("ada", "bob"):
        api.put(f"recipients/{user_id}", {}, status=201)
    first = api.post("recipients/ada/devices", ANDROID, status=201)
    second = api.post("recipients/bob/devices", ANDROID, status=201)
    assert api.get("recipients/ada/devices") == []
    assert api.get("recipients/bob/devices") == [second]
    # What is under way to Ada must not reach Bob: her row is disabled, not his.
    assert Contact.objects.get(pk=first["id"]).state == "disabled"
    api.put("recipients/ada", {"devices": [ANDROID]})
    assert api.get("recipients/bob/devices") == []
    assert [device["id"] for device in api.get("recipients/ada/devices")] == [first["id"]]


def test_the_last_one_of_a_call_has_the_token(api: Api):
    people = [{"user_id": name, "devices": [ANDROID]} for name in ("zoe", "ada")]
    api.post("recipients/bulk", {"recipients": people})
    assert api.get("recipients/zoe/devices") == []
    assert len(api.get("recipients/ada/devices")) == 1


@pytest.mark.django_db(transaction=True)
def test_a_token_registered_twice_at_once_has_one_holder():
    # The first transaction is still open while the second registers the same two tokens, in the
    # other order.
    people = services.upsert_recipients([Person("ada"), Person("bob")])
    tokens = ["t" * 40, "u" * 40]
    written, commit = threading.Event(), threading.Event()

    def register(user_id: str, tokens: list[str]) -> None:
        row = people[user_id].id
        services.upsert_contacts([Address(row, "push", t, platform="android") for t in tokens])

    def first() -> None:
        with transaction.atomic():
            register("ada", tokens)
            written.set()
            commit.wait(PATIENCE)

    def second() -> None:
        written.wait(PATIENCE)
        register("bob", tokens[::-1])

    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(run_and_close, call) for call in (first, second)]
        until(lambda: calls[1].done() or somebody_waits())
        assert not calls[1].done(), "it waits for the first"
        commit.set()
        for call in calls:
            call.result(timeout=PATIENCE)
    active = Contact.objects.filter(channel="push", state="active")
    assert [contact.recipient.user_id for contact in active] == ["bob", "bob"]


def test_a_device_that_a_provider_refused_is_shown_as_disabled(api: Api):
    api.put("recipients/ada", {"devices": [ANDROID]}, status=201)
    Contact.objects.filter(channel="push").update(state="disabled", disabled_reason="dead_token")
    (device,) = api.get("recipients/ada/devices")
    assert (device["state"], device["disabled_reason"]) == ("disabled", "dead_token")


def test_tokens_are_checked_by_platform(api: Api):
    api.put("recipients/ada", {}, status=201)
    api.post("recipients/ada/devices", {"platform": "ios", "token": APNS}, status=201)
    assert clear(Contact.objects.get(channel="push")) == APNS.lower()
    bad = {"platform": "ios", "token": OTHER_TOKEN}
    problem = api.post("recipients/ada/devices", bad, status=400)
    assert problem["errors"][0]["pointer"] == "/token"
    assert OTHER_TOKEN not in str(problem)


@pytest.mark.parametrize("app", ["com.x\r\nevil: 1", "com.x\x7f", "com.ü", "com x"])
def test_an_app_that_no_header_can_carry_is_refused(api: Api, app: str):
    api.put("recipients/ada", {}, status=201)
    problem = api.post("recipients/ada/devices", {**ANDROID, "app": app}, status=400)
    assert problem["errors"][0]["pointer"] == "/app"


def test_a_contact_is_added_listed_and_removed(api: Api):
    api.put("recipients/ada", {}, status=201)
    body = {"channel": "sms", "address": "+4915112345678"}
    made = api.post("recipients/ada/contacts", body, status=201)
    assert "secret" not in made
    assert made["address"].endswith("78") and "1511" not in made["address"]
    assert api.post("recipients/ada/contacts", body) == made
    assert api.get("recipients/ada/contacts") == [made]
    api.delete(f"recipients/ada/contacts/{made['id']}")
    assert api.get("recipients/ada/contacts") == []


def test_people_may_share_a_number(api: Api):
    body = {"contacts": [{"channel": "sms", "address": "+4915112345678"}]}
    for user_id in ("ada", "bob"):
        api.put(f"recipients/{user_id}", body, status=201)
    for user_id in ("ada", "bob"):
        assert api.get(f"recipients/{user_id}/contacts")[0]["state"] == "active"


def test_a_webhooks_secret_is_made_or_given_and_shown_once(api: Api):
    api.put("recipients/ada", {}, status=201)
    hook = {"channel": "webhook", "address": "https://example.com/hook"}
    made = api.post("recipients/ada/contacts", hook, status=201)
    row = Contact.objects.get(channel="webhook")
    assert vault.open_secret(bytes(row.secret), bytes(row.address_index)) == made["secret"]
    assert made["secret"].startswith("whsec_")
    assert "secret" not in api.post("recipients/ada/contacts", hook)
    assert "secret" not in api.get("recipients/ada/contacts")[0]
    given = "whsec_" + "A" * 32
    assert api.post("recipients/ada/contacts", {**hook, "secret": given})["secret"] == given
    row.refresh_from_db()
    assert vault.open_secret(bytes(row.secret), bytes(row.address_index)) == given


@pytest.mark.parametrize(
    ("contact", "pointer"),
    [
        ({"channel": "fax", "address": "1"}, "/channel"),
        ({"channel": "push", "address": TOKEN}, "/channel"),
        ({"channel": "inbox", "address": "ada"}, "/channel"),
        ({"channel": "email", "address": "ada"}, "/address"),
        ({"channel": "sms", "address": "0151"}, "/address"),
        ({"channel": "webhook", "address": "ftp://example.com"}, "/address"),
        ({"channel": "webhook", "address": "https://e.com/", "secret": "short"}, "/secret"),
        (
            {"channel": "email", "address": "a@example.com", "secret": "whsec_" + "A" * 32},
            "/secret",
        ),
        ({"channel": "email"}, "/address"),
    ],
)
def test_what_a_contact_cannot_be_is_pointed_at(api: Api, contact: dict, pointer: str):
    api.put("recipients/ada", {}, status=201)
    problem = api.post("recipients/ada/contacts", contact, status=400)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_an_inbox_and_another_persons_contact_cannot_be_removed(api: Api):
    contact = {"channel": "email", "address": "ada@example.com"}
    ada = api.put("recipients/ada", {"contacts": [contact]}, status=201)
    api.put("recipients/bob", {}, status=201)
    inbox = Contact.objects.get(channel="inbox", recipient__user_id="ada")
    api.delete(f"recipients/ada/contacts/{inbox.pk}", status=404)
    api.delete(f"recipients/bob/contacts/{ada['contacts'][0]['id']}", status=404)
    assert Contact.objects.filter(state="active").count() == 3
