"""Composing of mails, so that any text arrives as it was given.

Python's ``email`` treats a header's value as encoded already: what looks like an encoded-word (RFC
2047) is decoded, line ends included, and 3.13.0 writes two of them without the space that separates
them (python/cpython#144156). So mails are written here, in the one form that we send; it also takes
a fiftieth of the time.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from email.utils import format_datetime, localtime

#: Characters that no header may contain, even encoded: what decodes it may pass them on.
CONTROL = re.compile(r"[\x00-\x1f\x7f]")

#: An address that can be written between < and >.
ADDRESS = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")

#: RFC 3834 5: nobody wrote the mail, so nobody's absence note is to answer it.
AUTO_SUBMITTED = ("Auto-Submitted", "auto-generated")

#: RFC 2047 2: an encoded-word has at most 75 characters, and a line with one in it 76.
LONGEST_WORD, LONGEST_LINE = 75, 76
_FRAME = len("=?utf-8?q??=")
#: Text that needs no encoding, without blanks at either end.
_PLAIN = re.compile(r"[!-~]([ -~]*[!-~])?")
#: Bytes that an encoded-word in a name may have unencoded (RFC 2047 5 (3)); valid in any header.
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
#: Neither encoding of a body contains ``=_`` (RFC 2045 6.7), so no part contains the boundary.
_BOUNDARY = "=_alternative"
_LINE_END = re.compile(r"\r\n?|\n")


def compose(sender: str, sender_name: str, subject: str, text: str, html: str) -> bytes:
    """Compose a mail without the headers of its recipient, which are put in front of it.

    Raises ``ValueError`` where ``subject`` or ``sender_name`` is not one line.
    """
    return b"".join(
        (
            from_header(sender, sender_name),
            header("Subject", subject),
            f"Date: {format_datetime(localtime())}\r\n"
            f"{AUTO_SUBMITTED[0]}: {AUTO_SUBMITTED[1]}\r\n"
            "MIME-Version: 1.0\r\n"
            f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"\r\n\r\n'.encode(),
            _part("plain", text),
            _part("html", html),
            f"--{_BOUNDARY}--\r\n".encode(),
        )
    )


def header(name: str, text: str) -> bytes:
    """Return a header whose value is text, from its name to its line end.

    Raises ``ValueError`` where the text is not one line.
    """
    return f"{name}: {_words(text, len(name) + 2)}\r\n".encode("ascii")


def from_header(address: str, name: str) -> bytes:
    """Return ``From`` with a display name. Raises ``ValueError`` where that is not one line."""
    if not name:
        return f"From: {address}\r\n".encode("ascii")
    if _is_plain(name, len('From: ""')):
        shown = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    else:
        shown = _words(name, len("From: "), plain=False)
    return f"From: {shown}\r\n <{address}>\r\n".encode("ascii")


def _words(text: str, behind: int, *, plain: bool = True) -> str:
    """Return the text unchanged where possible, else as encoded-words, each on its own line.

    ``behind``: characters before it in its first line. ``plain``: whether it may stay unencoded.
    """
    if CONTROL.search(text):
        raise ValueError("a header is one line without control characters")
    if not text or (plain and _is_plain(text, behind)):
        return text
    first, rest = LONGEST_LINE - behind - _FRAME, LONGEST_WORD - _FRAME
    in_base64 = -(-len(text.encode()) // 3) * 4
    if len(_quoted(text)) <= in_base64:
        pieces = _cut(text, lambda char: len(_quoted(char)), first, rest)
        words = [f"=?utf-8?q?{_quoted(piece)}?=" for piece in pieces]
    else:
        pieces = _cut(text, lambda char: len(char.encode()), first // 4 * 3, rest // 4 * 3)
        words = [f"=?utf-8?b?{base64.b64encode(p.encode()).decode()}?=" for p in pieces]
    return "\r\n ".join(words)


def _is_plain(text: str, behind: int) -> bool:
    """Return whether a header can have the text unencoded: short, and without ``=?``."""
    return len(text) <= LONGEST_LINE - behind and "=?" not in text and bool(_PLAIN.fullmatch(text))


def _cut(text: str, size: Callable[[str], int], first: int, rest: int) -> Iterator[str]:
    """Cut into pieces of whole characters, the first at most ``first`` long, others ``rest``."""
    start, used, limit = 0, 0, first
    for at, char in enumerate(text):
        more = size(char)
        if used + more > limit:
            yield text[start:at]
            start, used, limit = at, 0, rest
        used += more
    yield text[start:]


def _quoted(text: str) -> str:
    """Encode by the "Q" encoding of RFC 2047 4.2."""
    return "".join(
        chr(byte) if byte in _SAFE else "_" if byte == 0x20 else f"={byte:02X}"
        for byte in text.encode()
    )


def _part(subtype: str, text: str) -> bytes:
    """Return a part of the mail in the shorter of the two encodings (RFC 2045 6.7, 6.8)."""
    written = _LINE_END.sub("\r\n", text).encode()
    encoding, encoded = "quoted-printable", binascii.b2a_qp(written)
    if len(encoded) > len(written) * 4 // 3:
        encoding, encoded = "base64", base64.encodebytes(written)
    head = (
        f"--{_BOUNDARY}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + re.sub(rb"\r?\n", b"\r\n", encoded) + b"\r\n"
