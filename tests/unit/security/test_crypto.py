import base64

import pytest

from notifier.security.crypto import DecryptionError, Keyring, UnknownKeyError

OLD, NEW, INDEX = b"o" * 32, b"n" * 32, b"i" * 32


def test_what_was_encrypted_for_a_row_decrypts_in_that_row():
    ring = Keyring({1: OLD}, INDEX)
    assert ring.decrypt(ring.encrypt(b"+4366012345", b"row 7"), b"row 7") == b"+4366012345"


def test_a_ciphertext_moved_to_another_row_does_not_decrypt():
    ring = Keyring({1: OLD}, INDEX)
    stored = ring.encrypt(b"secret", b"row 7")
    with pytest.raises(DecryptionError):
        ring.decrypt(stored, b"row 8")


def test_a_changed_ciphertext_does_not_decrypt():
    ring = Keyring({1: OLD}, INDEX)
    stored = bytearray(ring.encrypt(b"secret", b"row"))
    stored[-1] ^= 1
    with pytest.raises(DecryptionError):
        ring.decrypt(bytes(stored), b"row")


def test_the_same_text_never_looks_the_same_twice():
    ring = Keyring({1: OLD}, INDEX)
    assert ring.encrypt(b"secret", b"row") != ring.encrypt(b"secret", b"row")


def test_after_rotation_old_rows_are_read_and_new_rows_use_the_new_key():
    stored = Keyring({1: OLD}, INDEX).encrypt(b"secret", b"row")
    rotated = Keyring({2: NEW, 1: OLD}, INDEX)
    assert rotated.decrypt(stored, b"row") == b"secret"
    assert Keyring({2: NEW}, INDEX).decrypt(rotated.encrypt(b"x", b"row"), b"row") == b"x"


def test_a_row_whose_key_was_taken_away_names_the_key():
    stored = Keyring({1: OLD}, INDEX).encrypt(b"secret", b"row")
    with pytest.raises(UnknownKeyError, match="key 1 is not configured"):
        Keyring({2: NEW}, INDEX).decrypt(stored, b"row")


def test_text_that_is_no_ciphertext_is_recognized():
    with pytest.raises(DecryptionError, match="not a ciphertext"):
        Keyring({1: OLD}, INDEX).decrypt(b"plain", b"row")


def test_a_blind_index_is_stable_and_differs_by_kind_and_key():
    ring = Keyring({1: OLD}, INDEX)
    index = ring.blind_index("email", "a@example.com")
    assert index == Keyring({2: NEW}, INDEX).blind_index("email", "a@example.com")
    assert index != ring.blind_index("sms", "a@example.com")
    assert index != Keyring({1: OLD}, b"j" * 32).blind_index("email", "a@example.com")


@pytest.mark.parametrize(
    ("keys", "index", "complaint"),
    [
        ("", "aWk=", '"<id>:<base64'),
        ("1:%%%", "aWk=", "encryption key 1 is not base64"),
        ("1:YWI=", base64.b64encode(INDEX).decode(), "encryption key 1 has 2 bytes"),
        ("1:" + base64.b64encode(OLD).decode(), "aWk=", "the blind index key has 2 bytes"),
        ("70000:" + base64.b64encode(OLD).decode(), base64.b64encode(INDEX).decode(), "0..65535"),
    ],
)
def test_wrong_keys_in_settings_are_explained(keys, index, complaint):
    with pytest.raises(ValueError, match=complaint.replace("(", r"\(")):
        Keyring.parse(keys, index)


def test_keys_are_read_as_settings_carry_them():
    keys = f"2:{base64.b64encode(NEW).decode()}, 1:{base64.b64encode(OLD).decode()}"
    ring = Keyring.parse(keys, base64.b64encode(INDEX).decode())
    assert ring.decrypt(Keyring({1: OLD}, INDEX).encrypt(b"x", b"r"), b"r") == b"x"
