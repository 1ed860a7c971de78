"""A service that answers a client's requests by a script, on a real socket."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from stack.supervision.process import PATIENCE

#: Steps in place of an answer: close the connection, or say nothing.
HANG_UP, SILENCE = "hang up", "silence"
#: Begin an answer, and go on with a byte now and then: of a header, or of the body.
DRIPPING_HEADER, DRIPPING_BODY = "dripping header", "dripping body"
_BEGUN = {
    DRIPPING_HEADER: b"HTTP/1.1 200 OK\r\nx: ",
    DRIPPING_BODY: b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
}


@dataclass
class Script:
    """The ``steps`` to answer in turn, the last one for ever.

    A step is ``(status, body)`` or one of the words above. ``seen`` has the request line, the
    headers and the body of each request.
    """

    steps: list[Any]
    seen: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    url: str = ""

    def keys(self) -> list[str]:
        return [headers.get("idempotency-key", "") for _, headers, _ in self.seen]


@contextmanager
def serving(*steps: Any) -> Iterator[Script]:
    """A server that answers these steps at ``url``."""
    script = Script(list(steps))
    closing = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode().strip()
            if not line:
                return
            headers = {}
            while header := self.rfile.readline().decode().strip():
                name, _, value = header.partition(": ")
                headers[name.lower()] = value
            body = self.rfile.read(int(headers.get("content-length", 0)))
            step = script.steps[min(len(script.seen), len(script.steps) - 1)]
            script.seen.append((line, headers, json.loads(body) if body else None))
            if step == SILENCE:
                closing.wait(PATIENCE)
            elif step in (DRIPPING_HEADER, DRIPPING_BODY):
                with suppress(OSError):  # the client has left
                    self.wfile.write(_BEGUN[step])
                    while not closing.wait(0.02):
                        self.wfile.write(b"x")
            elif step != HANG_UP:
                self.wfile.write(_answer(*step))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        script.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield script
        finally:
            closing.set()
            server.shutdown()
            thread.join()


def _answer(status: int, body: Any = None, retry_after: str = "") -> bytes:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(raw)}", "connection: close"]
    if retry_after:
        lines.append(f"retry-after: {retry_after}")
    return "\r\n".join([*lines, "", ""]).encode() + raw


def problem(status: int, name: str, **members: Any) -> tuple[int, dict[str, Any]]:
    """A step that answers a problem of this type."""
    return status, {"type": f"/problems/{name}", "detail": "Do this.", **members}
