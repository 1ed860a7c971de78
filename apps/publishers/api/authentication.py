"""Who is asking: ``Authorization: Bearer ntf_<prefix>_<secret>``, or a publisher's token there."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.api.bearer import read_bearer, refused
from apps.api.problems import Problem
from apps.core import clock
from apps.publishers import keys, selectors, usage
from apps.publishers.api import tokens
from apps.publishers.scopes import Scope
from apps.publishers.selectors import KeySnapshot, PublisherSnapshot
from notifier.security.tokens import Verifier

#: What a publisher may be called (a slug).
_NAME = re.compile(r"[-\w]{1,100}", re.ASCII)


class PublisherAuthentication(BaseAuthentication):
    """``request.user`` becomes a ``PublisherSnapshot``, ``request.auth`` a ``KeySnapshot``.

    A token of the company's own identity provider (OAuth 2 client credentials) stands in for a
    key where the settings name its key set; its ``prefix`` is ``jwt:`` and the publisher's name,
    the same for every token, so that limits and the audit trail know who it is.
    """

    def authenticate(self, request: Request) -> tuple[PublisherSnapshot, KeySnapshot]:
        text = read_bearer(request)
        if text is None:
            raise refused("missing-key", "Send your API key as Authorization: Bearer ntf_….")
        verifier = tokens.verifier(settings.PUBLISHER_TOKENS)
        if verifier is not None and text and not text.startswith("ntf_"):
            return _by_token(verifier, text)
        return _by_key(text)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _by_key(text: str) -> tuple[PublisherSnapshot, KeySnapshot]:
    parts = keys.split(text)
    if parts is None:
        raise refused("invalid-key", "Send the key as it was printed: Authorization: Bearer ntf_….")
    prefix, secret = parts
    key = selectors.get_key(prefix)
    if key is None or not keys.matches(secret, key.digest):
        raise refused("invalid-key", "There is no such key. Check it, or have one made.")
    if key.revoked_at is not None:
        raise refused("revoked-key", f"The key {prefix} was revoked. Use another.")
    if key.expires_at is not None and key.expires_at <= clock.now():
        raise refused("expired-key", f"The key {prefix} has expired. Use another.")
    publisher = _active(selectors.get_publisher(key.publisher_id))
    usage.note(prefix)
    return publisher, key


def _by_token(verifier: Verifier, token: str) -> tuple[PublisherSnapshot, KeySnapshot]:
    claims = tokens.claims(verifier, token)
    name = next((claims[c] for c in settings.PUBLISHER_JWT_CLAIMS if claims.get(c)), None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        wanted = " or ".join(settings.PUBLISHER_JWT_CLAIMS)
        raise refused("invalid-token", f"The token's {wanted} must be a publisher's name.")
    publisher = selectors.get_publisher_named(name)
    if publisher is None:
        raise refused(
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
        raise Problem("inactive-publisher", "This publisher was switched off. Ask the operators.")
    return publisher


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Those of ``scope`` (RFC 8693, 4.2: with spaces between) or ``scp`` (some write a list) that
    there are; an identity provider's own are none of ours."""
    found = claims.get("scope", claims.get("scp", ""))
    words = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(scope for scope in Scope if scope in words)
