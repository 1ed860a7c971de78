"""What providers say is kept without the address that they quote."""

import pytest

from notifier.domain.redaction import without_address

TOKEN = "device-0001:APA91bHun4MxP5egoKMwt2KZFBa"
HOOK = "https://hooks.example.com/in/9f8e7d6c?key=abc"


@pytest.mark.parametrize(
    ("text", "address", "kept"),
    [
        ("550 <ada@example.com> unknown", "ada@example.com", "550 <[address]> unknown"),
        ("550 ADA@Example.COM: unknown", "ada@example.com", "550 [address]: unknown"),
        ("no ada%40example.com here", "ada@example.com", "no [address] here"),
        (
            "<ada@example.com> is now <a.l@other.example>",
            "ada@example.com",
            "<[address]> is now <[address]>",
        ),
        ("550 5.1.1 <ada@exam…", "ada@example.com", "550 5.1.1 <[address]"),
        ("The number +12025550123 is wrong", "+12025550123", "The number [address] is wrong"),
        ("The number +1 (202) 555-0123 is wrong", "+12025550123", "The number [address] is wrong"),
        ("number 12025550123, 202-555-0123", "+12025550123", "number [address], [address]"),
        ("to %2B12025550123", "+12025550123", "to %2B[address]"),
        (f"token {TOKEN} is dead", TOKEN, "token [address] is dead"),
        (f"token {TOKEN.lower()}", TOKEN, "token [address]"),
        ("token device-0001%3AAPA91bHun4MxP5egoKMwt2KZFBa", TOKEN, "token [address]"),
        (f"token {TOKEN[:20]}…", TOKEN, "token [address]"),
        (f"POST {HOOK}: refused", HOOK, "POST [address]: refused"),
    ],
)
def test_an_address_is_taken_out_in_any_usual_spelling(text, address, kept):
    assert without_address(text, address) == kept


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", "ada@example.com"),
        ("status 5.1.1", "ada@example.com"),
        ("Twilio error 21211", "+12025550123"),
        ("job 2025550124 of 20261130", "+12025550123"),
        ("UNREGISTERED", TOKEN),
        ("device-0002 is another", TOKEN),
        ("hooks.example.com: connection refused", HOOK),
        ("the inbox of ada is full", "ada"),
        ("status 503", ""),
    ],
)
def test_the_rest_of_a_text_stays(text, address):
    assert without_address(text, address) == text
