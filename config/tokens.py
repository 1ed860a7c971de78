"""The issuers, audiences and keys of the JSON Web Tokens that are accepted."""

from typing import TypedDict, TypeVar

from django.core.exceptions import ImproperlyConfigured

from config import env
from notifier.security import jwks
from notifier.security.tokens import SHORTEST_SECRET

# -- Tokens that others sign ------------------------------------------------------------------


class Trusted(TypedDict):
    """The keys of an issuer, which verify tokens. All are empty where none are accepted."""

    jwks_url: str
    issuer: str
    audience: str


class TrustedByInbox(Trusted):
    """Likewise, of end users. ``longest``: seconds between a token's times."""

    secret: str
    longest: float


T = TypeVar("T", bound=Trusted)

_JWKS = "`https://` or `file:///` URL of the key set (JWKS) that verifies"


def of_end_users() -> TrustedByInbox:
    """Return what verifies end users' inbox tokens, for ``apps.publishers.api.tokens.verifier``."""
    secret = env.text(
        "NOTIFIER_INBOX_JWT_SECRET",
        "",
        "verifies end users' tokens signed by HS256, which open their inboxes; 32 bytes or more",
    )
    if secret and len(secret.encode()) < SHORTEST_SECRET:
        raise ImproperlyConfigured(
            f"NOTIFIER_INBOX_JWT_SECRET must have at least {SHORTEST_SECRET} bytes"
        )
    found: TrustedByInbox = {
        "secret": secret,
        "jwks_url": _url(
            "NOTIFIER_INBOX_JWKS_URL",
            f"{_JWKS} end users' other tokens; needs issuer and audience beside it",
        ),
        "issuer": env.text("NOTIFIER_INBOX_JWT_ISSUER", "", "the `iss` of end users' tokens"),
        "audience": env.text(
            "NOTIFIER_INBOX_JWT_AUDIENCE", "", "in the `aud` of end users' tokens"
        ),
        "longest": env.number(
            "NOTIFIER_INBOX_JWT_MAX_SECONDS", 3600.0, "longest lifetime of an end user's token"
        ),
    }
    return _with_audience(found, "NOTIFIER_INBOX")


def of_publishers() -> Trusted:
    """Return what verifies publishers' tokens, which replace an API key, in the same form."""
    found: Trusted = {
        "jwks_url": _url(
            "NOTIFIER_PUBLISHER_JWKS_URL",
            f"{_JWKS} publishers' tokens; none if empty; needs issuer and audience beside it",
        ),
        "issuer": env.text("NOTIFIER_PUBLISHER_JWT_ISSUER", "", "the `iss` of publishers' tokens"),
        "audience": env.text(
            "NOTIFIER_PUBLISHER_JWT_AUDIENCE", "", "in the `aud` of publishers' tokens"
        ),
    }
    return _with_audience(found, "NOTIFIER_PUBLISHER")


def _with_audience(found: T, prefix: str) -> T:
    """Return ``found`` if it accepts no token that the same issuer made for another service.

    Raises ``ImproperlyConfigured`` for a key set without an issuer and an audience.
    """
    if found["jwks_url"] and not (found["issuer"] and found["audience"]):
        raise ImproperlyConfigured(
            f"{prefix}_JWKS_URL needs {prefix}_JWT_ISSUER and {prefix}_JWT_AUDIENCE beside it"
        )
    return found


def _url(name: str, meaning: str) -> str:
    url = env.text(name, "", meaning)
    if url:
        try:
            jwks.source(url)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}") from None
    return url
