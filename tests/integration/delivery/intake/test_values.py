"""Values of accepted content arrive as they were posted."""

import json
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

SECRET = "0123456789abcdef0123456789abcdef"
PEOPLE = '"user_id": "ada", "channels": ["inbox"]'


def post(shop: Shop, path: str, body: str, status: int, **headers: str) -> Any:
    answer = shop.http.post(
        f"/v1/{path}", body.encode(), content_type="application/json", headers=headers
    )
    assert answer.status_code == status, answer.content
    return answer.json()


@pytest.fixture
def ada(shop: Shop, settings: Any) -> APIClient:
    """Ada's app."""
    recipient("ada", push_android="a" * 40)
    settings.INBOX_TOKENS = {**settings.INBOX_TOKENS, "secret": SECRET}
    http = APIClient()
    http.credentials(HTTP_AUTHORIZATION=f"Bearer {sign(lasting({'sub': 'ada'}), SECRET)}")
    return http


NUMBERS = '{"a": 18446744073709551615, "b": -9223372036854775808, "c": 0.1, "d": 1e300, "e": 1e21}'


def exact(text: str) -> Any:
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def test_numbers_arrive_with_the_value_they_were_posted_with(shop: Shop, ada: APIClient, work: Any):
    post(shop, "notifications", f'{{{PEOPLE}, "content": {{"body": "x", "data": {NUMBERS}}}}}', 202)
    work()
    [item] = exact(ada.get("/v1/inbox").content.decode())["data"]
    assert item["data"] == exact(NUMBERS)


def test_so_do_those_that_a_template_writes_and_is_filled_in_with(
    shop: Shop, ada: APIClient, work: Any
):
    content = f'{{"channel": "inbox", "locale": "en", "body": "{{{{ n }}}}", "data": {NUMBERS}}}'
    post(
        shop,
        "templates",
        f'{{"name": "sums", "default_locale": "en", "contents": [{content}]}}',
        201,
    )
    use = '{"name": "sums", "variables": {"n": 9007199254740993}}'
    post(shop, "notifications", f'{{{PEOPLE}, "template": {use}}}', 202)
    work()
    [item] = exact(ada.get("/v1/inbox").content.decode())["data"]
    assert item["body"] == "9007199254740993"
    assert item["data"] == exact(NUMBERS)


def test_fcm_which_takes_texts_only_gets_the_number_as_it_was_written(
    shop: Shop, ada: APIClient, providers: Any, work: Any
):
    data = '{"int": 18446744073709551615, "decimal": 19.99, "yes": true, "text": "007"}'
    body = f'{{"user_id": "ada", "channels": ["push"], "content": {{"data": {data}}}}}'
    post(shop, "notifications", body, 202)
    work()
    [received] = [m for m in providers.client.messages() if m["accepted"]]
    found = received["content"]["message"]["data"]
    assert {name: found[name] for name in ("int", "decimal", "yes", "text")} == {
        "int": "18446744073709551615",
        "decimal": "19.99",
        "yes": "true",
        "text": "007",
    }


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ('{"wei": 1000000000000000000001}', "/content/data/wei"),
        ('{"eth": 0.100000000000000001}', "/content/data/eth"),
        ('{"x": [1, 1e400]}', "/content/data/x/1"),
        ('{"x": 1, "x": 2}', "/content/data/x"),
    ],
)
def test_what_would_be_altered_is_refused_and_its_key_stays_free(
    shop: Shop, ada: APIClient, data: str, pointer: str
):
    key = {"Idempotency-Key": "k"}
    body = f'{{{PEOPLE}, "content": {{"body": "x", "data": {data}}}}}'
    problem = post(shop, "notifications", body, 400, **key)
    assert problem["errors"][0]["pointer"] == pointer
    for wei, status in (("1000000000000000000001", 202), ("1000000000000000000002", 422)):
        as_text = f'{{{PEOPLE}, "content": {{"body": "x", "data": {{"wei": "{wei}"}}}}}}'
        post(shop, "notifications", as_text, status, **key)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("9007199254740992", "9007199254740993"),
        ("18446744073709551614", "18446744073709551615"),
        ("0.1", "0.10000000000000002"),
        ("1", '"1"'),
        ("1", "true"),
        ("0", "null"),
        ('{"a": {"b": 1}}', '{"a": {"b": 2}}'),
    ],
)
def test_bodies_whose_values_differ_never_share_an_idempotency_key(
    shop: Shop, ada: APIClient, one: str, other: str
):
    for value, status in ((one, 202), (other, 422), (one, 202)):
        body = f'{{{PEOPLE}, "content": {{"body": "x", "data": {{"v": {value}}}}}}}'
        post(shop, "notifications", body, status, **{"Idempotency-Key": "k"})
