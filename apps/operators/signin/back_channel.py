"""Log-outs that the OpenID provider orders: OpenID Connect Back-Channel Logout 1.0.

Anybody can send a token, so it is checked in the order of cost: what it says (``read``), which asks
nobody, and then its signature (``LogOut.verify``), with the provider's keys.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from joserfc import jws, jwt

from apps.core import clock
from apps.operators.signin import provider
from apps.operators.signin.models import UsedLogOut
from apps.operators.signin.provider import LEEWAY, LogInFailed

log = logging.getLogger(__name__)

#: The name under which a token's ``events`` has the log-out.
EVENT = "http://schemas.openid.net/event/backchannel-logout"
#: Characters of a token: signature and claims, with room for claims of the provider's own.
LONGEST = 16_384
#: Most characters of the reason why a token is refused.
LONGEST_REASON = 200
#: Seconds in which a token has to expire: for so long it is remembered.
LASTS = 86_400


class Refused(Exception):
    """The token ends no session, for the reason that the message has."""


class Unverified(Exception):
    """Nobody can tell now whether the provider has signed the token: its keys cannot be read."""


@dataclass(frozen=True, slots=True)
class LogOut:
    """Sessions that are over: of a person (``subject``), in a ``session`` at the provider, or both.

    ``digest`` stands for the token's id at its issuer, which is used once until ``until``.
    """

    subject: str
    session: str
    digest: str
    until: datetime
    signed: jws.CompactSignature

    def verify(self) -> None:
        """Check the signature with the provider's keys. Raises ``Refused`` or ``Unverified``."""
        try:
            is_signed = provider.is_signed(self.signed)
        except LogInFailed:
            raise Unverified("the provider's keys cannot be read now") from None
        except provider.ODD as error:
            raise _refused(f"its signature is not accepted: {error}") from None
        if not is_signed:
            raise _refused("its signature is wrong")

    def use(self) -> None:
        """Note in the caller's transaction that the token was used. Raises ``Refused``."""
        _, is_new = UsedLogOut.objects.get_or_create(
            digest=self.digest, defaults={"until": self.until}
        )
        if not is_new:
            raise _refused("it was used already")


def read(token: str) -> LogOut:
    """Return what a token says, whose signature is still to be verified. Raises ``Refused``."""
    if not token:
        raise _refused("logout_token is missing")
    if len(token) > LONGEST:
        raise _refused("it is too long")
    try:
        signed = jws.extract_compact(token.encode())
        claims = json.loads(signed.payload)
    except provider.ODD as error:
        raise _refused(f"it is no signed JWT: {error}") from None
    if not isinstance(claims, dict):
        raise _refused("its claims are no JSON object")
    try:
        return _of_claims(claims, signed)
    except provider.ODD as error:
        raise _refused(str(error)) from None


def _of_claims(claims: dict[str, Any], signed: jws.CompactSignature) -> LogOut:
    now = clock.now()
    essential: jwt.ClaimsOption = {"essential": True}
    jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=LEEWAY,
        iss={"essential": True, "value": settings.OIDC["issuer"]},
        aud={"essential": True, "value": settings.OIDC["client_id"]},
        iat=essential,
        exp=essential,
        jti=essential,
        events=essential,
    ).validate(claims)
    if claims["exp"] > now + LASTS:
        raise ValueError("it expires too late")
    events = claims["events"]
    if not (isinstance(events, Mapping) and isinstance(events.get(EVENT), Mapping)):
        raise ValueError(f"its events have no {EVENT}")
    if "nonce" in claims:
        raise ValueError("it has a nonce, as ID tokens do")
    subject, session = (provider.short_text(claims, name) for name in ("sub", "sid"))
    if not (subject or session):
        raise ValueError("it has neither sub nor sid")
    used = f"{settings.OIDC['issuer']}\n{claims['jti']}"
    return LogOut(
        subject,
        session,
        hashlib.sha256(used.encode()).hexdigest(),
        datetime.fromtimestamp(claims["exp"] + LEEWAY, UTC),
        signed,
    )


def _refused(why: str) -> Refused:
    why = why[:LONGEST_REASON]  # it may quote the token
    log.warning("a log-out of the OpenID provider is refused: %r", why)
    return Refused(why)
