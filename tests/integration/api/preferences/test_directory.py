"""Permission to change people's addresses and refusals, and the audit trail of changes."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.preferences import audit_trail
from apps.preferences.models import Contact, DirectoryChange, Preference, Suppression
from apps.publishers.models import AuditEvent
from apps.publishers.scopes import DIRECTORY, Scope
from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers.api_client import Api

SECRET = "0123456789abcdef0123456789abcdef"
PATH = "recipients/ada/preferences"
MINE = "me/preferences"
EMAIL = {"channel": "email", "address": "ada@example.com"}
ALLOWED, REFUSED = {"allowed": True}, {"allowed": False}


@pytest.fixture
def accounts(publisher: Callable[..., Api]) -> Api:
    """A publisher that may write the directory."""
    return publisher("accounts", [*DIRECTORY, Scope.SUPPRESSIONS_WRITE, Scope.SUPPRESSIONS_READ])


@pytest.fixture
def ada(accounts: Api, settings: Any, django_capture_on_commit_callbacks: Any) -> Api:
    """The client of ada's app, with a token of hers."""
    settings.INBOX_TOKENS = {
        "secret": SECRET,
        "jwks_url": "",
        "issuer": "",
        "audience": "",
        "longest": 600.0,
    }
    accounts.put("recipients/ada", {}, status=201)
    return Api("ada", sign(lasting({"sub": "ada"}), SECRET), django_capture_on_commit_callbacks)


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    return client


def changes() -> list[tuple[str, ...]]:
    """The trail, oldest first: who, what, and of which address."""
    rows = DirectoryChange.objects.order_by("id")
    return list(rows.values_list("actor_kind", "change", "channel", "masked", "detail"))


# -- What people refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refused", "lifting"),
    [
        ([{"channel": "sms", **REFUSED}], [{"channel": "sms", **ALLOWED}]),
        ([{"channel": "sms", **REFUSED}], [{"channel": "sms", "category": "x", **ALLOWED}]),
        ([{"channel": "sms", **REFUSED}], [{"category": "x", **ALLOWED}]),
        ([{"channel": "sms", **REFUSED}], [{"topic": "news", **ALLOWED}]),
        ([REFUSED], [{"channel": "inbox", **ALLOWED}]),
        ([REFUSED], [{"topic": "news", **ALLOWED}]),
        ([{"category": "offers", **REFUSED}], [{"topic": "news", **ALLOWED}]),
        (
            [{"category": "x", **REFUSED}],
            [{"category": "x", "channel": "sms", **ALLOWED}],
        ),
        ([{"topic": "news", **REFUSED}], [{"topic": "news", "channel": "push", **ALLOWED}]),
        ([{"topic": "news", **REFUSED}], [{"topic": "news", **ALLOWED}]),
    ],
)
def test_no_key_allows_what_a_person_refused(
    api: Api, accounts: Api, ada: Api, refused: list[Any], lifting: list[Any]
):
    api.post("topics", {"name": "news", "category": "offers"}, status=201)
    api.put("topics/news/grants/accounts", status=204)
    api.post("topics/news/subscriptions", {"user_id": "ada", "channels": ["inbox"]})
    before = ada.put(MINE, {"preferences": refused})
    for method, path in (("patch", PATH), ("put", PATH), ("put", "recipients/ada")):
        problem = accounts.call(method, path, {"preferences": lifting}, status=403)
        assert problem["type"] == "/problems/protected"
        # What a list leaves out has no place in it.
        assert problem["errors"][0]["pointer"] in {"/preferences/0", "/preferences"}
        accounts.call(method, path, {"preferences": refused})
    bulk = {"recipients": [{"user_id": "ada", "preferences": lifting}, {"user_id": "bob"}]}
    failed, made = accounts.post("recipients/bulk", bulk)["results"]
    assert failed["problem"]["type"] == "/problems/protected"
    assert failed["problem"]["errors"][0]["pointer"] == "/recipients/0/preferences/0"
    assert made["status"] == "created"
    assert ada.get(MINE) == before


def test_no_key_takes_a_refusal_away(accounts: Api, ada: Api):
    ada.put(MINE, {"preferences": [{"channel": "sms", **REFUSED}]})
    gone = accounts.put(PATH, {"preferences": []}, status=403)
    assert gone["errors"][0]["pointer"] == "/preferences"
    accounts.patch(PATH, {"preferences": [{"channel": "sms", "allowed": None}]}, status=403)
    # A broader refusal in its place takes nothing away, unless a permission passes between them.
    accounts.put(PATH, {"preferences": [REFUSED]})
    ada.put(MINE, {"preferences": [{"channel": "sms", "category": "x", **REFUSED}]})
    through = [REFUSED, {"category": "x", **ALLOWED}]
    accounts.put(PATH, {"preferences": through}, status=403)
    assert Preference.objects.get().category == "x"


def test_a_key_adds_refusals_and_permissions_that_lift_none(accounts: Api, ada: Api):
    ada.put(MINE, {"preferences": [{"channel": "sms", **REFUSED}]})
    accounts.patch(PATH, {"preferences": [{"category": "x", **REFUSED}, ALLOWED]})
    assert len(ada.get(MINE)["preferences"]) == 3
    accounts.patch(PATH, {"preferences": [{"allowed": None}]})
    assert len(ada.get(MINE)["preferences"]) == 2


def test_a_person_reads_and_changes_their_own_preferences(api: Api, accounts: Api, ada: Api):
    api.post("topics", {"name": "news"}, status=201)
    api.post("topics", {"name": "secret-plans"}, status=201)
    api.post("topics/news/subscriptions", {"user_id": "ada", "channels": ["inbox"]})
    accounts.patch(PATH, {"preferences": [{"channel": "sms", **REFUSED}]})
    wanted = {"preferences": [{"topic": "news", **ALLOWED}, {"channel": "email", **REFUSED}]}
    shown = ada.put(MINE, wanted)
    assert {(one["topic"], one["allowed"]) for one in shown["preferences"]} == {
        ("news", True),
        (None, False),
    }
    assert ada.get(MINE) == ada.put(MINE, shown) == shown, "what is read can be written back"
    other = ada.put(MINE, {"preferences": [{"topic": "secret-plans", **ALLOWED}]}, status=400)
    assert other["errors"][0]["pointer"] == "/preferences/0/topic"
    assert ada.put(MINE, {"preferences": []}) == ada.get(MINE) == {"preferences": []}
    event = AuditEvent.objects.filter(actor_kind="person").first()
    assert (event.actor, event.object_type, event.object_name) == ("ada", "preferences", "ada")
    assert ("person", "withdrawn", "sms", "", "") in changes()


def test_only_a_persons_token_opens_their_preferences(accounts: Api, ada: Api):
    accounts.get(MINE, status=401)
    ada.get(PATH, status=401)
    stranger = Api("bob", sign(lasting({"sub": "bob"}), SECRET), ada._capture)
    assert stranger.get(MINE) == {"preferences": []}
    assert stranger.put(MINE, {"preferences": []}, status=404)["type"] == "/problems/not-found"


# -- What must not be sent to -----------------------------------------------------------------


@pytest.mark.parametrize("reason", ["complaint", "opted_out", "hard_bounce", "dead_address"])
def test_no_key_lifts_what_an_owner_or_a_provider_said(accounts: Api, reason: str):
    row = accounts.post("suppressions", {**EMAIL, "reason": reason}, status=201)
    problem = accounts.delete(f"suppressions/{row['id']}", status=403)
    assert problem["type"] == "/problems/protected"
    assert Suppression.objects.get().reason == reason


def test_a_publisher_lifts_what_it_alone_put_there_by_hand(api: Api, accounts: Api):
    row = accounts.post("suppressions", EMAIL, status=201)
    assert accounts.post("suppressions", EMAIL, status=200) == row
    api.delete(f"suppressions/{row['id']}", status=403)
    accounts.delete(f"suppressions/{row['id']}")
    row = accounts.post("suppressions", EMAIL, status=201)
    api.post("suppressions", EMAIL, status=200)
    for one in (api, accounts):
        one.delete(f"suppressions/{row['id']}", status=403)


@pytest.mark.parametrize("reason", ["complaint", "opted_out", "hard_bounce"])
def test_a_suppression_by_hand_hides_nothing_stronger(accounts: Api, reason: str):
    """A complaint must not be lifted with a suppression that was put there first."""
    row = accounts.post("suppressions", EMAIL, status=201)
    for wanted in ({**EMAIL, "reason": reason}, EMAIL):
        assert accounts.post("suppressions", wanted, status=200)["reason"] == reason
    accounts.delete(f"suppressions/{row['id']}", status=403)


def test_an_operator_lifts_one_and_says_why(accounts: Api, operator: Client):
    row = accounts.post("suppressions", {**EMAIL, "reason": "complaint"}, status=201)
    page = f"/admin/preferences/suppression/{row['id']}"
    assert "Why may it be sent to again?" in operator.get(f"{page}/change/").content.decode()
    operator.post(f"{page}/do/lift/", {"reason": "  "})
    operator.post(f"{page}/delete/", {"post": "yes"})
    assert Suppression.objects.exists(), "not without a reason"
    operator.post(f"{page}/do/lift/", {"reason": "She wrote to us."})
    assert not Suppression.objects.exists()
    assert changes()[-1] == (
        "operator",
        "lifted",
        "email",
        "a•••@example.com",
        "complaint: She wrote to us.",
    )
    assert DirectoryChange.objects.latest("id").actor == "olga"
    event = AuditEvent.objects.filter(actor="olga").get()
    assert (event.action, event.after) == ("delete", {"why": "She wrote to us."})


def test_an_operator_lifts_one_by_command(accounts: Api):
    accounts.post("suppressions", {**EMAIL, "reason": "opted_out"}, status=201)
    with pytest.raises(CommandError, match="reason"):
        call_command("lift_suppression", "email", "ada@example.com")
    with pytest.raises(CommandError, match="not suppressed"):
        call_command("lift_suppression", "email", "bob@example.com", "--reason=x")
    with pytest.raises(CommandError, match="no channel fax"):
        call_command("lift_suppression", "fax", "bob@example.com", "--reason=x")
    out = StringIO()
    call_command("lift_suppression", "email", "Ada@example.com", "--reason=asked", stdout=out)
    assert "ada@" not in out.getvalue().lower()
    assert not Suppression.objects.exists()
    assert changes()[-1][:2] == ("system", "lifted")


def test_an_operator_overturns_a_refusal_and_says_why(ada: Api, operator: Client):
    ada.put(MINE, {"preferences": [{"channel": "sms", **REFUSED}]})
    row = Preference.objects.get()
    page = f"/admin/preferences/preference/{row.pk}"
    requested = {"recipient": row.recipient_id, "channel": "sms", "allowed": "on"}
    assert "Say why" in operator.post(f"{page}/change/", requested).content.decode()
    operator.post(f"{page}/do/withdraw/", {})
    operator.post(f"{page}/delete/", {"post": "yes"})
    assert not Preference.objects.get().allowed
    operator.post(f"{page}/change/", requested | {"reason": "She called."})
    assert Preference.objects.get().allowed
    operator.post(f"{page}/do/withdraw/", {"reason": "A test."})
    assert not Preference.objects.exists()
    assert [row[:3] + row[4:] for row in changes()[-2:]] == [
        ("operator", "allowed", "sms", "She called."),
        ("operator", "withdrawn", "sms", "A test."),
    ]


# -- The trail --------------------------------------------------------------------------------


def test_every_change_of_a_contact_says_who_what_and_from_where(accounts: Api, operator: Client):
    token = {"platform": "android", "token": "t" * 40}
    accounts.put("recipients/ada", {"contacts": [EMAIL], "devices": [token]}, status=201)
    accounts.put("recipients/ada", {"contacts": [EMAIL], "devices": [token]})  # nothing new
    made = accounts.get("recipients/ada")["contacts"][0]["id"]
    accounts.delete(f"recipients/ada/contacts/{made}")
    accounts.post("recipients/ada/contacts", EMAIL)
    accounts.put("recipients/bob", {"devices": [token]}, status=201)
    mail, phone = ("email", "a•••@example.com"), ("push", "tttt•••tttt")
    assert changes() == [
        ("publisher", "contact_added", *phone, ""),
        ("publisher", "contact_added", *mail, ""),
        ("publisher", "contact_removed", *mail, "removed"),
        ("publisher", "contact_enabled", *mail, ""),
        ("publisher", "contact_added", *phone, ""),
        ("publisher", "contact_moved", *phone, "to another person"),
    ]
    row = DirectoryChange.objects.first()
    assert row.actor == accounts.key.split("_")[1]
    assert (row.publisher.name, row.remote_address) == ("accounts", "127.0.0.1")
    person = Contact.objects.get(pk=made).recipient_id
    page = operator.get(f"/admin/preferences/recipient/{person}/change/").content.decode()
    for said in ("contact added", "contact moved", row.actor, "a•••@example.com"):
        assert said in page
    listed = "/admin/preferences/directorychange/"
    assert "contact_removed" in operator.get(f"{listed}?recipient_id={person}").content.decode()
    only = operator.get(f"{listed}?change=contact_moved").context["cl"].result_list
    assert [one.change for one in only] == ["contact_moved"]


def test_what_an_operator_disabled_stays_so_when_it_is_registered_again(
    accounts: Api, operator: Client
):
    accounts.put("recipients/ada", {"contacts": [EMAIL]}, status=201)
    row = Contact.objects.get(channel="email")
    page = f"/admin/preferences/contact/{row.pk}/do"
    operator.post(f"{page}/disable/")
    accounts.put("recipients/ada", {"contacts": [EMAIL]})
    again = accounts.post("recipients/ada/contacts", EMAIL)
    assert (again["state"], again["disabled_reason"]) == ("disabled", "operator")
    accounts.delete(f"recipients/ada/contacts/{row.pk}")
    assert accounts.post("recipients/ada/contacts", EMAIL)["state"] == "disabled"
    operator.post(f"{page}/enable/")
    assert [row[:2] for row in changes()] == [
        ("publisher", "contact_added"),
        ("operator", "contact_disabled"),
        ("operator", "contact_enabled"),
    ]


def test_a_suppression_is_shown_with_everybody_who_has_the_address(accounts: Api, operator: Client):
    accounts.put("recipients/ada", {"contacts": [EMAIL]}, status=201)
    accounts.post("suppressions", {**EMAIL, "reason": "opted_out"}, status=201)
    person = Contact.objects.get(channel="email").recipient_id
    page = operator.get(f"/admin/preferences/recipient/{person}/change/").content.decode()
    assert "suppressed" in page and "opted_out" in page


def test_the_trail_of_a_thousand_people_is_one_statement(accounts: Api):
    def queries(start: int, number: int) -> int:
        people = [
            {
                "user_id": f"p{n}",
                "contacts": [{"channel": "email", "address": f"p{n}@example.com"}],
                "preferences": [{"channel": "sms", "allowed": False}],
            }
            for n in range(start, start + number)
        ]
        with CaptureQueriesContext(connection) as asked:
            accounts.post("recipients/bulk", {"recipients": people})
        return len(asked)

    queries(0, 2)  # what is looked up once
    few, many = queries(2, 2), queries(4, 996)
    assert many == few
    assert DirectoryChange.objects.filter(change="contact_added").count() == 1000
    assert DirectoryChange.objects.filter(change="refused").count() == 1000


def test_changes_are_counted_by_who_made_them(accounts: Api):
    counter = audit_trail.CHANGES.labels("publisher", "contact_added")
    before = counter._value.get()
    accounts.put("recipients/ada", {"contacts": [EMAIL]}, status=201)
    assert counter._value.get() == before + 1


def test_what_was_refused_leaves_no_trace_in_the_trail(accounts: Api, ada: Api):
    ada.put(MINE, {"preferences": [{"channel": "sms", **REFUSED}]})
    before = changes()
    both = {"contacts": [EMAIL], "preferences": [{"channel": "sms", **ALLOWED}]}
    accounts.put("recipients/ada", both, status=403)
    assert changes() == before
    assert not Contact.objects.filter(channel="email").exists()
