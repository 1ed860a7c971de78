"""The company's OpenID provider: how somebody is sent there, and who it says that they are.

Authorization code flow with PKCE, state and nonce, by Authlib. What is under way is kept in the
session, and used up by the first answer to it.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.django_client import DjangoIntegration, DjangoOAuth2App
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from joserfc.errors import JoseError

log = logging.getLogger(__name__)

#: Seconds for one request to the provider.
TIMEOUT = 5.0
#: Seconds for which the provider's discovery document is used.
FRESH = 300.0
#: Seconds by which the provider's clock may differ from this machine's.
LEEWAY = 60
#: What may sign an ID token. A secret that both sides know may not, nor nothing at all.
ALGORITHMS = {
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
}


class Failure(StrEnum):
    """Why a log-in by the provider failed, as the audit trail has it."""

    DENIED = "denied"
    UNREACHABLE = "unreachable"
    UNKNOWN_STATE = "unknown_state"
    UNTRUSTED = "untrusted"
    NO_ROLE = "no_role"
    INACTIVE = "inactive"


class LogInFailed(Exception):
    """The log-in failed. ``username``: of the account, where it is known."""

    def __init__(self, failure: Failure, username: str = "") -> None:
        super().__init__(failure)
        self.failure = failure
        self.username = username


@dataclass(frozen=True, slots=True)
class Person:
    """Who logged in. ``subject`` never changes at this issuer; ``name`` and ``email`` may.

    ``values``: of the claim that says their roles.
    """

    issuer: str
    subject: str
    name: str
    email: str
    values: frozenset[str]


_known: dict[str, tuple[float, Mapping[str, Any]]] = {}


def discover(issuer: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return the provider's discovery document, and the headers that it came with.

    Raises ``requests.RequestException``, or ``ValueError`` where it is none.
    """
    path = "/.well-known/openid-configuration"
    answer = requests.get(f"{issuer.rstrip('/')}{path}", timeout=TIMEOUT)
    answer.raise_for_status()
    document = answer.json()
    if not isinstance(document, dict):
        raise ValueError("the discovery document is no JSON object")
    return document, answer.headers


def send(request: HttpRequest, redirect_uri: str, onward: str) -> HttpResponse:
    """Send the browser to the provider. ``onward``: the path to go to after the log-in.

    Raises ``LogInFailed``.
    """
    app = _app()
    try:
        begun = app.create_authorization_url(redirect_uri)
        app.save_authorize_data(request, redirect_uri=redirect_uri, onward=onward, **begun)
    except (RuntimeError, ValueError) as error:
        raise _untrusted(error) from None
    answer = HttpResponse(status=302)
    answer.headers["Location"] = begun["url"]
    return answer


def receive(request: HttpRequest) -> tuple[Person, str]:
    """Return who came back from the provider, and the path to go to.

    Raises ``LogInFailed``.
    """
    app = _app()
    state = request.GET.get("state", "")
    begun = app.framework.get_state_data(request.session, state)
    if begun is None:
        raise LogInFailed(Failure.UNKNOWN_STATE)
    if "error" in request.GET:
        app.framework.clear_state_data(request.session, state)
        log.warning("the OpenID provider refused a log-in: %r", request.GET["error"][:100])
        raise LogInFailed(Failure.DENIED)
    try:
        return _person(app, request), begun["onward"]
    except requests.RequestException as error:
        raise _unreachable(error) from None
    except (OAuthError, JoseError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise _untrusted(error) from None


def _app() -> Any:
    """Return Authlib's client of the provider. Raises ``LogInFailed``."""
    issuer = settings.OIDC["issuer"]
    read_at, document = _known.get(issuer, (0.0, {}))
    if not document or time.monotonic() - read_at > FRESH:
        try:
            document, _ = discover(issuer)
        except requests.RequestException as error:
            raise _unreachable(error) from None
        except ValueError as error:
            raise _untrusted(error) from None
        if document.get("issuer") != issuer:
            raise _untrusted(ValueError(f"its issuer is {document.get('issuer')!r}"))
        _known[issuer] = time.monotonic(), document
    signed_by = set(document.get("id_token_signing_alg_values_supported") or ["RS256"])
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    options: dict[str, Any] = {
        "scope": " ".join(settings.OIDC["scopes"]),
        "code_challenge_method": "S256",
        "default_timeout": TIMEOUT,
    }
    if settings.OIDC["client_secret"] and "client_secret_basic" not in methods:
        options["token_endpoint_auth_method"] = "client_secret_post"
    allowed = {"id_token_signing_alg_values_supported": sorted(signed_by & ALGORITHMS)}
    return DjangoOAuth2App(
        DjangoIntegration("oidc"),
        client_id=settings.OIDC["client_id"],
        client_secret=settings.OIDC["client_secret"] or None,
        client_kwargs=options,
        **{**document, **allowed},
    )


def _person(app: Any, request: HttpRequest) -> Person:
    # Authlib would take a token for another audience that names us as its authorized party.
    expected = {
        "iss": {"essential": True, "value": settings.OIDC["issuer"]},
        "aud": {"essential": True, "value": settings.OIDC["client_id"]},
    }
    token = app.authorize_access_token(request, claims_options=expected, leeway=LEEWAY)
    claims = dict(token["userinfo"])
    wanted = {settings.OIDC["claim"], settings.OIDC["claim"].partition(".")[0]}
    if not wanted & claims.keys() and "userinfo_endpoint" in app.server_metadata:
        more = dict(app.userinfo(token=token))
        if more["sub"] != claims["sub"]:
            raise ValueError("the user info is another person's")
        claims = more | claims
    is_verified = claims.get("email_verified", True) in (True, "true")  # Cognito writes a text
    verified = claims.get("email") if is_verified else None
    return Person(
        settings.OIDC["issuer"],
        str(claims["sub"]),
        str(claims.get("preferred_username") or verified or claims["sub"]),
        str(verified or ""),
        _values(claims, settings.OIDC["claim"]),
    )


def _values(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """Return a claim's values; a name with dots may be one within another."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return frozenset([found])
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def _unreachable(error: Exception) -> LogInFailed:
    log.warning("the OpenID provider cannot be asked: %s", type(error).__name__)
    return LogInFailed(Failure.UNREACHABLE)


def _untrusted(error: Exception) -> LogInFailed:
    log.warning("the OpenID provider's answer is not accepted: %s: %s", type(error).__name__, error)
    return LogInFailed(Failure.UNTRUSTED)
