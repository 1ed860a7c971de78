"""JWTs signed by others: publishers' and end users' tokens, verified as the settings say."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from apps.api.bearer import unauthorized
from apps.api.problems import Problem
from notifier.security import jwks
from notifier.security.jwks import KeySet
from notifier.security.tokens import ExpiredToken, InvalidToken, KeysUnavailable, Verifier


def verifier(options: Mapping[str, Any]) -> Verifier | None:
    """Return the verifier for these options (``config/tokens.py``), one per process.

    It is shared since it caches the key set. Returns ``None`` if the options name neither a secret
    nor a key set.
    """
    if not (options.get("secret") or options["jwks_url"]):
        return None
    return _verifier(**options)


@cache
def _verifier(jwks_url: str, **options: Any) -> Verifier:
    keys = KeySet(jwks.source(jwks_url)) if jwks_url else None
    return Verifier(keys=keys, **options)


def claims(by: Verifier, token: str) -> Mapping[str, Any]:
    """Verify a token and return its claims.

    Raises a 401 ``Problem`` for an invalid or expired token, and a 503 one where the key set cannot
    be fetched.
    """
    try:
        return by.verify(token)
    except ExpiredToken as error:
        raise unauthorized("expired-token", str(error)) from None
    except InvalidToken as error:
        raise unauthorized("invalid-token", str(error)) from None
    except KeysUnavailable:
        raise Problem(
            "unavailable",
            "The keys that verify tokens cannot be had now. Send the same request again in a "
            "moment.",
            headers={"Retry-After": f"{jwks.PAUSE:.0f}"},
        ) from None
