"""Tokens that others sign, as the settings say whom to believe."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from apps.api.bearer import refused
from apps.api.problems import Problem
from notifier.security import jwks
from notifier.security.jwks import KeySet
from notifier.security.tokens import ExpiredToken, InvalidToken, KeysUnavailable, Verifier


def verifier(options: Mapping[str, Any]) -> Verifier | None:
    """The process's one verifier of these options (``config/tokens.py``), since it keeps the keys
    it was given; ``None`` where the options name neither a secret nor keys."""
    if not (options.get("secret") or options["jwks_url"]):
        return None
    return _verifier(**options)


@cache
def _verifier(jwks_url: str, **options: Any) -> Verifier:
    keys = KeySet(jwks.source(jwks_url)) if jwks_url else None
    return Verifier(keys=keys, **options)


def claims(by: Verifier, token: str) -> Mapping[str, Any]:
    """The claims of a token that is to be believed; a 401 or 503 ``Problem`` says why it is not."""
    try:
        return by.verify(token)
    except ExpiredToken as error:
        raise refused("expired-token", str(error)) from None
    except InvalidToken as error:
        raise refused("invalid-token", str(error)) from None
    except KeysUnavailable:
        raise Problem(
            "unavailable",
            "The keys that verify tokens cannot be had now. Send the same request again in a "
            "moment.",
            headers={"Retry-After": f"{jwks.PAUSE:.0f}"},
        ) from None
