"""Authentication by ``Authorization: Bearer ntf_<prefix>_<secret>``, or by a publisher's token."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.api.bearer import read_bearer, unauthorized
from apps.api.problems import Problem
from apps.api.request_ids import follow_caller
from apps.core import clock
from apps.publishers import keys, selectors, usage
from apps.publishers.api import tokens
from apps.publishers.scopes import Scope
from apps.publishers.selectors import KeySnapshot, PublisherSnapshot
from notifier.security.tokens import Verifier

#: A publisher's name, which is a slug.
_NAME = re.compile(r"[-\w]{1,100}", re.ASCII)


class PublisherAuthentication(BaseAuthentication):
    """Set ``request.user`` to a ``PublisherSnapshot`` and ``request.auth`` to a ``KeySnapshot``.

    A token of the company's identity provider (OAuth 2 client credentials) replaces a key if the
    settings name the provider's key set. Its ``prefix`` is ``jwt:`` and the publisher's name, the
    same for every token, so that limits and the audit trail can tell who it is.
    """

    def authenticate(self, request: Request) -> tuple[PublisherSnapshot, KeySnapshot]:
        text = read_bearer(request)
        if text is None:
            raise unauthorized("missing-key", "Send your API key as Authorization: Bearer ntf_….")
        verifier = tokens.verifier(settings.PUBLISHER_TOKENS)
        if verifier is not None and text and not text.startswith("ntf_"):
            found = _by_token(verifier, text)
        else:
            found = _by_key(text)
        follow_caller(request.META.get("HTTP_TRACEPARENT", ""))
        return found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _by_key(text: str) -> tuple[PublisherSnapshot, KeySnapshot]:
    parts = keys.split(text)
    if parts is None:
        raise unauthorized(
            "invalid-key", "Send the key as it was printed: Authorization: Bearer ntf_…."
        )
    prefix, secret = parts
    key = selectors.get_key(prefix)
    if key is None or not keys.matches(secret, key.digest):
        raise unauthorized("invalid-key", "There is no such key. Check it, or create another.")
    if key.revoked_at is not None:
        raise unauthorized("revoked-key", f"The key {prefix} was revoked. Use another.")
    if key.expires_at is not None and key.expires_at <= clock.now():
        raise unauthorized("expired-key", f"The key {prefix} has expired. Use another.")
    publisher = _active(selectors.get_publisher(key.publisher_id))
    usage.note(prefix)
    return publisher, key


def _by_token(verifier: Verifier, token: str) -> tuple[PublisherSnapshot, KeySnapshot]:
    claims = tokens.claims(verifier, token)
    name = next((claims[c] for c in settings.PUBLISHER_JWT_CLAIMS if claims.get(c)), None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        wanted = " or ".join(settings.PUBLISHER_JWT_CLAIMS)
        raise unauthorized("invalid-token", f"The token's {wanted} must be a publisher's name.")
    publisher = selectors.get_publisher_named(name)
    if publisher is None:
        raise unauthorized(
            "invalid-token", f"There is no publisher {name}. `manage.py create_publisher` makes it."
        )
    _active(publisher)
    return publisher, KeySnapshot(
        prefix=f"{selectors.TOKEN}{name}",
        publisher_id=publisher.id,
        digest="",
        scopes=_scopes(claims),
        expires_at=float(claims["exp"]),
        revoked_at=None,
    )


def _active(publisher: PublisherSnapshot | None) -> PublisherSnapshot:
    if publisher is None or not publisher.is_active:
        raise Problem("inactive-publisher", "This publisher was disabled. Ask the operators.")
    return publisher


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes of a token that exist here; others are the identity provider's own.

    They are in ``scope``, separated by spaces (RFC 8693, section 4.2), or in ``scp``, which some
    providers write as a list.
    """
    found = claims.get("scope", claims.get("scp", ""))
    words = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(scope for scope in Scope if scope in words)
