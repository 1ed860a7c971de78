"""Tokens of links: what they say, how long, and under which keys."""

import time
from base64 import b64encode

import pytest

from apps.preferences import links
from apps.preferences.links import (
    DAY,
    VALID_DAYS,
    ExpiredLink,
    ForgedLink,
    LinkTarget,
    read,
    token,
)

OF_PERSON = LinkTarget(7, None, 3, "email", None, "marketing")
OF_TOPIC = LinkTarget(2**62, None, 2**40, "sms", 2**50)
OF_ENDPOINT = LinkTarget(None, 9, 3, "email", 5)
OF_NUMBER = LinkTarget(7, 9, 3, "sms", None, "offers")


@pytest.fixture(autouse=True)
def fresh_keys():
    links.keys.cache_clear()
    yield
    links.keys.cache_clear()


@pytest.mark.parametrize(
    "target",
    [
        *(OF_PERSON, OF_TOPIC, OF_ENDPOINT, OF_NUMBER),
        LinkTarget(1, None, 1, "email", None, "straße"),
    ],
)
def test_a_token_is_read_as_it_was_made(target):
    assert read(token(target)) == target


def test_the_same_link_is_the_same_all_day():
    start = time.time() // DAY * DAY
    assert token(OF_PERSON, start) == token(OF_PERSON, start + DAY - 1)
    assert token(OF_PERSON, start) != token(OF_PERSON, start + DAY)


def test_a_link_is_valid_for_a_year_and_not_much_longer():
    now = time.time()
    assert read(token(OF_PERSON, now - 365.25 * DAY)) == OF_PERSON
    with pytest.raises(ExpiredLink):
        read(token(OF_PERSON, now - (VALID_DAYS + 1) * DAY))


def test_a_token_says_neither_whose_nor_about_what():
    made = token(LinkTarget(None, 123456789, 3, "email", 77777, "diabetes"))
    assert "diabetes" not in made
    others = {token(LinkTarget(person, None, 3, "email", 5)) for person in range(50)}
    assert len({one[3:20] for one in others}) == 50, "no part of it counts up"


def test_a_link_is_short_enough_for_a_text_message(settings):
    settings.PUBLIC_URL = "https://notify.example.com/"
    target = LinkTarget(10**9, 10**10, 1000, "sms", 10**6)
    url = links.links_of(target, refusable=True).unsubscribe
    assert url.startswith("https://notify.example.com/v1/unsubscribe/")
    assert len(url) < 120


def test_what_cannot_be_refused_leads_to_the_preferences():
    found = links.links_of(OF_PERSON, refusable=False)
    assert found.unsubscribe == found.preferences and not found.refusable


def test_keys_of_their_own_end_the_links_made_before_and_rotate(settings):
    one, two = (f"{n}:{b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))
    before = token(OF_PERSON)
    settings.LINK_KEYS = one
    links.keys.cache_clear()
    with pytest.raises(ForgedLink):
        read(before)
    first = token(OF_PERSON)
    settings.LINK_KEYS = f"{two},{one}"
    links.keys.cache_clear()
    assert read(first) == read(token(OF_PERSON)) == OF_PERSON
    settings.LINK_KEYS = two
    links.keys.cache_clear()
    with pytest.raises(ForgedLink):
        read(first)


def test_what_was_made_up_is_no_link():
    for bad in ("", "x", "example-of-a-link", token(OF_PERSON)[:-2], token(OF_PERSON) + "A"):
        with pytest.raises(ForgedLink):
            read(bad)
