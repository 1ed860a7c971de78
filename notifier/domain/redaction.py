"""Take addresses out of what providers say: a mail server quotes whom it does not know.

A text is searched as it reads once escapes of URLs, JSON and HTML are resolved, and what is found
is cut out of the text as it was. All of it is bounded: a text comes from outside.
"""

import html
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

#: Stands in a text where an address was.
ADDRESS = "[address]"
#: Characters of an address, or of the beginning of one that was cut off, that are looked for.
#: Shorter ones are words and codes of other texts.
LEAST = 7
#: Characters of a text that are searched and returned: more than is kept of any.
MOST = 2_000
#: Characters of an id from which on it is nobody's word, nor the beginning of another id.
LONG = 20

Span: TypeAlias = tuple[int, int]

_ESCAPE = re.compile(
    r"%([0-9a-f]{2})|\\u([0-9a-f]{4})|\\([nrt])|\\([^\w\s])|(&#?\w{1,8};)", re.IGNORECASE
)
_EMAIL = re.compile(
    r"""(?:"[^"]{1,64}"|[^\s<>()\[\]"',:;=@][^\s<>()\[\]",:;=@]{0,63})@[^\s<>()\[\]"',:;]{0,255}"""
)
_CUT_OFF = re.compile(r"…|\.\.\.|[\s\"'<>()\[\]]*\Z")
_BETWEEN = r"[\s().\-/\u2010-\u2015]{0,3}"


class _Plain(NamedTuple):
    """A text without escapes, in lower case; ``places`` are where its characters were, and end."""

    text: str
    places: list[int]


def without_address(text: str, address: str) -> str:
    """Return the beginning of a provider's text without the address that it was about.

    ``address``: an email address, a phone number (E.164), a push token, a URL or a user id. Any
    other email address goes, too: a server names the one that it forwards to.
    """
    text = text[:MOST]
    if not text:
        return text
    plain = _resolved(text)
    spans = [*_found(plain.text, _lower(address)), *_matches(_EMAIL, plain.text)]
    places = plain.places
    return _cut(text, ((places[start], places[end]) for start, end in spans))


def _found(text: str, address: str) -> Iterator[Span]:
    """Find an address in its spellings, and its beginning where it was cut off."""
    if len(address) < LEAST:
        return
    if address[0] == "+" and address[1:].isdigit():
        yield from _numbers(text, address[1:])
        return
    local, at, domain = address.rpartition("@")
    least = LEAST
    if "://" in address:
        url = urlsplit(address)
        least = len(url.scheme) + len("://") + len(url.netloc) + len("/") + 1
        if len(address) < least:
            return  # it says no more than which server it is
        path = address[least - 2 :]
        spellings = {address, address.partition("?")[0], path, path.partition("?")[0]}
        spellings -= {one for one in spellings if one.endswith(f"{url.netloc}/")}
    elif at:
        # A bounce's sender has the recipient in its own name: bounces+ada=example.com@.
        spellings = {address, f"{local}={domain}", local.strip('"')}
    elif address.isalpha() and len(address) < LONG:
        return  # a user id that is a word, as those of a provider's text are
    else:
        spellings = {address}
    for spelling in spellings:
        if len(spelling) >= LEAST:
            yield from _exactly(text, spelling)
    yield from _beginnings(text, address, least)


def _exactly(text: str, spelling: str) -> Iterator[Span]:
    # A provider encodes in UTF-8 what a URL cannot have, each byte for itself.
    for one in {spelling, _lower(spelling.encode(errors="ignore").decode("latin-1"))}:
        yield from _matches(re.compile(_bounded(re.escape(one), one)), text)


def _bounded(pattern: str, of: str) -> str:
    return rf"(?<!\w){pattern}(?!\w)" if len(of) < LONG else pattern


def _beginnings(text: str, address: str, least: int) -> Iterator[Span]:
    """Find the beginning of an address before dots, or at the end of a text that was cut off."""
    start = text.find(address[:least])
    while start >= 0:
        end = start + least
        while end < len(text) and text[end : end + 1] == address[end - start : end - start + 1]:
            end += 1
        beginning = text[start:end].rstrip(".")
        if (
            not beginning.isalpha()
            and _CUT_OFF.match(text, start + len(beginning))
            and (len(address) >= LONG or not text[start - 1 : start].isalnum())
        ):
            yield start, start + len(beginning)
        start = text.find(address[:least], end)


def _numbers(text: str, digits: str) -> Iterator[Span]:
    """Find a phone number, with or without its country's digits, however it is grouped."""
    country, rest = digits[:-LEAST], digits[-LEAST:]
    before = "".join(f"(?:{one}{_BETWEEN})?" for one in country)
    number = rf"(?:\+{_BETWEEN}|\()?{before}{_BETWEEN.join(rest)}(?!\d)"
    return _matches(re.compile(number), text)


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    return (match.span() for match in pattern.finditer(text))


def _resolved(text: str) -> _Plain:
    """Resolve the escapes of a text, each to one character."""
    characters: list[str] = []
    places: list[int] = []
    end = 0
    for match in _ESCAPE.finditer(text):
        characters += text[end : match.start()]
        places += range(end, match.start())
        characters.append(_character(match))
        places.append(match.start())
        end = match.end()
    characters += text[end:]
    return _Plain(_lower("".join(characters)), [*places, *range(end, len(text) + 1)])


def _character(match: re.Match[str]) -> str:
    byte, unit, space, other, entity = match.groups()
    if entity:
        known = html.unescape(entity)
        return known if len(known) == 1 else " "
    if byte or unit:
        return chr(int(byte or unit, 16))
    return " " if space else other


def _lower(text: str) -> str:
    """Return a text in lower case, character by character: its length stays."""
    return "".join(low if len(low := one.lower()) == 1 else one for one in text)


def _cut(text: str, spans: Iterable[Span]) -> str:
    """Return a text with the mark in place of what is in any of the spans."""
    parts, end = [], 0
    last = -1
    for start, until in sorted(spans):
        if start > last:
            parts += [text[end:start], ADDRESS]
        end = last = max(last, until)
    return "".join([*parts, text[end:]])
