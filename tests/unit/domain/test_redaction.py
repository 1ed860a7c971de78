"""What providers say is kept without the address that they quote."""

import pytest

from notifier.domain.redaction import MOST, without_address

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
        ("to %2B12025550123", "+12025550123", "to [address]"),
        (f"token {TOKEN} is dead", TOKEN, "token [address] is dead"),
        (f"token {TOKEN.lower()}", TOKEN, "token [address]"),
        ("token device-0001%3AAPA91bHun4MxP5egoKMwt2KZFBa", TOKEN, "token [address]"),
        (f"token {TOKEN[:20]}…", TOKEN, "token [address]…"),
        (f"POST {HOOK}: refused", HOOK, "POST [address]: refused"),
        ("<o'brien@example.com> unknown", "o'brien@example.com", "<[address]> unknown"),
        ("550 o'brien@other.example", "ada@example.com", "550 [address]"),
        ("user='ada@example.com'", "bob@example.com", "user='[address]'"),
        ("no ada=lovelace@example.com", "ada=lovelace@example.com", "no [address]"),
        ("from b+ada=example.com@lists.example", "ada@example.com", "from b+[address]"),
        ('550 "ada"@example.com', "ada@example.com", "550 [address]"),
        ('550 "ada l"@example.com', '"ada l"@example.com', "550 [address]"),
        ("550 lovelace... User unknown", "lovelace@example.com", "550 [address]... User unknown"),
        (f'"{TOKEN[:20]}..." is dead', TOKEN, '"[address]..." is dead'),
        (f'"{TOKEN[:20]}…" is dead', TOKEN, '"[address]…" is dead'),
        (f'token "{TOKEN[:20]}"', TOKEN, 'token "[address]"'),
        (r"at https:\/\/hooks.example.com\/in\/9f8e7d6c?key=abc", HOOK, "at [address]"),
        (r"no ada\u0040example.com", "ada@example.com", "no [address]"),
        ("no ada&#64;example.com", "ada@example.com", "no [address]"),
        ("no ada&#x40;example.com", "bob@example.com", "no [address]"),
        (r"no\nada-lovelace\nhere", "ada-lovelace", r"no\n[address]\nhere"),
        ("no müller-7 or m%C3%BCller-7", "müller-7", "no [address] or [address]"),
        ("+1 202–555–0123", "+12025550123", "[address]"),
        ("0202/555/0123 is wrong", "+12025550123", "0[address] is wrong"),
        ("%2B1%20202%20555%200123", "+12025550123", "[address]"),
        ("https://hooks.example.com/in/9f8e7d6c is gone", HOOK, "[address] is gone"),
        ("url: /in/9f8e7d6c?key=abc (timeout)", HOOK, "url: [address] (timeout)"),
        ("https://hooks.example.com/in/9f8…", HOOK, "[address]…"),
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
        ("connection timeout", "timeout"),
        ("order-12345 of order-12", "order-1"),
        ("reorder-1 is another", "order-1"),
        ("POST to https://", HOOK),
        ("https://hooks.example.com/ answers", "https://hooks.example.com/"),
        ("100% of 5%20 and \\n", "+12025550123"),
    ],
)
def test_the_rest_of_a_text_stays(text, address):
    assert without_address(text, address) == text


@pytest.mark.parametrize(
    "hostile",
    [
        "x" * 16_000 + " @",
        "@" * 16_000,
        '"' * 16_000 + "@",
        "%40" * 16_000,
        "a" * 16_000 + "…",
        "…" * 16_000,
        "1 " * 16_000,
        "&#64;" * 16_000,
        "\\" * 16_000,
    ],
)
@pytest.mark.parametrize("address", ["a" * 1_000 + "1", "+11111111111", HOOK, "ada@example.com"])
def test_no_more_of_a_text_is_searched_than_is_kept_of_one(hostile, address):
    assert without_address(hostile, address) == without_address(hostile[:MOST], address)


def test_an_address_that_ends_behind_what_is_searched_is_taken_out():
    text = "x" * (MOST - 10) + " lovelace@example.com"
    assert without_address(text, "lovelace@example.com") == "x" * (MOST - 10) + " [address]"
