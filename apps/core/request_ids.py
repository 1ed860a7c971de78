"""The ids of the request that is being answered: its log lines and its answer name them."""

import logging
import random
import re
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import NamedTuple

#: The header of both: a proxy or a client may name its request, and finds the name in the answer.
HEADER = "X-Request-ID"
#: Accepted values of ``X-Request-ID``. No address has this form, and it breaks no line of a log.
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,128}")
#: A ``traceparent`` (W3C Trace Context): version, trace, span, flags; later versions than 00 may
#: have more behind them.
TRACEPARENT = re.compile(
    r"(?!ff|00.{54})[0-9a-f]{2}"
    r"-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)

#: Has a line for each answer, where ``NOTIFIER_ACCESS_LOG`` is set.
access = logging.getLogger("notifier.access")


class RequestIds(NamedTuple):
    """The id of a request, and that of the trace it belongs to, empty without one."""

    request_id: str
    trace_id: str


#: The ids of the request that this thread or task answers; ``None`` outside a request.
current: ContextVar[RequestIds | None] = ContextVar("request_ids", default=None)


def read(request_id: str, traceparent: str) -> RequestIds:
    """Return the ids that a request's headers name; its own is made where none is well formed."""
    if not request_id or not WELL_FORMED.fullmatch(request_id):
        # Not os.urandom: it would let the other threads run first, at every request.
        request_id = f"{random.getrandbits(128):032x}"
    return RequestIds(request_id, trace_of(traceparent) if traceparent else "")


def trace_of(traceparent: str) -> str:
    """Return the id of the trace that a ``traceparent`` names; empty if it is not well formed."""
    traced = TRACEPARENT.fullmatch(traceparent)
    return traced[1] if traced else ""


def log_answer(
    method: str, route: str, status: int, since: float, about: Mapping[str, object] | None = None
) -> None:
    """Write the line of an answer into the log ``access``.

    ``since``: when the request began, by ``time.monotonic``. ``about``: more fields of the line.
    """
    milliseconds = round((time.monotonic() - since) * 1000)
    fields = {"method": method, "route": route, "status": status, "duration_ms": milliseconds}
    access.info(
        "%s %s: %d in %d ms", method, route, status, milliseconds, extra={**(about or {}), **fields}
    )
