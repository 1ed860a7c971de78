"""HTTP/2 on one connection, by h2.

Used without a server framework because it must be cheap and able to misbehave on one stream: h2
alone answers about 7,000 requests/s on one core over TLS, Hypercorn 900.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from sandbox.protocol.exchange import (
    BODY_LIMIT,
    FEED_PAUSE,
    LONGEST_SILENCE,
    Answer,
    Delivery,
    Handler,
    Request,
)

STREAMS = 100  # as many as FCM allows on one connection
WINDOW = 1024 * 1024
#: Exceptions of h2 for an answer on a stream that the client has reset.
GIVEN_UP = (h2.exceptions.NoSuchStreamError, h2.exceptions.StreamIDTooLowError)


class Http2Connection(asyncio.Protocol):
    """A connection that answers up to ``STREAMS`` requests concurrently."""

    def __init__(self, handler: Handler, scheme: str) -> None:
        self._handler = handler
        self._scheme = scheme
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=False,
                header_encoding=None,
                # For one invalid header h2 would end the whole connection; real servers do not.
                validate_inbound_headers=False,
                normalize_inbound_headers=False,
                # Our own headers are lower case and in order.
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self._h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 64 * 1024,
            },
        )
        self._incoming: dict[int, tuple[dict[str, str], bytearray]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        #: Bytes that did not fit the window yet, and the end of the answer, by stream.
        self._outgoing: dict[int, tuple[memoryview, Delivery]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses
        self._certificate_topic = _user_id(transport.get_extra_info("peercert"))
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(WINDOW)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._h2.receive_data(data):
                self._react(event)
        except h2.exceptions.ProtocolError:
            self._flush()  # h2 has prepared the GOAWAY that says why
            self._transport.close()
            return
        self._flush()

    def leave(self) -> None:
        """Stop with a GOAWAY, by which the client knows which requests were lost."""
        try:
            self._h2.close_connection()
            self._flush()
        except h2.exceptions.ProtocolError:
            pass  # the client has disconnected already
        self._transport.abort()

    def _react(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            headers = {k.decode("latin-1"): v.decode("latin-1").strip() for k, v in event.headers}
            self._incoming[event.stream_id] = (headers, bytearray())
        elif isinstance(event, h2.events.DataReceived):
            if (incoming := self._incoming.get(event.stream_id)) is not None:
                incoming[1].extend(event.data[: BODY_LIMIT - len(incoming[1])])
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            headers, body = self._incoming.pop(event.stream_id)
            try:
                self._handle(event.stream_id, headers, bytes(body))
            except GIVEN_UP:
                self._forget(event.stream_id)  # reset in the same packet
        elif isinstance(event, h2.events.StreamReset):
            self._forget(event.stream_id)
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            for stream in list(self._outgoing):
                self._pump(stream)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self._transport.close()

    def _handle(self, stream: int, headers: dict[str, str], body: bytes) -> None:
        path, _, query = headers.get(":path", "").partition("?")
        headers["host"] = headers.get(":authority", headers.get("host", ""))
        answer = self._handler(
            Request(
                method=headers.get(":method", ""),
                path=path,
                query=query,
                headers=headers,
                body=body,
                scheme=self._scheme,
                http2=True,
                certificate_topic=self._certificate_topic,
            )
        )
        loop = asyncio.get_running_loop()
        if answer.delivery is Delivery.SILENT:
            wait = answer.delay or LONGEST_SILENCE
            self._timers[stream] = loop.call_later(wait, self._late, self._reset, stream)
        elif answer.delay:
            self._timers[stream] = loop.call_later(
                answer.delay, self._late, self._answer, stream, answer
            )
        else:
            self._answer(stream, answer)

    def _late(self, step: Callable[..., None], stream: int, *arguments: object) -> None:
        del self._timers[stream]
        step(stream, *arguments)
        self._flush()

    def _answer(self, stream: int, answer: Answer) -> None:
        if answer.delivery is Delivery.RESET:
            self._reset(stream)
            return
        headers = [(b":status", b"%d" % answer.status)]
        headers += [(k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers]
        if answer.delivery is Delivery.LIVE:
            self._h2.send_headers(stream, headers)
            self._follow(stream, answer)
            return
        headers.append((b"content-length", b"%d" % len(answer.body)))
        self._h2.send_headers(stream, headers, end_stream=not answer.body)
        if answer.delivery is Delivery.TORN:
            half = memoryview(answer.body)[: len(answer.body) // 2]
            self._outgoing[stream] = (half, Delivery.TORN)
            self._pump(stream)
        elif answer.body:
            self._outgoing[stream] = (memoryview(answer.body), Delivery.WHOLE)
            self._pump(stream)

    def _follow(self, stream: int, answer: Answer) -> None:
        # New bytes wait until the client has read the earlier ones.
        if stream not in self._outgoing and (news := answer.feed()):
            self._outgoing[stream] = (memoryview(news), Delivery.LIVE)
            self._pump(stream)
        loop = asyncio.get_running_loop()
        self._timers[stream] = loop.call_later(FEED_PAUSE, self._late, self._follow, stream, answer)

    def _pump(self, stream: int) -> None:
        """Send as much of a body as the client's window allows."""
        rest, end = self._outgoing[stream]
        while rest:
            size = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            if size <= 0:
                self._outgoing[stream] = (rest, end)
                return
            piece, rest = rest[:size], rest[size:]
            last = not rest and end is Delivery.WHOLE
            self._h2.send_data(stream, bytes(piece), end_stream=last)
        del self._outgoing[stream]
        if end is Delivery.TORN:
            self._reset(stream)

    def _reset(self, stream: int) -> None:
        self._h2.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)

    def _forget(self, stream: int) -> None:
        self._incoming.pop(stream, None)
        self._outgoing.pop(stream, None)
        if timer := self._timers.pop(stream, None):
            timer.cancel()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)


def _user_id(
    certificate: "dict[str, tuple[tuple[tuple[str, str], ...], ...]] | None",
) -> str | None:
    """Return the user id of a TLS client certificate: for APNs, its topic."""
    if not certificate:
        return None
    for part in certificate["subject"]:
        for name, value in part:
            if name in ("userId", "UID"):
                return value
    return ""
