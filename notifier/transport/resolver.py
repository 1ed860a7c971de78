"""An asynchronous resolver of host names.

The event loop's own look-up occupies one of a few threads until the name is answered, so a handful
of names that hang stops all others. c-ares resolves any number of names from one thread. Like the
system's resolver it reads ``/etc/hosts`` and ``/etc/resolv.conf`` with its search domains, and both
again once they change; other sources of ``nsswitch.conf`` (LDAP, mDNS) are not used.
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
#: Seconds for the first query to a server, and how many queries it gets; the time doubles with
#: each. c-ares shortens the first to what the server usually takes.
FIRST_TIMEOUT, TRIES = 2.0, 4
#: Seconds for which addresses are cached: the record's TTL, within these limits. Entries of
#: ``/etc/hosts`` have no TTL.
SHORTEST_LIFE, LONGEST_LIFE = 1.0, 60.0
#: Seconds for which a failed look-up is cached. RFC 2308 allows five minutes, but a name may have
#: been created just now.
FAILURE_LIFE = 10.0
#: Most names in the cache; the least recently used go first.
MOST_NAMES = 1024


class NotResolved(OSError):
    """The name has no address, or no server answered in time."""


class _Known(NamedTuple):
    addresses: tuple[Address, ...]  # empty: it could not be resolved
    until: float


class Resolver:
    """A caching resolver, used from one event loop.

    ``servers``: IP addresses, with a port or without, to use in place of the system's. A name is
    looked up once, however many callers wait for it.
    """

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._servers = servers
        self._dns: aiodns.DNSResolver | None = None
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Task[tuple[Address, ...]]] = {}

    async def look_up(self, host: str) -> tuple[Address, ...]:
        """Return a name's addresses, the best to connect to first; an IP address is its own.

        Raises ``NotResolved``, after at most ``TIMEOUT`` seconds.
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
        """Cancel every look-up."""
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
        # Shielded: one caller's cancellation must not end the look-up for the others.
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
            # The scope of a link-local address (fe80::1%eth0) is dropped: it is not needed to
            # decide whether the address may be reached.
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
