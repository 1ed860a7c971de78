"""Links in messages that open without logging in: to leave, and to the page of preferences.

A link's token says whose it is, of which publisher's message, and what that was about. Nothing is
stored for it, so it outlives the notification. It is valid for ``VALID_DAYS``, and as long as its
key is configured. Whoever has a link may use it, such as somebody to whom a mail was forwarded:
its pages show no name, address or content.
"""

import struct
from functools import cache
from typing import NamedTuple

from django.conf import settings

from apps.core import clock
from notifier.domain.personal_links import PersonalLinks
from notifier.security.crypto import parse_keys
from notifier.security.link_keys import InvalidToken, LinkKeys

#: A link is valid until the end of the day that is so many days after it was made.
VALID_DAYS = 366
DAY = 86_400
#: Layout of the token's beginning: its kind, the day it was made, and ids of the person or the bare
#: endpoint, of the publisher and of the topic (0 for none). The contact's id follows where the link
#: is in a text message to a person, and then channel and category.
_HEAD = struct.Struct(">BHQQQ")
_CONTACT = struct.Struct(">Q")
_OF_PERSON, _OF_ENDPOINT, _OF_PERSONS_NUMBER = 1, 2, 3
_SEPARATOR = b"\0"


class LinkTarget(NamedTuple):
    """The subject of a link.

    ``recipient_id`` is set, or of a bare endpoint ``contact_id``. Of a text message to a person
    both are: the contact says which number the link reached. ``publisher_id`` is that of the
    message. ``topic_id`` and ``category`` are the message's; either may be missing.
    """

    recipient_id: int | None
    contact_id: int | None
    publisher_id: int
    channel: str
    topic_id: int | None = None
    category: str = ""


class DeadLink(Exception):
    """The link opens nothing."""


class ForgedLink(DeadLink):
    """The token was not made here, was cut short, or its key was taken away."""


class ExpiredLink(DeadLink):
    """The token is older than ``VALID_DAYS``."""


@cache
def keys() -> LinkKeys:
    """Return this installation's keys of links; without any, they are the encryption keys."""
    return LinkKeys(parse_keys(settings.LINK_KEYS or settings.ENCRYPTION_KEYS))


def token(target: LinkTarget, now: float | None = None) -> str:
    """Return a token: some 80 to 220 characters, the same all day. ``now``: unix seconds."""
    subject, contact_id = target.recipient_id, target.contact_id or 0
    kind = _OF_PERSONS_NUMBER if contact_id else _OF_PERSON
    if subject is None:
        subject, kind = contact_id, _OF_ENDPOINT
    day = int(clock.now() if now is None else now) // DAY
    head = _HEAD.pack(kind, day, subject, target.publisher_id, target.topic_id or 0)
    if kind == _OF_PERSONS_NUMBER:
        head += _CONTACT.pack(contact_id)
    rest = f"{target.channel}\0{target.category}".encode()
    return keys().seal(head + rest)


def read(token: str) -> LinkTarget:
    """Return what a token is about. Raises ``ForgedLink`` and ``ExpiredLink``."""
    try:
        plain = keys().open(token)
        kind, day, subject, publisher_id, topic_id = _HEAD.unpack_from(plain)
        contact_id, rest = None, plain[_HEAD.size :]
        if kind == _OF_PERSONS_NUMBER:
            [contact_id], rest = _CONTACT.unpack_from(rest), rest[_CONTACT.size :]
    except (InvalidToken, struct.error):
        raise ForgedLink from None
    if kind not in (_OF_PERSON, _OF_ENDPOINT, _OF_PERSONS_NUMBER):
        raise ForgedLink  # of a version that is newer than this process
    if clock.now() // DAY - day > VALID_DAYS:
        raise ExpiredLink
    channel, _, category = rest.partition(_SEPARATOR)
    endpoint = kind == _OF_ENDPOINT
    return LinkTarget(
        None if endpoint else subject,
        subject if endpoint else contact_id,
        publisher_id,
        channel.decode(),
        topic_id or None,
        category.decode(),
    )


def links_of(target: LinkTarget, *, refusable: bool) -> PersonalLinks:
    """Return the links of one message; both lead to the preferences if it is not ``refusable``."""
    made = token(target)
    preferences = preferences_url(made)
    return PersonalLinks(
        unsubscribe_url(made) if refusable else preferences, preferences, refusable
    )


def unsubscribe_url(token: str) -> str:
    """Return the URL of the page to leave, which RFC 8058's POST goes to as well."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/v1/unsubscribe/{token}"


def preferences_url(token: str) -> str:
    """Return the URL of the page of preferences."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/v1/preferences/{token}"


def example() -> PersonalLinks:
    """Return links of nobody, about as long as others, for previews."""
    made = "example-of-a-link".ljust(80, "-")
    return PersonalLinks(unsubscribe_url(made), preferences_url(made), refusable=True)
