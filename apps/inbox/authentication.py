"""Authentication of end users by ``Authorization: Bearer <JWT>``."""

from dataclasses import dataclass
from typing import NamedTuple, cast

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.api.bearer import bearer, unauthorized
from apps.api.problems import Problem
from apps.preferences.models import Recipient
from apps.preferences.selectors import find_recipient
from apps.publishers.api import tokens
from notifier.domain.ids import user_ids


@dataclass(frozen=True, slots=True)
class EndUser:
    """``request.user``: the person whose token it is, who may not be a recipient yet.

    ``token_expires_at``: unix seconds.
    """

    user_id: str
    token_expires_at: float

    @property
    def is_authenticated(self) -> bool:
        return True


class Verified(NamedTuple):
    """The owner of a valid token, and when it expires (unix seconds)."""

    user_id: str
    expires_at: float


def verified(authorization: str) -> Verified:
    """Verify the ``Authorization`` header of a person.

    Raises a 401 ``Problem``, or a 503 one where the keys that verify cannot be had.
    """
    token = bearer(authorization)
    if token is None:
        raise unauthorized("missing-token", "Send the end user's token as Authorization: Bearer ….")
    verifier = tokens.verifier(settings.INBOX_TOKENS)
    if verifier is None:
        raise unauthorized(
            "invalid-token",
            "No inbox is open here. Set NOTIFIER_INBOX_JWT_SECRET or NOTIFIER_INBOX_JWKS_URL.",
        )
    claims = tokens.claims(verifier, token)
    subject = claims.get("sub")
    try:
        user_id = user_ids.check(subject if isinstance(subject, str) else "")
    except ValueError as error:
        raise unauthorized("invalid-token", f"The token's sub: {error}") from None
    return Verified(user_id, float(claims["exp"]))


class EndUserAuthentication(BaseAuthentication):
    """Authentication by a token that the company issues to a person; ``sub`` is the ``user_id``."""

    def authenticate(self, request: Request) -> tuple[EndUser, None]:
        return EndUser(*verified(request.META.get("HTTP_AUTHORIZATION", ""))), None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def end_user(request: Request) -> EndUser:
    """Return the person who made an authenticated request."""
    return cast(EndUser, request.user)


def registered(request: Request) -> Recipient:
    """Return the person as a recipient. Raises a 404 ``Problem`` while nobody registered them."""
    person = find_recipient(end_user(request).user_id)
    if person is None:
        raise Problem("not-found", "Nobody has registered you yet: nothing is sent to you.")
    return person
