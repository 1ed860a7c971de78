"""Host names into IP addresses, without a thread for each.

The event loop's own look-up takes a thread of a few until the name is answered, so that a handful
of names that never are stops all others. c-ares asks for any number of names from one thread. As
the system's does it reads ``/etc/hosts``, ``/etc/resolv.conf`` with its search domains, and both
again once they change; other sources that ``nsswitch.conf`` may name (LDAP, mDNS) are not asked.
"""

import asyncio
import ipaddress
import socket
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import aiodns
from aiodns.error import DNSError

from notifier.transport.networks import Address

#: Seconds for one name, however many servers and search domains there are.
TIMEOUT = 5.0
#: Seconds for the first question to a server, and how often one is asked: each time it gets twice
#: as long. c-ares shortens the first to what the server usually takes.
FIRST_TIMEOUT, TRIES = 2.0, 4
#: Seconds for which addresses are used: as long as the record says, within these. What is in
#: ``/etc/hosts`` has no such time.
SHORTEST_LIFE, LONGEST_LIFE = 1.0, 60.0
#: Seconds for which a name that could not be resolved is not asked for again. RFC 2308 allows
#: five minutes; a name may have been made just now.
FAILURE_LIFE = 10.0
#: Names that are kept; beyond, the least recently used go.
MOST_NAMES = 1024


class NotResolved(OSError):
    """The name has no address, or nobody said so in time."""


class _Known(NamedTuple):
    addresses: tuple[Address, ...]  # none: it could not be resolved
    until: float


class Resolver:
    """``servers``: IP addresses, with a port or without, to ask in place of the system's.

    Used from one event loop. A name is looked up once, however many wait for it.
    """

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._servers = servers
        self._dns: aiodns.DNSResolver | None = None
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Task[tuple[Address, ...]]] = {}

    async def look_up(self, host: str) -> tuple[Address, ...]:
        """The addresses of a name, the best to connect to first; of an IP address, itself.

        Raises ``NotResolved``, after ``TIMEOUT`` seconds at most.
        """
        known = self._known.get(host)
        if known is None or time.monotonic() >= known.until:
            addresses = await self._ask_once(host)
        else:
            self._known.move_to_end(host)
            addresses = known.addresses
        if not addresses:
            raise NotResolved("the host's name cannot be resolved")
        return addresses

    async def close(self) -> None:
        """End every look-up."""
        for task in self._asking.values():
            task.cancel()
        if self._dns is not None:
            await self._dns.close()

    async def _ask_once(self, host: str) -> tuple[Address, ...]:
        task = self._asking.get(host)
        if task is None:
            try:
                return (ipaddress.ip_address(host),)
            except ValueError:
                pass  # a name
            task = self._asking[host] = asyncio.create_task(self._ask(host))
            task.add_done_callback(lambda _: self._asking.pop(host, None))
        # One that stops waiting stops it for nobody else.
        return await asyncio.shield(task)

    async def _ask(self, host: str) -> tuple[Address, ...]:
        if self._dns is None:
            self._dns = aiodns.DNSResolver(
                self._servers or None, timeout=FIRST_TIMEOUT, tries=TRIES
            )
        addresses, life = [], FAILURE_LIFE
        try:
            async with asyncio.timeout(TIMEOUT):
                found = await self._dns.getaddrinfo(host, type=socket.SOCK_STREAM)
        except (DNSError, TimeoutError, UnicodeError):
            pass
        else:
            # A scope (fe80::1%eth0) makes an address link-local; who judges it needs none.
            texts = (node.addr[0].decode().partition("%")[0] for node in found.nodes)
            addresses = [ipaddress.ip_address(text) for text in texts]
            shortest = min((node.ttl for node in found.nodes if node.ttl), default=LONGEST_LIFE)
            life = min(max(shortest, SHORTEST_LIFE), LONGEST_LIFE)
        known = _Known(tuple(dict.fromkeys(addresses)), time.monotonic() + life)
        self._known[host] = known
        self._known.move_to_end(host)
        if len(self._known) > MOST_NAMES:
            self._known.popitem(last=False)
        return known.addresses
