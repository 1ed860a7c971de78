"""Tokens that open an inbox, and those that do not."""

import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import Key, lasting, serving, unsigned
from tests.support.publishers.api_client import Api
from tests.support.publishers.inboxes import titles


def test_a_key_opens_no_inbox_and_a_token_nothing_else(api: Api, inbox: Callable[..., Api]):
    for path in ("inbox", "inbox/unread"):
        assert api.get(path, status=401)["type"] == "/problems/invalid-token"
    api.post("inbox/status", {"all": True, "status": "read"}, status=401)
    api.delete("inbox/1", status=401)
    ada = inbox("ada", client_id="shop", scope="topics:read")
    for path in ("topics", "recipients", "api-keys", "notifications"):
        assert ada.get(path, status=401)["type"] == "/problems/invalid-key"


def test_a_publishers_token_opens_no_inbox(
    api: Api, inbox: Callable[..., Api], settings: Any, trusted: Any
):
    with serving() as idp:
        idp.keys = [Key("one")]
        settings.PUBLISHER_TOKENS = {"jwks_url": idp.url, "issuer": "i", "audience": "a"}
        token = idp.keys[0].sign(sub="ada", iss="i", aud="a", client_id="shop", scope="topics:read")
        client = Api("shop", token, api._capture)
        client.get("topics")
        assert client.get("inbox", status=401)["type"] == "/problems/invalid-token"
        assert inbox("ada", client_id="shop", iss="i", aud="a").get("topics", status=401)


def test_a_request_without_a_token_is_answered_with_how_to_send_one(inbox: Callable[..., Api]):
    ada = inbox("ada")
    problem = ada.call("get", "inbox", status=401, headers={})
    assert problem["type"] == "/problems/missing-token"
    assert ada.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("claims", "type", "says"),
    [
        ({"exp": 1_000_000_000, "iat": None}, "expired-token", "expired"),
        ({"exp": None}, "invalid-token", "exp"),
        ({"exp": time.time() + 3600}, "invalid-token", "600 seconds"),
        ({"nbf": time.time() + 3600}, "invalid-token", "not valid yet"),
        ({"sub": None}, "invalid-token", "sub"),
        ({"sub": ""}, "invalid-token", "sub"),
        ({"sub": 7}, "invalid-token", "sub"),
        ({"sub": "a\0b"}, "invalid-token", "sub"),
        ({"sub": "x" * 201}, "invalid-token", "sub"),
    ],
)
def test_a_token_that_is_none_for_an_inbox_is_refused(
    inbox: Callable[..., Api], claims: dict[str, Any], type: str, says: str
):
    ada = inbox("ada", **claims)
    problem = ada.get("inbox", status=401)
    assert problem["type"] == f"/problems/{type}"
    assert says in problem["detail"]
    assert ada.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_forged_token_is_refused(inbox: Callable[..., Api], put: Any):
    put("ada")
    ada = inbox("ada")
    head, _, tail = inbox("bob").key.split(".")
    claims = ada.key.split(".")[1]
    for forged in (
        f"{head}.{claims}.{tail}",
        sign(lasting({"sub": "ada"}), "x" * 32),
        unsigned({"alg": "none"}, sub="ada"),
        "ada",
    ):
        client = Api("ada", forged, ada._capture)
        assert client.get("inbox", status=401)["type"] == "/problems/invalid-token"


def test_a_key_set_opens_inboxes_beside_the_secret(
    inbox: Callable[..., Api], put: Any, trusted: Any
):
    put("ada")
    with serving() as idp:
        idp.keys = [Key("one", "RS256")]
        trusted.INBOX_TOKENS = {
            **trusted.INBOX_TOKENS,
            "jwks_url": idp.url,
            "issuer": "https://id.example.com",
            "audience": "inbox",
        }
        good = {"iss": "https://id.example.com", "aud": "inbox"}
        ada = inbox("ada", **good)
        assert titles(ada.get("inbox")) == ["Hello"]
        inbox("ada").get("inbox", status=401)  # without iss and aud
        by_key = Api("ada", idp.keys[0].sign(sub="ada", **good), ada._capture)
        assert titles(by_key.get("inbox")) == ["Hello"]
        long = Api("ada", idp.keys[0].sign(sub="ada", exp=time.time() + 9000, **good), ada._capture)
        assert "600 seconds" in long.get("inbox", status=401)["detail"]


def test_no_inbox_is_open_where_nothing_is_configured(inbox: Callable[..., Api], trusted: Any):
    trusted.INBOX_TOKENS = {**trusted.INBOX_TOKENS, "secret": ""}
    assert "NOTIFIER_INBOX_JWT_SECRET" in inbox("ada").get("inbox", status=401)["detail"]


def test_a_command_prints_a_token_for_trying_things_out(
    inbox: Callable[..., Api], put: Any, trusted: Any
):
    put("ada")
    trusted.INBOX_TOKENS = {**trusted.INBOX_TOKENS, "issuer": "i", "audience": "a"}
    out = StringIO()
    call_command("inbox_token", "ada", stdout=out)
    ada = Api("ada", out.getvalue().strip(), inbox("ada")._capture)
    assert titles(ada.get("inbox")) == ["Hello"]
    with pytest.raises(CommandError, match="slash"):
        call_command("inbox_token", "a/b")
    trusted.INBOX_TOKENS = {**trusted.INBOX_TOKENS, "secret": ""}
    with pytest.raises(CommandError, match="NOTIFIER_INBOX_JWT_SECRET"):
        call_command("inbox_token", "ada")
