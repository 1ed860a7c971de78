"""Strict JSON: values are kept exactly, or refused."""

import json
from decimal import Decimal

import orjson
import pytest

from notifier.transport import strict_json
from notifier.transport.strict_json import MalformedJson, UnkeptJson


@pytest.mark.parametrize(
    "number",
    [
        *("0", "-0", "0.0", "-0.0", "0e999999999999999999999", "7", "-1", "1.10", "1E2", "1e-7"),
        *("9007199254740993", "9223372036854775807", "18446744073709551615"),
        *("-9223372036854775808", "0.1", "0.30000000000000004", "19.99", "5e-324", "1e21"),
        *(
            "1.7976931348623157e308",
            "123456789.12345",
            "100000000000000.0",
            "2.5000000000000000000",
        ),
    ],
)
def test_a_number_that_is_taken_is_written_with_the_same_value(number: str):
    written = orjson.dumps(strict_json.loads(b'{"a": [%s]}' % number.encode())).decode()
    assert Decimal(json.loads(written, parse_int=str, parse_float=str)["a"][0]) == Decimal(
        "0" if number.startswith("0e") else number
    )


@pytest.mark.parametrize(
    "number",
    [
        *("1000000000000000000001", "18446744073709551616", "-9223372036854775809", "1" * 5000),
        *("1000000000000000000000", "0.1000000000000000055", "0.100000000000000001"),
        *("3.141592653589793238", "1e400", "-1e400", "1e-400", "4e-324", "9007199254740993.0"),
        *("123456789012345678.5", "1e99999999999999999999999", "1e-99999999999999999999999"),
    ],
)
def test_a_number_that_would_be_altered_is_refused_where_it_stands(number: str):
    with pytest.raises(UnkeptJson, match="as text") as refused:
        strict_json.loads(b'{"a": [1, {"b/c": %s}]}' % number.encode())
    assert [pointer for pointer, _ in refused.value.errors] == ["/a/1/b~1c"]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a": 1, "a": 1}',
        '{"a": {"b": "x: y"}, "a": {}}',
        '{"a": 1, "\\u0061": 2}',
        # What an escaped colon adds hides what the dropped member took along.
        '{"a": "\\u003a", "a": "\\u003A"}',
        '{"b": "\\u003a", "a": 1, "a": 2}',
    ],
)
def test_a_name_that_comes_twice_is_refused(text: str):
    with pytest.raises(UnkeptJson, match="twice") as refused:
        strict_json.loads(text.encode())
    assert refused.value.errors[0][0] == "/a"


@pytest.mark.parametrize("text", ['{"a": ":", "b": "\\u003a"}', '{"a": {"a": {"a": ": :"}}}', "7"])
def test_colons_in_texts_and_equal_names_of_different_objects_are_no_matter(text: str):
    assert strict_json.loads(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"{'a': 1}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 01}', b'{"a": .5}'),
        *(b'{"a": "\\ud800"}', b'{"a": "\xff"}', b'\xef\xbb\xbf{"a": 1}', b'{"a": 1e400'),
        *('{"a": 1}'.encode("utf-16"), '{"a": "ü"}'.encode("latin-1"), b"[" * 5000),
    ],
)
def test_what_is_not_json_in_utf_8_is_refused(text: bytes):
    with pytest.raises(MalformedJson, match="line"):
        strict_json.loads(text)


def test_nesting_and_nul_are_refused():
    assert strict_json.loads(b"[" * 64 + b"1.5" + b"]" * 64)
    with pytest.raises(UnkeptJson, match="64"):
        strict_json.loads(b"[" * 65 + b"]" * 65)
    with pytest.raises(UnkeptJson, match="NUL"):
        strict_json.loads(b'{"a": "\\u0000"}')
    assert strict_json.loads(b'{"a": "\\\\u0000"}') == {"a": "\\u0000"}


def test_an_error_names_the_first_places_and_not_a_million():
    with pytest.raises(UnkeptJson) as refused:
        strict_json.loads(b"[" + b",".join([b"1" * 30] * 1000) + b"]")
    assert len(refused.value.errors) == strict_json.MOST_NAMED
