"""Spans by OTLP over HTTP, from a bounded queue: sending waits for no collector.

A collector that is away or slow costs spans, which ``notifier_spans_total`` counts, and nothing
else. The SDK reads the other variables of OpenTelemetry itself (``docs/tracing.md``).
"""

import logging
import os
import random
import threading
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from prometheus_client import Counter

from apps.core.processes.kind import KIND
from apps.core.request_ids import TRACEPARENT
from apps.core.tracing import TRACE, Attributes, Begun, Kind

log = logging.getLogger(__name__)

#: Spans that wait for the collector at most.
WAITING = 2_048
#: Seconds for which a process that stops waits for the collector.
PATIENCE = 2.0
#: The flag of a ``traceparent`` whose caller records.
SAMPLED = 0x01
_NANOSECONDS = 1_000_000_000
_KINDS = {kind: SpanKind[kind.upper()] for kind in Kind}

SPANS = Counter(
    "notifier_spans_total",
    "Spans of traces: exported, failed (the collector did not take them) or dropped (the queue was "
    "full; or a notification beyond the hundredth of a request or claim).",
    ["outcome"],
)


class Exporting:
    """The tracer of a process: samples requests, and exports spans from a thread of its own.

    ``endpoint``: the collector's URL, without ``/v1/traces``. ``ratio``: the share of requests to
    sample whose caller does not decide that.
    """

    def __init__(self, endpoint: str, ratio: float) -> None:
        self._ratio = ratio
        self._ids = _GivenIds()
        url = f"{endpoint.rstrip('/')}/v1/traces"
        self._processor = _BoundedProcessor(_CountingExporter(OTLPSpanExporter(endpoint=url)))
        provider = TracerProvider(
            sampler=ALWAYS_ON,  # what comes here is sampled
            resource=_resource(),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("notifier")

    def begin(self, traceparent: str = "") -> Begun | None:
        """Return where a request's span goes; ``None`` if it is not sampled.

        A caller that names its trace decides; else, or if the name is invalid, chance does.
        """
        named = TRACEPARENT.fullmatch(traceparent) if traceparent else None
        if named is not None:
            if not int(named[3], 16) & SAMPLED:
                return None
            parent = bytes.fromhex(named[1] + named[2])
            return Begun(parent[:TRACE] + os.urandom(8), parent)
        return Begun(os.urandom(TRACE + 8), None) if random.random() < self._ratio else None

    def record(
        self,
        name: str,
        begun: Begun,
        since: float,
        until: float,
        attributes: Attributes,
        *,
        kind: Kind = Kind.INTERNAL,
        links: Sequence[bytes] = (),
        error: str = "",
    ) -> None:
        """Record what was done from ``since`` until ``until`` (unix seconds).

        Never raises: nothing that is sent may fail for it.
        """
        try:
            parent = begun.parent
            self._ids.give(begun.place)
            span = self._tracer.start_span(
                name,
                _below(parent) if parent is not None else Context(),
                kind=_KINDS[kind],
                attributes=attributes,
                links=[Link(_context(place)) for place in links],
                start_time=round(since * _NANOSECONDS),
            )
            if error:
                span.set_status(Status(StatusCode.ERROR, error))
            span.end(round(max(since, until) * _NANOSECONDS))
        except Exception:
            SPANS.labels("dropped").inc()
            log.exception("a span cannot be recorded")

    def drop(self, number: int) -> None:
        """Count what is beyond ``MOST``."""
        SPANS.labels("dropped").inc(number)

    def close(self) -> None:
        """Hand over what waits, for ``PATIENCE`` seconds at most."""
        handing_over = threading.Thread(target=self._processor.shutdown, daemon=True)
        handing_over.start()
        handing_over.join(PATIENCE)


class _GivenIds(IdGenerator):
    """Ids that were given: what a span leads to may have begun before its span is recorded."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def give(self, place: bytes) -> None:
        """Give the ids of the span that this thread records next."""
        self._of_thread.place = place

    def generate_trace_id(self) -> int:
        return int.from_bytes(self._of_thread.place[:TRACE])

    def generate_span_id(self) -> int:
        return int.from_bytes(self._of_thread.place[TRACE:])


class _CountingExporter(SpanExporter):
    """An exporter that counts what another one exports.

    ``taken``: the spans that it was given so far.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.taken = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            outcome = "exported" if result is SpanExportResult.SUCCESS else "failed"
            SPANS.labels(outcome).inc(len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _BoundedProcessor(BatchSpanProcessor):
    """A processor that drops what finds its queue full, and counts it."""

    def __init__(self, exporter: _CountingExporter) -> None:
        default = self._default_max_export_batch_size()  # type: ignore[no-untyped-call]
        super().__init__(
            exporter, max_queue_size=WAITING, max_export_batch_size=min(default, WAITING)
        )
        self._exporter = exporter
        self._given = 0
        self._lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        with self._lock:
            if self._given - self._exporter.taken >= WAITING:
                SPANS.labels("dropped").inc()
                return
            self._given += 1
        super().on_end(span)


def _context(place: bytes) -> SpanContext:
    trace, span = int.from_bytes(place[:TRACE]), int.from_bytes(place[TRACE:])
    return SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(SAMPLED))


def _below(place: bytes) -> Context:
    return set_span_in_context(NonRecordingSpan(_context(place)), Context())


def _resource() -> Resource:
    """Return what this process is called; the environment's names come first."""
    own = Resource.create({"service.name": f"notifier-{KIND}", "service.namespace": "notifier"})
    return own.merge(OTELResourceDetector().detect())
