"""The lines of a file that a spreadsheet or program wrote: decoded, numbered, cut into fields.

Every error is reported with its line's number. No imported value can contain a line end, so that a
quote that is not closed on its line is an error of that line and never swallows the next ones.
"""

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, TextIO, cast

#: Characters of one line, several times what its longest address may have.
LONGEST = 32_768
#: Byte order marks and the encodings that they stand for. UTF-32's begins like UTF-16's; it is not
#: supported.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SEPARATORS = (",", ";", "\t")
#: Characters that mark undecodable bytes: lone surrogates and the replacement character.
_UNDECODED = re.compile("[\ud800-\udfff\ufffd]")
_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')
#: A spreadsheet's hint about its separator, on a line before the header.
_HINT = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


class Line(NamedTuple):
    """A line, counted from 1. ``error`` is why it cannot be read, empty if it can."""

    number: int
    text: str
    error: str = ""


def decoded(file: BinaryIO, encoding: str = "") -> TextIO:
    """Open a binary file as text: by its byte order mark, else by ``encoding``, else as UTF-8.

    Raises ``ValueError`` for an unknown encoding, or one that cannot be detected.
    """
    file = io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file
    start = cast(io.BufferedReader, file).peek(4)[:4]  # any other binary file is buffered
    marked = next((name for mark, name in MARKS if start.startswith(mark)), None)
    if marked == "" or (marked is None and not encoding and b"\0" in start):
        raise ValueError(
            "The encoding cannot be detected. Save the file as UTF-8, or say --encoding."
        )
    chosen = marked or encoding or "utf-8"
    try:
        codecs.lookup(chosen)
    except LookupError:
        raise ValueError(f"There is no encoding {chosen!r}. Say utf-8, utf-16 or cp1252.") from None
    errors = "replace" if chosen.replace("_", "-").startswith("utf-16") else "surrogateescape"
    return io.TextIOWrapper(file, chosen, errors=errors, newline=None)


def lines(file: TextIO) -> Iterator[Line]:
    r"""Yield every line without its end, which is ``\n``, ``\r\n`` or ``\r``."""
    number = 0
    while text := file.readline(LONGEST + 1):
        number += 1
        if len(text) > LONGEST and not text.endswith("\n"):
            while text and not text.endswith("\n"):
                text = file.readline(LONGEST)
            yield Line(number, "", f"The line has more than {LONGEST:,} characters.")
            continue
        text = text.removesuffix("\n")
        if "\0" in text:
            yield Line(number, "", "The line has a NUL character.")
        elif not text.isascii() and _UNDECODED.search(text):
            encoding = getattr(file, "encoding", "UTF-8").upper().removesuffix("-SIG")
            error = f"The line is not {encoding}. Save the file as UTF-8, or say --encoding."
            yield Line(number, "", error)
        else:
            yield Line(number, text)


def separator_of(header: str) -> str:
    """Return the separator of a header's columns, whose names contain none of ``SEPARATORS``.

    Raises ``ValueError`` for a header with several of them.
    """
    found = [one for one in SEPARATORS if one in header]
    if len(found) > 1:
        raise ValueError("The first line separates its columns by more than one of , ; and tab.")
    return found[0] if found else ","


def hint(line: str) -> str:
    """Return the separator that a line such as ``sep=;`` names, empty for any other line."""
    found = _HINT.fullmatch(line)
    return found[1] if found else ""


def fields(line: str, separator: str) -> list[str]:
    """Split a line into fields (RFC 4180). Raises ``ValueError`` for misplaced quotes."""
    if '"' not in line:
        return line.split(separator)
    found: list[str] = []
    rest = line
    while True:
        quoted = _QUOTED.match(rest)
        if quoted:
            found.append(quoted[1].replace('""', '"'))
            end = quoted.end()
        else:
            text = rest.partition(separator)[0]
            if '"' in text or rest.startswith('"'):
                raise ValueError(
                    'There is a quote (") that is not closed on its line, or stands inside a '
                    'field that is not quoted. Double it and quote the field: "a ""b""".'
                )
            found.append(text)
            end = len(text)
        if end == len(rest):
            return found
        if not rest.startswith(separator, end):
            raise ValueError('There is text behind a closing quote (").')
        rest = rest[end + len(separator) :]
