"""One-time passwords by time, by the vectors of RFC 6238, and when a code is taken."""

import pytest

from notifier.security import totp

SECRET = b"12345678901234567890"  # of the RFC
NOW = 1_111_111_111.0
PRESENT = int(NOW // totp.STEP)


@pytest.mark.parametrize(
    ("seconds", "eight"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds: int, eight: str):
    assert totp.code_at(SECRET, seconds // totp.STEP) == eight[-6:]


@pytest.mark.parametrize(
    ("drift", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_code_of_the_neighbouring_steps_is_taken(drift: int, taken: bool):
    code = totp.code_at(SECRET, PRESENT + drift)
    found = totp.step_of(SECRET, code, NOW, after=0)
    assert found == (PRESENT + drift if taken else None)


def test_a_code_is_not_taken_again_nor_one_before_it():
    for drift in (-1, 0):
        code = totp.code_at(SECRET, PRESENT + drift)
        assert totp.step_of(SECRET, code, NOW, after=PRESENT) is None
    later = totp.code_at(SECRET, PRESENT + 1)
    assert totp.step_of(SECRET, later, NOW, after=PRESENT) == PRESENT + 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "abcdef"])
def test_what_is_no_code_is_not_taken(code: str):
    assert totp.step_of(SECRET, code, NOW, after=0) is None


def test_the_uri_names_the_account_and_the_service():
    assert totp.uri(SECRET, "ada@example.com", "Notifier") == (
        "otpauth://totp/Notifier%3Aada%40example.com"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Notifier"
    )
    assert totp.text_of(SECRET).startswith("GEZD GNBV GY3T")
