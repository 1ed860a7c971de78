"""Framing: where an HTTP/1.1 request ends (RFC 9112, sections 6 and 7), without validating it.

A request that is not well formed counts as complete: the parser, which reads the same bytes,
refuses it. So a wrong guess can cut a request short, but never join two.
"""

import re

HEAD_END = b"\r\n\r\n"
#: Most bytes of a head.
MOST_HEAD = 128 * 1024
#: Most characters of a chunk's size line, or of a trailer.
MOST_LINE = 16 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n")
_CODING = re.compile(rb"\r\ntransfer-encoding:[ \t]*([^\r\n]*)")
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n")


class Framing:
    """Progress of a request's body, as delimited by its head.

    ``target``: as in its first line. ``expects``: whether the sender waits for 100 Continue before
    it sends a body. ``size``: bytes of the body that have arrived, without the framing of chunks.
    ``whole``: whether the request is complete.
    """

    def __init__(self, head: bytes) -> None:
        self._first = head.partition(b"\r\n")[0]
        head = head.lower()
        coding = _CODING.search(head)
        stated = _LENGTH.search(head)
        self._chunks = Chunks() if coding is not None and b"chunked" in coding[1] else None
        self._left = int(stated[1]) if stated is not None and self._chunks is None else 0
        self._taken = 0
        self.expects = _EXPECTS.search(head) is not None

    @property
    def target(self) -> str:
        return self._first.partition(b" ")[2].partition(b" ")[0].decode("latin-1")

    @property
    def size(self) -> int:
        return self._taken if self._chunks is None else self._chunks.size

    @property
    def whole(self) -> bool:
        return not self._left if self._chunks is None else self._chunks.whole

    def take(self, data: bytes) -> int:
        """Return how many of the next bytes belong to the request."""
        if self._chunks is not None:
            return self._chunks.take(data)
        taken = min(self._left, len(data))
        self._left -= taken
        self._taken += taken
        return taken


class Chunks:
    """A chunked body. ``whole``: its last trailer has arrived; ``size``: bytes in its chunks."""

    def __init__(self) -> None:
        self.whole, self.size = False, 0
        self._line = b""
        self._left = 0  # of a chunk, the line end behind it included
        self._trailers = False

    def take(self, data: bytes) -> int:
        """Return how many of the next bytes belong to it; all where it is not well formed."""
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self.size += min(step, max(0, self._left - len(b"\r\n")))
                self._left -= step
                at += step
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._line += data[at:]
                self.whole = len(self._line) > MOST_LINE
                return len(data)
            line, self._line = (self._line + data[at:end]).strip(), b""
            at = end + 1
            if not self._trailers:
                size = _size(line)
                if size is None:
                    self.whole = True
                    return len(data)
                self._left, self._trailers = (size + 2 if size else 0), not size
            elif not line:
                self.whole = True
                return at
        return at


def _size(line: bytes) -> int | None:
    """Parse a chunk's size; ``None`` where the line has none."""
    digits = line.partition(b";")[0].strip()
    return int(digits, 16) if re.fullmatch(rb"[0-9a-fA-F]{1,15}", digits) else None
