"""The mail server stand-in, asked by aiosmtplib."""

import asyncio
import contextlib
import ssl
import time
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest

from tests.support.sandbox_fixture import RunningSandbox


def mail(to: str, delivery_id: str = "d-1") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "notifier@sandbox.example"
    message["To"] = to
    message["Subject"] = "Grüße"
    message["Message-ID"] = "<m1@sandbox.example>"
    message["X-Notifier-Delivery-Id"] = delivery_id
    message.set_content("Hello 👋")
    return message


def send(sandbox: RunningSandbox, to: str, **options: Any) -> Any:
    """Plain SMTP unless ``options`` for ``aiosmtplib.send`` say otherwise."""
    config = sandbox.config["smtp"]
    wanted = {"hostname": config["host"], "port": config["port"], "start_tls": False, "timeout": 5}
    return asyncio.run(aiosmtplib.send(mail(to), **(wanted | options)))


def test_a_mail_is_accepted_and_kept(sandbox: RunningSandbox) -> None:
    errors, reply = send(sandbox, "anna@example.com")
    assert errors == {}
    assert "queued" in reply
    (kept,) = sandbox.client.messages(channel="email", address="anna@example.com")
    assert (kept["provider"], kept["status"], kept["accepted"]) == ("smtp", 250, True)
    assert (kept["delivery_id"], kept["message_id"]) == ("d-1", "<m1@sandbox.example>")
    assert "Subject: " in kept["content"]


def test_tls_and_login_are_there_for_who_wants_them(sandbox: RunningSandbox) -> None:
    config = sandbox.config["smtp"]
    options: dict[str, Any] = {
        "start_tls": True,
        "tls_context": ssl.create_default_context(cafile=sandbox.config["ca_file"]),
        "username": config["username"],
    }
    send(sandbox, "anna@example.com", password=config["password"], **options)
    assert sandbox.client.counts()["smtp"]["accepted"] == 1
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        send(sandbox, "anna@example.com", password="wrong", **options)


def test_a_dead_address_is_refused_with_550(sandbox: RunningSandbox) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        send(sandbox, "dead.anna@sandbox.example")
    assert refused.value.recipients[0].code == 550
    (kept,) = sandbox.client.messages()
    assert (kept["status"], kept["accepted"], kept["note"]) == (550, False, "dead")


@pytest.mark.parametrize(
    ("word", "code"), [("429", 421), ("500", 451), ("503", 421), ("403", 554), ("401", 530)]
)
def test_a_magic_address_gets_its_reply_once_and_heals(
    sandbox: RunningSandbox, word: str, code: int
) -> None:
    address = f"{word}x1@sandbox.example"
    with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
        send(sandbox, address)
    assert refused.value.code == code
    send(sandbox, address)
    assert [m["accepted"] for m in sandbox.client.messages()] == [True, False]


@pytest.mark.parametrize(
    ("word", "accepted"), [("reset", False), ("torn", True), ("garbled", True), ("timeout", True)]
)
def test_an_answer_may_never_come_whole(sandbox: RunningSandbox, word: str, accepted: bool) -> None:
    with pytest.raises(aiosmtplib.SMTPException):
        send(sandbox, f"{word}@sandbox.example", timeout=1)
    (kept,) = sandbox.client.messages()
    assert (kept["accepted"], kept["note"]) == (accepted, word)


def test_a_slow_answer_comes_in_its_time(sandbox: RunningSandbox) -> None:
    started = time.monotonic()
    send(sandbox, "slow_0.3@sandbox.example")
    assert time.monotonic() - started >= 0.3


def test_a_huge_reply_is_sent(sandbox: RunningSandbox) -> None:
    with contextlib.suppress(aiosmtplib.SMTPException):  # a client may refuse to read it
        send(sandbox, "huge@sandbox.example")
    assert sandbox.client.messages()[0]["note"] == "huge"


def test_a_rule_for_all_of_smtp(sandbox: RunningSandbox) -> None:
    sandbox.client.behave("smtp", "500")
    with pytest.raises(aiosmtplib.SMTPResponseException):
        send(sandbox, "anna@example.com")
    sandbox.client.heal()
    send(sandbox, "anna@example.com")
