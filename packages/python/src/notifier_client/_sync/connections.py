"""Connections on which a request ends in time.

urllib3 gives its whole timeout to each address of a host, and to each read again, so that a server
that sends a byte now and then is read for ever.
"""

import http.client
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

#: Time at which the request of this thread has to be over. urllib3 makes it in the same thread.
_ENDS: ContextVar[float] = ContextVar("_ENDS")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let requests of a ``pool`` in this block take so many seconds together."""
    token = _ENDS.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ENDS.reset(token)


def pool(connect_timeout: float, **options: Any) -> urllib3.PoolManager:
    """Create a pool for requests that are made ``within`` a time.

    ``connect_timeout``: seconds for connecting, to whichever of the host's addresses.
    """
    manager = urllib3.PoolManager(timeout=urllib3.Timeout(connect=connect_timeout), **options)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager


def _left() -> float:
    seconds = _ENDS.get() - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("it took too long")
    return seconds


class _Answer(http.client.HTTPResponse):
    """An answer, each read of which has the time that is left."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Reads(sock, self.fp.detach()))


class _Reads(io.RawIOBase):
    def __init__(self, sock: socket.socket, raw: Any) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left())
        found: int | None = self._raw.readinto(buffer)
        return found

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Connection(HTTPConnection):
    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        """Connect to one of the host's addresses, within the time for all of them."""
        ends = time.monotonic() + min(self.timeout or 0.0, _left())
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            gone = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(self.host, self, gone) from error
        failure: Exception = ConnectTimeoutError(self, f"connecting to {self.host} took too long")
        for _, _, _, _, (host, port, *_) in found:
            if (left := ends - time.monotonic()) <= 0:
                break
            try:
                sock = socket.create_connection((str(host), port), left)
            except TimeoutError:
                continue
            except OSError as error:
                failure = NewConnectionError(self, str(error))
                continue
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(max(0.001, ends - time.monotonic()))  # for the TLS handshake
            return sock
        raise failure

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.sock.settimeout(_left())
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
