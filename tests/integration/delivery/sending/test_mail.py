"""A title from the API to the mail that a server receives, by SMTP and by SendGrid."""

import json

import pytest

from tests.support import mail_reader
from tests.support.publishers.people import recipient

LOOK_ALIKE = "=?utf-8?q?Hello=0D=0ABcc:_victim@example.com?="
TITLES = [
    LOOK_ALIKE,
    "=?utf-8?q?a=0D=0A=0D=0A<b>a_body</b>?=",
    f"{LOOK_ALIKE} and {LOOK_ALIKE}",
    "  blanks at both ends  ",
    "what other readers\u2028end a\x85line with",
    "Ihre Bestellung für den Großmarkt in Österreich ist auf dem Weg 🎉 " * 7,
]
HEADERS = [
    *("To", "Message-ID", "X-Notifier-Delivery-Id", "List-Unsubscribe", "List-Unsubscribe-Post"),
    *("From", "Subject", "Date", "Auto-Submitted", "MIME-Version", "Content-Type"),
]
#: Invalid titles: each would be a second line of a header, or no text at all.
NO_TITLES = ["a\r\nBcc: victim@example.com", "a\nb", "a\rb", "a\tb", "a\x7fb"]


@pytest.fixture
def smtp(sandbox, settings):
    """Mail by SMTP alone, from a name that looks like something else."""
    settings.PROVIDERS = {
        "smtp": {
            "class": "notifier.providers.smtp.SMTP",
            "channel": "email",
            "options": {
                **sandbox.config["smtp"],
                "ca_file": sandbox.config["ca_file"],
                "from_name": LOOK_ALIKE,
            },
        },
        "inbox": settings.PROVIDERS["inbox"],
    }
    return sandbox


def template(title, body):
    said = {"channel": "email", "locale": "en", "title": title, "body": body}
    return {"name": "order", "default_locale": "en", "contents": [said]}


def received(sandbox, provider):
    (one,) = [m for m in sandbox.client.messages() if m["provider"] == provider]
    return one["content"]


def read(content):
    return mail_reader.read((content if isinstance(content, str) else content["raw"]).encode())


def mail_of(sandbox):
    return read(received(sandbox, "smtp"))


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_the_subject_and_nothing_else(title, shop, smtp, work):
    recipient("ada", email="ada@example.com")
    shop.post(
        "notifications",
        {"user_id": "ada", "channels": ["email"], "content": {"title": title, "body": "b"}},
    )
    work()
    mail = mail_of(smtp)
    assert mail.keys() == HEADERS
    assert mail_reader.words(mail["Subject"]) == title
    assert mail_reader.words(mail["From"].partition("\n <")[0]) == LOOK_ALIKE


@pytest.mark.parametrize("name", [LOOK_ALIKE, "other readers\u2028end a\x85line there"])
def test_a_variable_that_ends_up_in_a_subject_is_the_subject_and_nothing_else(
    name, shop, smtp, work
):
    recipient("ada", email="ada@example.com")
    shop.post(
        "templates",
        template("Order {{ name }}", "{{ name }}"),
        status=201,
    )
    shop.post(
        "notifications",
        {
            "user_id": "ada",
            "channels": ["email"],
            "template": {"name": "order", "variables": {"name": name}},
        },
    )
    work()
    mail = mail_of(smtp)
    assert mail.keys() == HEADERS
    assert mail_reader.words(mail["Subject"]) == f"Order {name}"
    assert mail_reader.texts(mail)[0] == name


@pytest.mark.parametrize("title", TITLES)
def test_sendgrid_is_given_the_title_as_it_is(title, shop, providers, work):
    recipient("ada", email="ada@example.com")
    shop.post(
        "notifications",
        {"user_id": "ada", "channels": ["email"], "content": {"title": title, "body": "b"}},
    )
    work()
    assert received(providers, "sendgrid")["subject"] == title


@pytest.mark.parametrize("title", NO_TITLES)
def test_a_title_for_an_email_is_one_line(title, shop, smtp):
    recipient("ada", email="ada@example.com")
    refused = shop.post(
        "notifications",
        {"user_id": "ada", "channels": ["email"], "content": {"title": title, "body": "b"}},
        status=400,
    )
    assert "one line" in json.dumps(refused)


@pytest.mark.parametrize("variable", NO_TITLES)
def test_a_variable_cannot_make_a_subject_of_two_lines(variable, shop, smtp):
    recipient("ada", email="ada@example.com")
    shop.post(
        "templates",
        template("Order {{ name }}", "b"),
        status=201,
    )
    refused = shop.post(
        "notifications",
        {
            "user_id": "ada",
            "channels": ["email"],
            "template": {"name": "order", "variables": {"name": variable}},
        },
        status=400,
    )
    assert "one line" in json.dumps(refused)


def test_ids_of_mails_differ_between_installations(shop, smtp, settings, work):
    """Two installations each number their deliveries from 1."""
    recipient("ada", email="ada@example.com")
    for settings.INSTALLATION in ("production", "staging"):
        shop.post(
            "notifications",
            {"user_id": "ada", "channels": ["email"], "content": {"title": "Hello"}},
        )
        work()
    staging, production = (
        read(message["content"])["Message-ID"] for message in smtp.client.messages()
    )
    assert production.startswith("<dlv_production_")
    assert staging.startswith("<dlv_staging_")


def test_half_a_character_is_refused_when_it_is_posted(shop):
    answer = shop.http.generic(
        "POST",
        "/v1/notifications",
        rb'{"user_id": "ada", "content": {"title": "\ud800"}}',
        content_type="application/json",
    )
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("malformed-json")
