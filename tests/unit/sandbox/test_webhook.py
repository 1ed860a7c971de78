"""The webhook receiver, over plain HTTP/1.1, TLS and HTTP/2."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyreqwest.exceptions import RequestError
from standardwebhooks import Webhook

from tests.support.sandbox_fixture import RunningSandbox

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = '{"title":"Hello"}'


def post(
    sandbox: RunningSandbox,
    path: str,
    body: str = BODY,
    headers: dict[str, str] | None = None,
    *,
    http2: bool = False,
) -> Any:
    url = f"{sandbox.config['webhook']['base_url']}{path}"
    request = sandbox.http(http2=http2).post(url).headers(headers or {})
    return request.body_text(body).build().send()


def signed(body: str = BODY, secret: str = SECRET, age: timedelta = timedelta()) -> dict[str, str]:
    at = datetime.now(UTC) - age
    return {
        "webhook-id": "d-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("d-1", at, body),
    }


@pytest.mark.parametrize("http2", [True, False])
def test_a_webhook_is_taken_and_kept(sandbox: RunningSandbox, http2: bool) -> None:
    answer = post(sandbox, "/orders", headers={"webhook-id": "d-1"}, http2=http2)
    assert (answer.status, answer.text()) == (204, "")
    address = f"{sandbox.config['webhook']['base_url']}/orders"
    (kept,) = sandbox.client.messages(channel="webhook", address=address)
    assert (kept["delivery_id"], kept["content"]) == ("d-1", {"title": "Hello"})


def test_a_signature_is_verified_where_the_secret_is_known(sandbox: RunningSandbox) -> None:
    sandbox.client.register_webhook("orders", SECRET)
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    assert post(sandbox, "/orders", headers=signed()).status == 204
    assert post(sandbox, "/orders").status == 401
    assert post(sandbox, "/orders", headers=signed(secret=other)).status == 401
    assert post(sandbox, "/orders", body="changed", headers=signed()).status == 401
    assert post(sandbox, "/orders", headers=signed(age=timedelta(minutes=10))).status == 401
    assert post(sandbox, "/orders", headers=signed() | {"webhook-signature": "v1"}).status == 401
    assert post(sandbox, "/others").status == 204
    assert sandbox.client.counts()["webhook"]["accepted"] == 2


@pytest.mark.parametrize(("spec", "status"), [("dead", 410), ("429", 429), ("500", 500)])
def test_a_magic_url_gets_its_status(sandbox: RunningSandbox, spec: str, status: int) -> None:
    assert post(sandbox, f"/orders?behave={spec}x1").status == status
    assert post(sandbox, f"/orders?behave={spec}x1").status == 204


@pytest.mark.parametrize("word", ["reset", "torn"])
def test_a_connection_may_be_reset(sandbox: RunningSandbox, word: str) -> None:
    with pytest.raises(RequestError):
        post(sandbox, f"/orders?behave={word}").bytes()
    assert sandbox.client.messages()[0]["note"] == word


def test_a_huge_answer_comes_over_http_1_too(sandbox: RunningSandbox) -> None:
    assert len(post(sandbox, "/orders?behave=huge").bytes()) > 16 * 1024 * 1024


def test_a_slow_answer_does_not_disturb_the_connection(sandbox: RunningSandbox) -> None:
    client = sandbox.http(http2=False)
    base = sandbox.config["webhook"]["base_url"]
    for path in ("/a?behave=slow_0.2", "/b", "/c"):
        assert client.post(base + path).body_text("{}").build().send().status == 204


def test_a_client_may_be_left_without_an_answer_over_http_1(sandbox: RunningSandbox) -> None:
    with pytest.raises(RequestError):
        post(sandbox, "/orders?behave=timeout_0.2")
    assert sandbox.client.messages()[0]["accepted"]


def test_only_post_is_answered(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.config['webhook']['base_url']}/orders"
    assert sandbox.http().get(url).build().send().status == 405
