"""Mails say what they were given, whatever it is and whichever Python writes them."""

import base64
import json
import shutil
import subprocess
from email.header import decode_header, make_header
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.transport.mail import CONTROL, compose, from_header, header
from tests.support import mail_reader

ROOT = Path(__file__).resolve().parents[3]
LOOK_ALIKE = "=?utf-8?q?Hello=0D=0ABcc:_victim@example.com?="
ODD = [
    "",
    " ",
    "  two in front, two behind  ",
    LOOK_ALIKE,
    f"{LOOK_ALIKE} {LOOK_ALIKE}",
    "=?utf-8?b?SGVsbG8NCkJjYzogdmljdGltQGV4YW1wbGUuY29t?=",
    "=?utf-8?q?a=0D=0A=0D=0Aa_body?=",
    "=?",
    "?=",
    "a =?= b",
    "=?utf-8?q?",
    'a "quoted", name\\',
    "Grüße 🎉 " * 60,
    "語" * 500,
    "a" * 998,
    "🏳️‍🌈" * 40,
    "\u202eright to left\u200f שלום مرحبا",
    "e\u0301" * 50,
    "\ufeff\u200b\x80\x85\x9f\u2028\u2029\ufffe",
]
#: All of Unicode but what no title has; surrogates cannot be written in UTF-8 at all.
characters = st.characters(exclude_categories=["Cs"]).filter(lambda c: not CONTROL.match(c))
lines = st.lists(
    st.one_of(st.text(characters), st.sampled_from([*ODD, "=?", "?=", " ", "=3D", "_"])),
    max_size=6,
).map("".join)
anything = st.lists(
    st.one_of(
        st.text(), st.sampled_from(["\n", "\r\n", "\r", ".", "From ", "\0", "\f", " \n", "--"])
    )
).map("".join)


@settings(max_examples=500)
@given(lines)
def test_a_header_says_the_text_that_was_given(text: str) -> None:
    assert_says(header("Subject", text), text)


@pytest.mark.parametrize("text", ODD)
def test_a_header_says_what_looks_like_something_else(text: str) -> None:
    assert_says(header("Subject", text), text)


def assert_says(raw: bytes, text: str) -> None:
    *folded, last = raw.split(b"\r\n")
    assert last == b""
    assert all(len(line) <= 76 for line in folded)
    assert all(line[:1] == b" " and line.strip() for line in folded[1:])
    assert b"?==?" not in raw  # python/cpython#144156
    value = raw.decode("ascii").removeprefix("Subject: ").removesuffix("\r\n")
    assert mail_reader.words(value) == text
    assert str(make_header(decode_header(value.replace("\r\n", "")))) == text


@settings(max_examples=200)
@given(name=lines, subject=lines, text=anything, html=anything)
def test_a_mail_has_the_headers_and_texts_that_were_meant(
    name: str, subject: str, text: str, html: str
) -> None:
    text, html = (one.encode("utf-8", "ignore").decode() for one in (text, html))
    text, html = (one.replace("\r\n", "\n").replace("\r", "\n") for one in (text, html))
    raw = compose("shop@example.com", name, subject, text, html)
    bare = raw.replace(b"\r\n", b"")
    assert b"\r" not in bare
    assert b"\n" not in bare
    assert b"\0" not in bare
    assert max(map(len, raw.split(b"\r\n"))) <= 998  # RFC 5322 2.1.1
    mail = mail_reader.read(raw)
    assert mail.keys() == [
        *("From", "Subject", "Date", "Auto-Submitted", "MIME-Version", "Content-Type"),
    ]
    assert mail_reader.words(str(mail["Subject"])) == subject
    assert mail_reader.texts(mail) == [text, html]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", b"From: a@b.example\r\n"),
        ("Shop, Inc.", b'From: "Shop, Inc."\r\n <a@b.example>\r\n'),
        ('The "Shop"\\', b'From: "The \\"Shop\\"\\\\"\r\n <a@b.example>\r\n'),
        ("Bäcker", b"From: =?utf-8?q?B=C3=A4cker?=\r\n <a@b.example>\r\n"),
        ("=?utf-8?q?x?=", b"From: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?=\r\n <a@b.example>\r\n"),
        ("x" * 70, b"From: =?utf-8?q?" + b"x" * 58 + b"?=\r\n =?utf-8?q?" + b"x" * 12 + b"?=\r\n "
         b"<a@b.example>\r\n"),
    ],
)  # fmt: skip
def test_a_senders_name_is_quoted_or_encoded(name: str, expected: bytes) -> None:
    assert from_header("a@b.example", name) == expected


@pytest.mark.parametrize("text", ["a\r\nBcc: x", "a\nb", "a\rb", "a\0b", "a\tb", "a\x7fb"])
def test_what_is_not_one_line_is_no_header(text: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        header("Subject", text)
    with pytest.raises(ValueError, match="one line"):
        from_header("a@b.example", text)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_character_is_no_header(text: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        header("Subject", text)


PYTHONS = [
    found
    for version in ("3.11", "3.12", "3.13", "3.14", "3.15")
    for found in (
        shutil.which(f"python{version}") or "",
        *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")),
    )
    # pyenv's shims are there, and fail, for what it was not told to use.
    if found and not subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode
]
ELSEWHERE = """
import base64, json, sys
from notifier.transport.mail import compose
made = [compose("a@b.example", text, text, text, text) for text in json.load(sys.stdin)]
print(json.dumps([base64.b64encode(mail).decode() for mail in made]))
"""


@pytest.mark.skipif(not PYTHONS, reason="there is no other Python on this machine")
@pytest.mark.parametrize("python", PYTHONS)
def test_every_python_here_writes_the_same(python: str) -> None:
    ran = subprocess.run(
        [python, "-c", ELSEWHERE],
        input=json.dumps(ODD),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for text, encoded in zip(ODD, json.loads(ran.stdout), strict=True):
        raw = base64.b64decode(encoded)
        assert raw.startswith(from_header("a@b.example", text) + header("Subject", text))
        assert mail_reader.texts(mail_reader.read(raw)) == [text, text]
