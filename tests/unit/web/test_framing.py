"""Framing: where a request ends in the bytes that came."""

import pytest

from notifier.web.framing import Framing

CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b"5;part=one\r\nhello\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nExpires: never\r\n\r\n"
NEXT = b"GET / HTTP/1.1\r\n"


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_chunks_end_where_they_end_however_they_are_cut(piece: int) -> None:
    framing, taken = Framing(CHUNKED), b""
    for start in range(0, len(BODY + NEXT), piece):
        part = (BODY + NEXT)[start : start + piece]
        number = framing.take(part)
        taken += part[:number]
        if framing.whole:
            break
    assert taken == BODY
    assert framing.size == 31


def test_a_length_ends_a_body() -> None:
    framing = Framing(b"POST /a?b HTTP/1.1\r\nCONTENT-LENGTH:  5 \r\nExpect: 100-Continue\r\n\r\n")
    assert (framing.target, framing.expects, framing.whole) == ("/a?b", True, False)
    assert framing.take(b"abc") == 3 and not framing.whole
    assert framing.take(b"defgh") == 2 and framing.whole


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nX-Content-Length: 5\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_what_announces_no_body_is_whole_with_its_head(head: bytes) -> None:
    assert Framing(head).whole


@pytest.mark.parametrize("body", [b"x\r\n", b"-1\r\n", b"\r\n", b"5 5\r\n", b"1" * 20_000])
def test_chunks_that_are_none_are_left_to_the_parser(body: bytes) -> None:
    framing = Framing(CHUNKED)
    assert framing.take(body) == len(body)
    assert framing.whole
