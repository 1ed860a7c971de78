"""Where an HTTP/1.1 request ends (RFC 9112, sections 6 and 7), without judging it.

What cannot be told is said to be whole as it is: the parser, which reads the same bytes, refuses
it. A wrong guess can thus cut a request short and never join two.
"""

import re

HEAD_END = b"\r\n\r\n"
#: Bytes of a head that are waited for.
MOST_HEAD = 128 * 1024
#: Characters of a chunk's size line, or of a trailer.
MOST_LINE = 16 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n")
_CODING = re.compile(rb"\r\ntransfer-encoding:[ \t]*([^\r\n]*)")
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n")


class Framing:
    """How much of a request's body has come, and whether there is more, by its head.

    ``target``: as its first line has it. ``expects``: the sender waits for 100 Continue before it
    sends a body. ``size``: bytes of the body that came, without what frames its chunks. ``whole``:
    nothing more belongs to it.
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
        """How many of these bytes, which came next, belong to it."""
        if self._chunks is not None:
            return self._chunks.take(data)
        taken = min(self._left, len(data))
        self._left -= taken
        self._taken += taken
        return taken


class Chunks:
    """A chunked body as its bytes come: ``whole`` once its last trailer has; ``size`` of what is
    in the chunks so far."""

    def __init__(self) -> None:
        self.whole, self.size = False, 0
        self._line = b""
        self._left = 0  # of a chunk, the line end behind it included
        self._trailers = False

    def take(self, data: bytes) -> int:
        """How many of these bytes belong to it; all of them where it is not well formed."""
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
    """A chunk's size; ``None`` where the line says none."""
    digits = line.partition(b";")[0].strip()
    return int(digits, 16) if re.fullmatch(rb"[0-9a-fA-F]{1,15}", digits) else None
