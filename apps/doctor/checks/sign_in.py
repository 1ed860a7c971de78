"""A check of operators' log-in: the OpenID provider answers, as the one that is configured."""

import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

import requests
from django.conf import settings

from apps.doctor.findings import Finding, Options, Reporter
from apps.operators.signin import discovery, provider

_found = Reporter("sign-in")


def check(options: Options) -> Iterator[Finding]:
    """Ask the OpenID provider for its discovery document."""
    issuer = settings.OIDC["issuer"]
    if not issuer:
        yield _found.ok("operators log in with passwords")
        return
    try:
        document, headers = discovery.discover(issuer)
    except (requests.RequestException, ValueError) as error:
        yield _found.error(
            f"the OpenID provider {issuer} has no discovery document: {type(error).__name__}",
            "correct NOTIFIER_OIDC_ISSUER, or let this host reach it; until then an operator logs "
            "in with a password (docs/admin.md#when-the-provider-is-away)",
        )
        return
    said = document.get("issuer")
    if said != issuer:
        yield _found.error(
            f"the OpenID provider at {issuer} calls itself {said}, so nobody can log in",
            f"set NOTIFIER_OIDC_ISSUER={said}",
        )
        return
    try:
        discovery.checked(document, issuer)
    except ValueError as error:
        yield _found.error(
            f"the OpenID provider's discovery document is not accepted, so nobody can log in: "
            f"{error}",
            "have the provider offer https:// endpoints and sign with RS256 or ES256",
        )
        return
    if "S256" not in (document.get("code_challenge_methods_supported") or ["S256"]):
        yield _found.error("the OpenID provider does not accept PKCE by S256", "have it accept it")
    yield from _clock(headers)
    yield _found.ok(f"operators log in at {issuer}")


def _clock(headers: Mapping[str, str]) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return
    off = time.time() - theirs
    if abs(off) > provider.LEEWAY:
        yield _found.error(
            f"this machine's clock is {off:+.0f} s off the OpenID provider's, whose tokens seem "
            "not to be valid yet, or no longer",
            "have both ask the same time servers",
        )
