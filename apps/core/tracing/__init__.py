"""Traces: what a request and all that it led to did, as spans for an OTLP collector.

In: the ``traceparent`` of a request (W3C Trace Context), and what was done from when to when. Out:
spans, which ``exporting`` hands over in batches. Imported by whoever does something that a span
tells of.

``tracer`` is ``None`` where the settings name no collector, and what is not sampled has no place:
the hot path asks ``is None`` and nothing else. The SDK's tracer is imported by ``start`` alone.

A *place* is 24 bytes, the id of a trace and that of a span in it. The row of a sampled notification
keeps the place under which everything that becomes of it belongs.
"""

import logging
import os
import time
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from django.conf import settings

if TYPE_CHECKING:
    from apps.core.tracing.exporting import Exporting

log = logging.getLogger(__name__)
K = TypeVar("K")

#: Most notifications of one request, claim or poll that have spans; the queue has room for others.
MOST = 100
#: Bytes of a trace's id, the first ones of a place.
TRACE = 16
#: Values of a span's attributes. None of them may say who somebody is or what they were told.
Attributes = Mapping[str, str | int | bool]


class Kind(StrEnum):
    """The kind of a span, as OpenTelemetry names it."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Begun(NamedTuple):
    """The place of a span that begins, and its parent's; ``None`` at the beginning of a trace."""

    place: bytes
    parent: bytes | None


#: Records spans; ``None`` while traces are off.
tracer: "Exporting | None" = None
#: The span of the request that this thread or task answers, if that is sampled.
current: ContextVar[Begun | None] = ContextVar("trace", default=None)


def start() -> None:
    """Record from now on, if the settings name a collector. Call it in the process that records.

    Never raises: a variable that the SDK does not take costs the traces, not the process.
    """
    global tracer
    if not settings.TRACES_ENDPOINT or tracer is not None:
        return
    try:
        from apps.core.tracing import exporting

        tracer = exporting.Exporting(settings.TRACES_ENDPOINT, settings.TRACES_RATIO)
    except Exception:
        log.exception(
            "this process records no traces: correct or remove its variables OTEL_… (the error "
            "says which one is wrong), and start it again"
        )


def stop() -> None:
    """Hand over what waits, and record nothing more."""
    global tracer
    stopping, tracer = tracer, None
    if stopping is not None:
        stopping.close()


def now() -> float:
    """Return the time of spans in unix seconds: this machine's, as every tracer's."""
    return time.time()


def within(place: bytes) -> Begun:
    """Return where a span goes that has the one at ``place`` as its parent."""
    return Begun(place[:TRACE] + os.urandom(8), place)


def within_request() -> Begun | None:
    """Return where a span of the request at hand goes; ``None`` if that is not sampled."""
    request = current.get()
    return None if request is None else within(request.place)


def first(keys: Collection[K]) -> list[K]:
    """Return ``MOST`` of these, which become spans, and count the others as dropped."""
    if tracer is not None and len(keys) > MOST:
        tracer.drop(len(keys) - MOST)
    return list(islice(keys, MOST))


def header(place: bytes) -> str:
    """Return the ``traceparent`` that names a place."""
    return f"00-{place[:TRACE].hex()}-{place[TRACE:].hex()}-01"


def trace_id(place: bytes) -> str:
    """Return the trace's id as logs have it."""
    return place[:TRACE].hex()
