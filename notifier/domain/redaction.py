"""Take addresses out of what providers say: a mail server quotes whom it does not know."""

import re
from urllib.parse import quote

#: Stands in a text where an address was.
ADDRESS = "[address]"
#: Characters of an address, or of the beginning of one that was cut off, that are looked for.
#: Shorter ones are words and codes of other texts.
LEAST = 7

_QUOTED = re.compile(r"[^\s<>()\[\]\"',:;=]+(?:@|%40)[^\s<>()\[\]\"',:;]*", re.IGNORECASE)
_BETWEEN = r"[\s().-]*"


def without_address(text: str, address: str) -> str:
    """Return a provider's text without the address that it was about, in usual spellings.

    ``address``: an email address, a phone number (E.164), a push token, a URL or a user id. Any
    other email address goes, too: a server names the one that it forwards to.
    """
    if not text:
        return text
    if "@" in text or "%40" in text:
        text = _QUOTED.sub(ADDRESS, text)
    if len(address) < LEAST:
        return text
    if address[0] == "+" and address[1:].isdigit():
        return _without_number(text, address[1:])
    for spelling in {address, quote(address, safe="")}:
        if spelling[:LEAST].lower() in text.lower():
            text = re.sub(re.escape(spelling), ADDRESS, text, flags=re.IGNORECASE)
            text = _without_beginning(text, spelling)
    return text


def _without_number(text: str, digits: str) -> str:
    """Take out a phone number, with or without its country's digits, however it is grouped."""
    if sum(map(str.isdigit, text)) < LEAST:
        return text
    country, rest = digits[:-LEAST], digits[-LEAST:]
    before = "".join(f"(?:{one}{_BETWEEN})?" for one in country)
    number = rf"(?:\+{_BETWEEN}|\()?{before}{_BETWEEN.join(rest)}(?!\d)"
    return re.sub(number, ADDRESS, text)


def _without_beginning(text: str, address: str) -> str:
    """Take out the beginning of an address at the end of a text that was cut off."""
    end = text.rstrip("…")
    for length in range(min(len(end), len(address)), LEAST - 1, -1):
        if end[-length:].lower() == address[:length].lower():
            return end[:-length] + ADDRESS
    return text
