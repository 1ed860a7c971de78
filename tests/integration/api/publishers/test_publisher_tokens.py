"""A publisher with a token of the company's own identity provider, in place of an API key."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.publishers.models import AuditEvent, Publisher
from apps.publishers.scopes import Scope
from config import env, tokens
from notifier.security import jwks
from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import JwksServer, Key, lasting, serving, unsigned
from tests.support.publishers.api_client import Api

ISSUER, AUDIENCE = "https://id.example.com", "notifier"


@pytest.fixture
def idp(settings: Any) -> Iterator[JwksServer]:
    """An identity provider that this service trusts."""
    with serving() as server:
        server.keys = [Key("one")]
        settings.PUBLISHER_TOKENS = {
            "jwks_url": server.url,
            "issuer": ISSUER,
            "audience": AUDIENCE,
        }
        yield server


def good(**claims: Any) -> dict[str, Any]:
    scope = "openid topics:read topics:write everything:write"
    return {"iss": ISSUER, "aud": AUDIENCE, "client_id": "shop", "scope": scope, **claims}


def bearing(api: Api, token: str) -> Api:
    return Api(api.name, token, api._capture)


def refused(api: Api, token: str, status: int = 401) -> dict[str, Any]:
    problem = bearing(api, token).get("topics", status=status)
    return {**problem, "type": problem["type"].removeprefix("/problems/")}


def test_a_token_opens_what_its_scopes_name_and_the_audit_trail_knows_whose(
    api: Api, other: Api, idp: JwksServer
):
    by_token = bearing(api, idp.keys[0].sign(**good()))
    by_token.post("topics", {"name": "orders"}, status=201)
    assert [topic["name"] for topic in by_token.get("topics")["data"]] == ["orders"]
    assert [topic["name"] for topic in api.get("topics")["data"]] == ["orders"]
    other.get("topics/orders", status=404)
    problem = by_token.get("recipients", status=403)
    assert (problem["type"], problem["scope"]) == ("/problems/missing-scope", "directory:read")
    actors = set(AuditEvent.objects.filter(object_name="orders").values_list("actor", flat=True))
    assert actors == {"jwt:shop"}


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"scope": None, "scp": ["topics:read"]}, 200),
        ({"scope": None, "scp": "x topics:read"}, 200),
        ({"scope": None}, 403),
        ({"scope": ["topics:read"]}, 200),
        ({"scope": "topics:readers"}, 403),
        ({"scope": 7}, 403),
        ({"scope": None, "scp": [["topics:read"], {}, None]}, 403),
    ],
)
def test_scopes_are_read_as_identity_providers_write_them(
    api: Api, idp: JwksServer, claims: dict[str, Any], status: int
):
    bearing(api, idp.keys[0].sign(**good(**claims))).get("topics", status=status)


def test_no_claim_gives_more_than_a_key_could_have(api: Api, idp: JwksServer):
    token = idp.keys[0].sign(**good(scope=" ".join(["*", "topics:*", "admin", *Scope])))
    made = bearing(api, token).post("api-keys", {"scopes": ["topics:read"]}, status=201)
    bearing(api, made["key"]).get("topics")


def test_a_token_makes_no_key_that_outlives_it(api: Api, idp: JwksServer):
    expires = int(time.time()) + 60
    token = idp.keys[0].sign(**good(exp=expires, scope=" ".join(Scope)))
    by_token = bearing(api, token)
    for wanted in ({}, {"expires_at": "2999-01-01T00:00:00Z"}):
        made = by_token.post("api-keys", {"scopes": ["topics:read"], **wanted}, status=201)
        assert datetime.fromisoformat(made["expires_at"]).timestamp() == expires
    sooner = datetime.fromtimestamp(expires - 30, UTC).isoformat()
    made = by_token.post("api-keys", {"scopes": ["topics:read"], "expires_at": sooner}, status=201)
    assert datetime.fromisoformat(made["expires_at"]).timestamp() == expires - 30
    prefix = api.key.split("_")[1]
    problem = by_token.post(f"api-keys/{prefix}/rotate", {}, status=409)
    assert problem["type"] == "/problems/conflict"
    api.post("api-keys", {"scopes": ["topics:read"]}, status=201)


@pytest.mark.parametrize(
    ("claims", "type", "says"),
    [
        ({"iss": "https://evil.example.com"}, "invalid-token", "iss"),
        ({"aud": "billing"}, "invalid-token", "aud"),
        ({"aud": None}, "invalid-token", "aud"),
        ({"exp": 1_000_000_000}, "expired-token", "expired"),
        ({"exp": None}, "invalid-token", "exp"),
        ({"client_id": "nobody"}, "invalid-token", "no publisher nobody"),
        ({"client_id": None}, "invalid-token", "client_id"),
        ({"client_id": None, "sub": "shop", "azp": "shop"}, "invalid-token", "client_id"),
        ({"client_id": ["shop"]}, "invalid-token", "client_id"),
        ({"client_id": "shop\0"}, "invalid-token", "client_id"),
        ({"client_id": "SHOP"}, "invalid-token", "no publisher SHOP"),
    ],
)
def test_a_token_that_is_not_for_us_is_refused(
    api: Api, idp: JwksServer, claims: dict[str, Any], type: str, says: str
):
    problem = refused(api, idp.keys[0].sign(**good(**claims)))
    assert problem["type"] == type
    assert says in problem["detail"]


def test_a_forged_token_is_refused_and_challenged(api: Api, idp: JwksServer):
    forger = Key("one")
    key = idp.keys[0]
    head, _, tail = key.sign(**good()).split(".")
    _, claims, _ = key.sign(**good(client_id="other")).split(".")
    forgeries = [forger.sign(**good()), f"{head}.{claims}.{tail}"]
    for forged in [*forgeries, unsigned({"alg": "none"}, **good()), "abc", "a.b.c", "x" * 9000]:
        client = bearing(api, forged)
        assert client.get("topics", status=401)["type"] == "/problems/invalid-token"
        assert client.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_an_end_users_secret_makes_no_publisher(api: Api, idp: JwksServer, settings: Any):
    secret = "0123456789abcdef0123456789abcdef"
    settings.INBOX_TOKENS = {**settings.INBOX_TOKENS, "secret": secret}
    assert refused(api, sign(lasting(good()), secret))["type"] == "invalid-token"


def test_keys_are_rotated_without_a_restart(api: Api, idp: JwksServer, monkeypatch: Any):
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    bearing(api, idp.keys[0].sign(**good())).get("topics")
    old, idp.keys = idp.keys[0], [Key("two")]
    bearing(api, idp.keys[0].sign(**good())).get("topics")
    assert refused(api, old.sign(**good()))["type"] == "invalid-token"


def test_without_the_key_set_nobody_is_refused_for_good(api: Api, idp: JwksServer):
    idp.status = 503
    client = bearing(api, idp.keys[0].sign(**good()))
    assert client.get("topics", status=503)["type"] == "/problems/unavailable"
    assert client.headers["Retry-After"] == "10"
    api.get("topics")  # keys work


def test_a_publisher_that_was_switched_off_is_refused(api: Api, idp: JwksServer):
    client = bearing(api, idp.keys[0].sign(**good()))
    client.get("topics")
    shop = Publisher.objects.get(name="shop")
    with api._capture(execute=True):
        shop.is_active = False
        shop.save()
    assert client.get("topics", status=403)["type"] == "/problems/inactive-publisher"


def test_a_name_that_was_given_up_names_nobody(api: Api, idp: JwksServer):
    client = bearing(api, idp.keys[0].sign(**good()))
    client.get("topics")
    shop = Publisher.objects.get(name="shop")
    with api._capture(execute=True):
        shop.name = "store"
        shop.save()
    assert "no publisher shop" in client.get("topics", status=401)["detail"]


def test_another_claim_names_the_publisher_where_it_is_configured(
    api: Api, idp: JwksServer, settings: Any
):
    settings.PUBLISHER_JWT_CLAIMS = ["client_id", "azp"]
    bearing(api, idp.keys[0].sign(**good(client_id=None, azp="shop"))).get("topics")


def test_tokens_are_refused_where_nothing_is_configured(api: Api):
    assert refused(api, Key("one").sign(**good()))["type"] == "invalid-key"


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"NOTIFIER_PUBLISHER_JWKS_URL": "https://id.example.com/keys"}, "_AUDIENCE beside"),
        ({"NOTIFIER_INBOX_JWKS_URL": "https://id.example.com/keys"}, "INBOX_JWT_AUDIENCE beside"),
        (
            {
                "NOTIFIER_INBOX_JWKS_URL": "https://id.example.com/keys",
                "NOTIFIER_INBOX_JWT_AUDIENCE": "inbox",
            },
            "INBOX_JWT_ISSUER and",
        ),
        ({"NOTIFIER_PUBLISHER_JWKS_URL": "id.example.com/keys"}, "https://"),
        ({"NOTIFIER_INBOX_JWKS_URL": "ftp://id.example.com/keys"}, "https://"),
        ({"NOTIFIER_INBOX_JWT_SECRET": "short"}, "32 bytes"),
    ],
)
def test_a_setting_that_would_believe_too_much_stops_the_process(
    monkeypatch: Any, variables: dict[str, str], says: str
):
    monkeypatch.setattr(env, "SETTINGS", [])
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def configured() -> tuple[Any, ...]:
        return tokens.of_end_users(), tokens.of_publishers()

    with pytest.raises(ImproperlyConfigured, match=says):
        configured()
