"""One-time passwords by time (RFC 6238) as authenticator apps make them: SHA-1, six digits.

Pure functions. The libraries that do this say whether a code is right and not which of the steps
it is of, by which it is known when it comes again; the rest is these ten lines.
"""

import base64
import hmac
from urllib.parse import quote, urlencode

#: Seconds for which an app shows a code.
STEP = 30
DIGITS = 6
#: As RFC 4226 recommends: the length of the hash.
SECRET_BYTES = 20
#: Steps before and after the present one whose codes are accepted: clocks differ, people are slow.
DRIFT = 1


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a step: a number of ``STEP`` seconds since 1970."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: bytes, code: str, now: float, *, after: int) -> int | None:
    """Return the step whose code this is, if it is accepted at ``now``, else ``None``.

    ``after``: the last step of which a code was used; neither it nor an earlier one is accepted.
    """
    present = int(now // STEP)
    for step in range(max(present - DRIFT, after + 1), present + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


def text_of(secret: bytes) -> str:
    """Return a secret as people type it into an app: base32, in groups of four."""
    encoded = base64.b32encode(secret).decode()
    return " ".join(encoded[at : at + 4] for at in range(0, len(encoded), 4))


def uri(secret: bytes, account: str, issuer: str) -> str:
    """Return the ``otpauth:`` URI that an app reads from a QR code."""
    encoded = base64.b32encode(secret).decode()
    return f"otpauth://totp/{quote(f'{issuer}:{account}')}?" + urlencode(
        {"secret": encoded, "issuer": issuer}, quote_via=quote
    )
