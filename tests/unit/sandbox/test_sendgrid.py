"""The SendGrid stand-in."""

from copy import deepcopy
from typing import Any

import pytest

from tests.support.sandbox_fixture import RunningSandbox

MAIL: dict[str, Any] = {
    "personalizations": [
        {"to": [{"email": "anna@example.com"}], "custom_args": {"delivery_id": "d-1"}}
    ],
    "from": {"email": "notifier@sandbox.example", "name": "Notifier"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "Hi"}, {"type": "text/html", "value": "<b>Hi"}],
}


def mail(sandbox: RunningSandbox, body: Any = None, key: str = "", **changes: Any) -> Any:
    """A good mail but for ``changes``; ``None`` leaves a field out."""
    if body is None:
        merged = deepcopy(MAIL) | changes
        body = {name: value for name, value in merged.items() if value is not None}
    config = sandbox.config["sendgrid"]
    request = sandbox.http().post(f"{config['base_url']}/v3/mail/send")
    request = request.bearer_auth(key or config["api_key"])
    return request.body_json(body).build().send()


def test_a_valid_mail_is_accepted_and_kept_per_recipient(sandbox: RunningSandbox) -> None:
    people = [
        {"to": [{"email": f"p{n}@example.com"}], "custom_args": {"delivery_id": f"d-{n}"}}
        for n in range(1000)
    ]
    answer = mail(sandbox, personalizations=people)
    assert (answer.status, answer.text()) == (202, "")
    kept = sandbox.client.messages(channel="email", limit=2000)
    assert len(kept) == 1000
    (one,) = sandbox.client.messages(address="p7@example.com")
    assert (one["delivery_id"], one["accepted"]) == ("d-7", True)
    assert one["message_id"] == answer.get_header("x-message-id") != ""
    assert one["content"]["subject"] == "Hello"
    assert one["content"]["to"] == [{"email": "p7@example.com"}]
    counts = sandbox.client.counts()["sendgrid"]
    assert (counts["requests"], counts["messages"], counts["deliveries"]) == (1, 1000, 1000)


def test_tags_are_put_in_where_it_documents_and_not_in_what_was_put_in(
    sandbox: RunningSandbox,
) -> None:
    person = {
        "to": [{"email": "a@b.example"}],
        "substitutions": {"-name-": "Ada -order-", "-order-": "7"},
    }
    parts = [
        {"type": "text/plain", "value": "Dear -name-: -order- -other-"},
        {"type": "text/html", "value": "<p>-name-"},
    ]
    answer = mail(sandbox, personalizations=[person], subject="For -name-", content=parts)
    assert answer.status == 202
    (one,) = sandbox.client.messages(channel="email")
    assert one["content"]["subject"] == "For Ada -order-"
    assert [part["value"] for part in one["content"]["content"]] == [
        "Dear Ada -order-: 7 -other-",
        "<p>Ada -order-",
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": None}, "personalizations"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [{"to": [{"email": "a@b.example"}]}] * 1001}, "personalizations"),
        ({"personalizations": [{}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": "x"}]}]}, "personalizations.0.to.0.email"),
        (
            {"personalizations": [{"to": [{"email": "a@b.example"}, {"email": "A@b.example"}]}]},
            "personalizations.0.to",
        ),
        ({"personalizations": [{"to": [{"email": "a@b.example"}]}] * 2}, "personalizations.1.to"),
        (
            {"personalizations": [{"to": [{"email": f"{n}@b.example"} for n in range(1001)]}]},
            "personalizations",
        ),
        (
            {"personalizations": [{"to": [{"email": "a@b.example"}], "custom_args": "x"}]},
            "personalizations.0.custom_args",
        ),
        (
            {"personalizations": [{"to": [{"email": "a@b.example"}], "substitutions": {"-x-": 7}}]},
            "personalizations.0.substitutions",
        ),
        (
            {
                "personalizations": [
                    {"to": [{"email": "a@b.example"}], "substitutions": {"-x-": "ü" * 5000}}
                ]
            },
            "personalizations.0.substitutions",
        ),
        ({"from": None}, "from.email"),
        ({"from": {"name": "x"}}, "from.email"),
        ({"subject": None}, "subject"),
        ({"content": None}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"content": [{"value": "x"}]}, "content.0.type"),
        ({"content": MAIL["content"][::-1]}, "content"),
    ],
)
def test_an_invalid_mail_is_refused_naming_the_field(
    sandbox: RunningSandbox, changes: dict[str, Any], field: str
) -> None:
    answer = mail(sandbox, **changes)
    assert answer.status == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert error["message"]
    assert sandbox.client.counts()["sendgrid"]["accepted"] == 0


def test_a_subject_in_every_personalization_is_enough(sandbox: RunningSandbox) -> None:
    people = [{"to": [{"email": "a@b.example"}], "subject": "Hi"}]
    assert mail(sandbox, personalizations=people, subject=None).status == 202


def test_a_template_needs_no_content(sandbox: RunningSandbox) -> None:
    assert mail(sandbox, template_id="d-x", content=None, subject=None).status == 202


def test_a_wrong_key_is_unauthorized(sandbox: RunningSandbox) -> None:
    answer = mail(sandbox, key="SG.wrong")
    assert answer.status == 401
    assert "invalid" in answer.json()["errors"][0]["message"]


def test_more_than_30_megabytes_are_too_much(sandbox: RunningSandbox) -> None:
    content = [{"type": "text/plain", "value": "x" * (31 * 1024 * 1024)}]
    assert mail(sandbox, content=content).status == 413


def test_a_body_that_is_no_json_object_is_refused(sandbox: RunningSandbox) -> None:
    assert mail(sandbox, body=["x"]).status == 400
    config = sandbox.config["sendgrid"]
    request = sandbox.http().post(f"{config['base_url']}/v3/mail/send")
    answer = request.bearer_auth(config["api_key"]).form({"a": "b"}).build().send()
    assert answer.status == 415


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_one_magic_address_fails_the_whole_request(sandbox: RunningSandbox, status: int) -> None:
    people = [
        {"to": [{"email": "anna@example.com"}]},
        {"to": [{"email": f"{status}x1.ben@sandbox.example"}]},
    ]
    answer = mail(sandbox, personalizations=people)
    assert answer.status == status
    assert answer.json()["errors"][0]["message"]
    assert [m["accepted"] for m in sandbox.client.messages()] == [False, False]
    assert mail(sandbox, personalizations=people).status == 202


def test_a_dead_address_is_accepted_since_bounces_come_later(sandbox: RunningSandbox) -> None:
    people = [{"to": [{"email": "dead@sandbox.example"}]}]
    assert mail(sandbox, personalizations=people).status == 202
    (kept,) = sandbox.client.messages()
    assert (kept["accepted"], kept["note"]) == (True, "dead")
