"""The company's OpenID provider: how somebody is sent there, and who it says that they are.

Authorization code flow with PKCE, state and nonce, by Authlib. What is under way is kept in the
session, and used up by the first answer to it.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.django_client import DjangoIntegration, DjangoOAuth2App
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from joserfc import jws
from joserfc.errors import JoseError

from apps.core import clock
from apps.operators.signin import discovery
from apps.operators.signin.discovery import METHODS

log = logging.getLogger(__name__)

_documents = discovery.Documents()
_keys = discovery.Keys()
#: Seconds by which the provider's clock may differ from this machine's.
LEEWAY = 60
#: Most log-ins that may be under way in one session, and seconds that each may take.
MOST, LASTS = 5, 3600.0
#: Characters of a subject, as OpenID Connect limits them.
LONGEST_SUBJECT = 255
#: Key within a session: the log-ins that are under way, by state.
_STATES = "oidc"
#: Exceptions that odd answers of a provider raise in the libraries.
ODD = (
    *(OAuthError, JoseError, RuntimeError, ValueError),
    *(KeyError, TypeError, AttributeError),
)


class Failure(StrEnum):
    """The reason of a failed log-in by the provider, as the audit trail has it."""

    DENIED = "denied"
    UNREACHABLE = "unreachable"
    UNKNOWN_STATE = "unknown_state"
    UNTRUSTED = "untrusted"
    NO_ROLE = "no_role"
    INACTIVE = "inactive"


class LogInFailed(Exception):
    """The log-in failed. ``user``: whose it was, where that is known."""

    def __init__(self, failure: Failure, user: User | None = None) -> None:
        super().__init__(failure)
        self.failure = failure
        self.user = user


@dataclass(frozen=True, slots=True)
class Person:
    """A person who logged in. ``subject`` never changes at this issuer; ``name`` and ``email`` may.

    ``values``: of the claim that says their roles. ``session``: the provider's
    name of theirs, or "".
    """

    issuer: str
    subject: str
    name: str
    email: str
    values: frozenset[str]
    session: str


class _States(DjangoIntegration):  # type: ignore[misc]  # Authlib has no types
    """A log-in under way, kept in the session."""

    def get_state_data(self, session: Any, state: str) -> Any:
        found = _under_way(session).get(state)
        return None if found is None else found["data"]

    def set_state_data(self, session: Any, state: str, data: Any) -> None:
        kept = list(_under_way(session).items())[1 - MOST :]
        session[_STATES] = dict([*kept, (state, {"began": clock.now(), "data": data})])

    def clear_state_data(self, session: Any, state: str) -> None:
        session[_STATES] = {one: kept for one, kept in _under_way(session).items() if one != state}


_states = _States("oidc")


def _under_way(session: Any) -> dict[str, Any]:
    """Return the log-ins that are not too old, in the order in which they began."""
    since = clock.now() - LASTS
    states = session.get(_STATES, {})
    return {
        state: states[state]
        for state in sorted(states, key=lambda one: states[one]["began"])
        if states[state]["began"] > since
    }


def is_under_way(request: HttpRequest) -> bool:
    """Return whether this is an answer to a log-in that was begun in this session."""
    return request.GET.get("state", "") in _under_way(request.session)


def send(request: HttpRequest, redirect_uri: str, onward: str) -> HttpResponse:
    """Send the browser to the provider. ``onward``: the path to go to after the log-in.

    Raises ``LogInFailed``.
    """
    app = _app()
    try:
        begun = app.create_authorization_url(redirect_uri)
        app.save_authorize_data(request, redirect_uri=redirect_uri, onward=onward, **begun)
    except ODD as error:
        raise _untrusted(error) from None
    answer = HttpResponse(status=302)
    answer.headers["Location"] = begun["url"]
    return answer


def receive(request: HttpRequest) -> tuple[Person, str]:
    """Return who came back from the provider, and the path to go to. The state is used up.

    Raises ``LogInFailed``.
    """
    state = request.GET.get("state", "")
    begun = _states.get_state_data(request.session, state)
    if begun is None:
        raise LogInFailed(Failure.UNKNOWN_STATE)
    if "error" in request.GET:
        _states.clear_state_data(request.session, state)
        log.warning("the OpenID provider refused a log-in: %r", request.GET["error"][:100])
        raise LogInFailed(Failure.DENIED)
    try:
        return _person(_app(), request), begun["onward"]
    except requests.RequestException as error:
        raise _unreachable(error) from None
    except ODD as error:
        raise _untrusted(error) from None


def _app() -> Any:
    """Return Authlib's client of the provider. Raises ``LogInFailed``."""
    try:
        document = _documents.get(settings.OIDC["issuer"])
    except discovery.Unreachable:
        raise LogInFailed(Failure.UNREACHABLE) from None
    except ValueError:
        raise LogInFailed(Failure.UNTRUSTED) from None
    options: dict[str, Any] = {
        "scope": " ".join(settings.OIDC["scopes"]),
        "code_challenge_method": "S256",
        "default_timeout": discovery.TIMEOUT,
    }
    if settings.OIDC["client_secret"] and "client_secret_basic" not in document[METHODS]:
        options["token_endpoint_auth_method"] = "client_secret_post"
    return DjangoOAuth2App(
        _states,
        client_id=settings.OIDC["client_id"],
        client_secret=settings.OIDC["client_secret"] or None,
        client_kwargs=options,
        **document,
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
    subject = short_text(claims, "sub")
    if not subject:
        raise ValueError("its sub is empty")
    is_verified = claims.get("email_verified") in (True, "true")  # Cognito writes a text
    verified = claims.get("email") if is_verified else None
    return Person(
        settings.OIDC["issuer"],
        subject,
        str(claims.get("preferred_username") or verified or subject),
        str(verified or ""),
        _values(claims, settings.OIDC["claim"]),
        short_text(claims, "sid"),
    )


def short_text(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that names a person or a session, "" where there is none.

    Raises ``ValueError`` where it is no such name.
    """
    found = claims.get(name, "")
    if not (isinstance(found, str) and len(found) <= LONGEST_SUBJECT and found.isprintable()):
        raise ValueError(f"its {name} is too long, has control characters or is no text")
    return found


def is_signed(token: jws.CompactSignature) -> bool:
    """Return whether the provider has signed a token, with a key that it publishes now.

    Raises ``LogInFailed`` where its keys cannot be read, or one of ``ODD``.
    """
    app = _app()
    key_id = token.headers().get("kid")
    try:
        keys = _keys.get(app.server_metadata["jwks_uri"], key_id, app.fetch_jwk_set)
    except (requests.RequestException, discovery.Unreachable) as error:
        raise _unreachable(error) from None
    except ODD as error:
        raise _untrusted(error) from None
    accepted = jws.JWSRegistry(
        algorithms=app.server_metadata[discovery.SIGNED_BY], strict_check_header=False
    )
    return jws.validate_compact(token, keys, registry=accepted)


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
