"""Verifiers of the tokens that the settings say are believed."""

from functools import cache
from typing import Any

from notifier import jwks
from notifier.jwks import KeySet
from notifier.tokens import Verifier


def verifier(options: dict[str, Any]) -> Verifier | None:
    """The process's one verifier of these options (``config/tokens.py``), since it keeps the keys
    it was given; ``None`` where the options name neither a secret nor keys."""
    if not (options.get("secret") or options["jwks_url"]):
        return None
    return _verifier(**options)


@cache
def _verifier(jwks_url: str, **options: Any) -> Verifier:
    keys = KeySet(jwks.source(jwks_url)) if jwks_url else None
    return Verifier(keys=keys, **options)
