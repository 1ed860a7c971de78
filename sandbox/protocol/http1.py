"""HTTP/1.1 on one connection, by h11."""

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import cast

import h11

from sandbox.protocol.exchange import (
    BODY_LIMIT,
    FEED_PAUSE,
    FEED_WAITS_AT,
    LONGEST_SILENCE,
    Answer,
    Delivery,
    Handler,
    Request,
)


class Http1Connection(asyncio.Protocol):
    """A connection that answers one request after another, in order."""

    def __init__(self, handler: Handler, scheme: str) -> None:
        self._handler = handler
        self._scheme = scheme
        self._h11 = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._h11.receive_data(data)
        self._read()

    def eof_received(self) -> bool:
        return False

    def leave(self) -> None:
        """Close the connection because the server stops."""
        self._transport.abort()

    def _read(self) -> None:
        try:
            while True:
                event = self._h11.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    if event is h11.NEED_DATA and self._h11.they_are_waiting_for_100_continue:
                        self._send(h11.InformationalResponse(status_code=100, headers=[]))
                    return
                if isinstance(event, h11.Request):
                    self._head = event
                elif isinstance(event, h11.Data):
                    self._body += event.data[: BODY_LIMIT - len(self._body)]
                elif isinstance(event, h11.EndOfMessage):
                    self._handle()
                elif isinstance(event, h11.ConnectionClosed):
                    self._transport.close()
                    return
        except h11.RemoteProtocolError:
            if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                self._send(h11.Response(status_code=400, headers=[("content-length", "0")]))
            self._transport.close()

    def _handle(self) -> None:
        assert self._head is not None
        path, _, query = self._head.target.decode("latin-1").partition("?")
        request = Request(
            method=self._head.method.decode(),
            path=path,
            query=query,
            headers={k.decode("latin-1"): v.decode("latin-1") for k, v in self._head.headers},
            body=bytes(self._body),
            scheme=self._scheme,
            http2=False,
        )
        self._head, self._body = None, bytearray()
        answer = self._handler(request)
        loop = asyncio.get_running_loop()
        if answer.delivery is Delivery.SILENT:
            self._timer = loop.call_later(answer.delay or LONGEST_SILENCE, self._transport.abort)
        elif answer.delay:
            self._timer = loop.call_later(answer.delay, self._answer_late, answer, request.method)
        else:
            self._answer(answer, request.method)

    def _answer_late(self, answer: Answer, method: str) -> None:
        self._answer(answer, method)
        self._read()  # requests that arrived meanwhile

    def _answer(self, answer: Answer, method: str) -> None:
        if answer.delivery is Delivery.RESET:
            self._reset()
            return
        if answer.delivery is Delivery.LIVE:
            self._send(h11.Response(status_code=answer.status, headers=answer.headers))
            self._follow(answer)
            return
        body = b"" if method == "HEAD" else answer.body
        headers = [*answer.headers]
        if answer.status != HTTPStatus.NO_CONTENT:
            headers.append(("content-length", str(len(answer.body))))
        self._send(h11.Response(status_code=answer.status, headers=headers))
        if answer.delivery is Delivery.TORN:
            self._send(h11.Data(data=body[: len(body) // 2]))
            # Later, since a reset discards what is not sent yet.
            asyncio.get_running_loop().call_later(0.05, self._reset)
            return
        if body:
            self._send(h11.Data(data=body))
        self._send(h11.EndOfMessage())
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
        else:
            self._transport.close()

    def _follow(self, answer: Answer) -> None:
        if self._transport.get_write_buffer_size() < FEED_WAITS_AT and (news := answer.feed()):
            self._send(h11.Data(data=news))
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(FEED_PAUSE, self._follow, answer)

    def _send(self, event: h11.Event) -> None:
        data = self._h11.send(event)
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _reset(self) -> None:
        """Close with a TCP reset."""
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
