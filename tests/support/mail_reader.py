"""A reader of mails that shares no code with their writer."""

import base64
import quopri
import re
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

_WORD = re.compile(r"=\?utf-8\?([bq])\?([^ ?]*)\?=")


def read(raw: bytes) -> Message:
    """Parse headers and parts without decoding anything."""
    return message_from_bytes(raw, policy=compat32)


def words(value: str) -> str:
    """Decode a header's raw value by RFC 2047: unfold it and decode each encoded-word."""
    value = value.replace("\r\n", "").replace("\n", "")
    if not _WORD.search(value):
        return value
    decoded = []
    for word in value.split():
        found = _WORD.fullmatch(word)
        assert found, f"{word!r} stands between encoded-words"
        assert len(word) <= 75
        if found[1] == "b":
            decoded.append(base64.b64decode(found[2], validate=True).decode())
        else:
            decoded.append(quopri.decodestring(found[2].encode(), header=True).decode())
    return "".join(decoded)


def texts(mail: Message) -> list[str]:
    """The texts of a mail's parts, the plain one first."""
    parts = mail.get_payload()
    assert isinstance(parts, list)
    found = []
    for part in parts:
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        found.append(payload.decode().replace("\r\n", "\n"))
    return found
