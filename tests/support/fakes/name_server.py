"""A name server on loopback that knows a few names, and never answers for others."""

import asyncio
import contextlib
import ipaddress
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

A, AAAA = 1, 28
NO_SUCH_NAME = 3


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """A name server.

    ``names``: addresses by name. ``silent``: names for which it never answers. All others do not
    exist. ``asked`` has the name of each question that came.
    """

    names: dict[str, Sequence[str]]
    silent: frozenset[str] = frozenset()
    ttl: int = 300
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # uvloop's is none by class

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        name, kind, end = _question(data)
        self.asked.append(name)
        if name in self.silent:
            return
        wanted = [
            ip.packed
            for ip in map(ipaddress.ip_address, self.names.get(name, ()))
            if ip.version == (4 if kind == A else 6) and kind in (A, AAAA)
        ]
        status = 0 if name in self.names else NO_SUCH_NAME
        answers = b"".join(
            struct.pack("!HHHIH", 0xC00C, kind, 1, self.ttl, len(packed)) + packed
            for packed in wanted
        )
        head = data[:2] + struct.pack("!HHHHH", 0x8180 | status, 1, len(wanted), 0, 0)
        self._transport.sendto(head + data[12:end] + answers, sender)


def _question(data: bytes) -> tuple[str, int, int]:
    """The name, the kind of record, and where the question ends (RFC 1035 4.1)."""
    labels, place = [], 12
    while size := data[place]:
        labels.append(data[place + 1 : place + 1 + size].decode().lower())
        place += size + 1
    return ".".join(labels), int.from_bytes(data[place + 1 : place + 3], "big"), place + 5


@contextlib.asynccontextmanager
async def name_server(
    names: Mapping[str, Sequence[str]], *, silent: Sequence[str] = (), ttl: int = 300
) -> AsyncIterator[NameServer]:
    """A server; its ``address`` is what a resolver takes."""
    server = NameServer(dict(names), frozenset(silent), ttl)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
    server.address = "{}:{}".format(*transport.get_extra_info("sockname"))
    try:
        yield server
    finally:
        transport.close()
