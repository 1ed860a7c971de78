"""Tokens of links: what opens, what does not, and what they give away."""

import os

import pytest

from notifier.security.link_keys import InvalidToken, LinkKeys

ONE, TWO = os.urandom(32), os.urandom(32)


def test_a_token_opens_with_its_key_and_is_the_same_each_time():
    keys = LinkKeys({1: ONE})
    token = keys.seal(b"ada")
    assert keys.open(token) == b"ada"
    assert token == keys.seal(b"ada") != keys.seal(b"bob")


def test_a_token_says_nothing_of_what_is_in_it():
    token = LinkKeys({1: ONE}).seal(b"a" * 40)
    other = LinkKeys({1: ONE}).seal(b"a" * 39 + b"b")
    assert len(set(token[30:])) > 10
    assert sum(a == b for a, b in zip(token[3:], other[3:], strict=True)) < len(token) // 4


def test_after_a_rotation_both_keys_open_and_the_first_seals():
    old = LinkKeys({1: ONE}).seal(b"ada")
    rotated = LinkKeys({2: TWO, 1: ONE})
    assert rotated.open(old) == b"ada"
    new = rotated.seal(b"ada")
    assert LinkKeys({2: TWO}).open(new) == b"ada"


def test_a_key_that_was_taken_away_opens_nothing():
    token = LinkKeys({1: ONE}).seal(b"ada")
    for keys in (LinkKeys({2: TWO}), LinkKeys({1: TWO})):
        with pytest.raises(InvalidToken):
            keys.open(token)


def test_what_was_changed_or_cut_short_does_not_open():
    keys = LinkKeys({1: ONE})
    token = keys.seal(b"ada and what she may leave")
    swapped = {"A": "B"}
    changed = [
        token[:at] + swapped.get(token[at], "A") + token[at + 1 :] for at in range(len(token) - 1)
    ]
    for bad in (*changed, token[:-4], token + "AAAA", "", "x", "ü", "A" * 1000, " " + token):
        with pytest.raises(InvalidToken):
            keys.open(bad)


def test_keys_of_a_wrong_length_are_refused_without_being_shown():
    with pytest.raises(ValueError, match="needs 32") as refused:
        LinkKeys.parse("1:c2VjcmV0")
    assert "c2VjcmV0" not in str(refused.value)
