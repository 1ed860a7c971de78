"""A collector in small: it takes spans by OTLP over HTTP, as the protocol's own messages have them.

``collector`` is a fixture: a ``conftest.py`` imports it by name.
"""

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

from apps.core import tracing
from tests.support.waiting import until


@dataclass
class Span:
    """A span that came; ids in hexadecimal, times in unix seconds."""

    name: str
    trace: str
    id: str
    parent: str
    kind: str
    since: float
    until: float
    failed: bool
    attributes: dict[str, Any]
    links: list[str]
    service: str


@dataclass
class Collector:
    """A running collector. ``status``: of its answers."""

    status: int = 200
    spans: list[Span] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                assert self.headers["Content-Type"] == "application/x-protobuf"
                if collector.status == 200:
                    collector.take(body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it, if it was not ended before."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        self.raw.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _values(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [_span(one, service) for one in scope.spans]

    def of(self, trace: str) -> list[Span]:
        """The spans of a trace that came so far."""
        return [span for span in list(self.spans) if span.trace == trace]

    def wait_for(self, trace: str, *names: str) -> list[Span]:
        """Wait until a trace has spans of these names, each as often as it is named; return it."""

        def complete() -> list[Span]:
            found = self.of(trace)
            had = [span.name for span in found]
            return found if all(had.count(name) >= names.count(name) for name in names) else []

        return until(complete)


def _span(one: WireSpan, service: str) -> Span:
    return Span(
        one.name,
        one.trace_id.hex(),
        one.span_id.hex(),
        one.parent_span_id.hex(),
        WireSpan.SpanKind.Name(one.kind).removeprefix("SPAN_KIND_").lower(),
        one.start_time_unix_nano / 1e9,
        one.end_time_unix_nano / 1e9,
        one.status.code == one.status.STATUS_CODE_ERROR,
        _values(one.attributes),
        [link.trace_id.hex() for link in one.links],
        service,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture
def collector(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector of this process's spans, which samples what callers do not decide."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    one = Collector()
    settings.TRACES_ENDPOINT, settings.TRACES_RATIO = one.url, 1.0
    tracing.start()
    yield one
    tracing.stop()
    one.close()
