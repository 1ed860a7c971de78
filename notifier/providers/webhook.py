"""Webhooks after Standard Webhooks 1.0.0, to anybody's server but none of our own networks."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import UTC
from functools import lru_cache, partial
from typing import TypeVar

import orjson
from pyreqwest.http import Url

from notifier.domain.messages import NOTIFICATION, Message
from notifier.domain.outcomes import Accepted, Held, Outcome, Reason, Refused, Retry
from notifier.providers.base import Provider, Report, Rule, Sent, Shared, status_rule
from notifier.resilience.fair_queue import Flow
from notifier.resilience.host_breakers import HostBreakers
from notifier.security.signing import signatures
from notifier.transport.http import NotWritten, Reply, Wire
from notifier.transport.networks import Address
from notifier.transport.reach import Reach
from notifier.transport.resolver import NotResolved, Resolver

#: Standard Webhooks 1.0.0: only 2xx is success, 410 disables the endpoint, 429, 502 and 504 ask
#: to slow down. Redirects are not followed, so they fail. 4xx is the endpoint's last word.
RULES = {
    401: Rule(Reason.REJECTED),
    403: Rule(Reason.REJECTED),
    410: Rule(Reason.DEAD_ADDRESS, disable=True),
    429: Rule(Reason.RATE_LIMITED, again=True, pause=30.0),
    502: Rule(Reason.RATE_LIMITED, again=True, pause=30.0),
    504: Rule(Reason.RATE_LIMITED, again=True, pause=30.0),
}
LAST_WORD = Rule(Reason.REJECTED)
PAYLOAD_LIMIT = 20_000

T = TypeVar("T")

#: Addresses that one attempt connects to: of the two kinds, IPv6 and IPv4, only one may work.
TRIED = 2
#: Seconds since a message was posted in which a host that is left alone costs it no attempt.
HELD_FOR = 86400.0
MOST_HOSTS = 512  # connections kept; beyond, the least recently used go


class Forbidden(Exception):
    """The URL leads where webhooks must not go; the text says why."""


class Webhook(Provider):
    """``allowed_networks``: CIDRs that webhooks may reach although they are private, on any port.
    ``dns_servers``: see ``notifier.transport.resolver``. ``ca_file``: PEM to trust beside the
    system's. ``timeout`` in seconds. ``hosts``: the breakers of hosts, its own by default."""

    one_server = False

    def __init__(
        self,
        name: str,
        *,
        allowed_networks: Iterable[str] = (),
        dns_servers: Sequence[str] = (),
        ca_file: str | None = None,
        timeout: float = 15.0,
        concurrency: int = 256,
        hosts: HostBreakers | None = None,
    ) -> None:
        super().__init__(name, timeout=timeout, concurrency=concurrency)
        self._hosts = hosts or HostBreakers()
        self._reach = Reach(allowed_networks)
        self._resolver = Resolver(dns_servers)
        self._reachable = lru_cache(MOST_HOSTS)(self._judge)
        self._wires = Wires(ca_file, timeout)

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        def reported(sent: Sent) -> None:
            self._hosts.report(self._flow(sent.message), sent.outcome)
            report(sent)

        await self._each(messages, partial(self._send, Shared(_encode)), reported)

    async def close(self) -> None:
        await self._wires.close()
        await self._resolver.close()

    def _stopped(self, message: Message, now: float, report: Report) -> bool:
        """The same, and whether its host is left alone. After ``HELD_FOR`` seconds that costs an
        attempt, so that what leads nowhere ends as its retry policy has it."""
        if super()._stopped(message, now, report):
            return True
        seconds = self._hosts.seconds_held(self._flow(message))
        if seconds is None:
            return False
        assert message.posted_at is not None
        if now - message.posted_at.timestamp() < HELD_FOR:
            report(Sent(message, "", Held(now + seconds, Reason.ENDPOINT_DOWN), now, 0.0))
        else:
            report(Sent(message, self.name, Retry(Reason.ENDPOINT_DOWN), now, 0.0))
        return True

    def _flow(self, message: Message) -> Flow:
        return message.publisher_id, host_of(message.address)

    async def _send(self, bodies: Shared[tuple[bytes, bytes]], message: Message) -> Outcome:
        if not message.secret:
            return Refused(Reason.INTERNAL, detail="this webhook has no secret to sign with")
        now = int(time.time())
        start, end = bodies[message]
        body = b"%s%s%s" % (start, _addressee(message), end)
        if len(body) >= PAYLOAD_LIMIT:
            return Refused(Reason.TOO_LARGE, detail=f"{len(body)} bytes, under 20,000 are allowed")
        try:
            secrets = (message.secret, *message.former_secrets)
            signed = signatures(secrets, message.id, now, body)
        except ValueError:  # of before the door and the sender had one rule
            return Refused(
                Reason.INTERNAL, detail="this webhook's secret cannot sign: give another"
            )
        headers = {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signed,
        }
        try:
            url = Url(message.address)
            ips = await self._destinations(url, message.attempt)
        except ValueError:
            return Refused(Reason.INVALID_ADDRESS, detail="not a URL")
        except Forbidden as error:
            return Refused(Reason.FORBIDDEN_ADDRESS, detail=str(error))
        reply = await self._post(url, ips, headers, body)
        if reply.ok:
            return Accepted(delivered=True, status=reply.status)
        rule = RULES.get(reply.status) or status_rule(reply.status, LAST_WORD)
        return rule.outcome(reply.status, f"status {reply.status}", reply.retry_after)

    async def _post(
        self, url: Url, ips: Sequence[str], headers: dict[str, str], body: bytes
    ) -> Reply:
        """Call the first of these addresses that takes the request, within the one deadline."""
        path = f"{url.path}?{url.query_string}" if url.query_string else url.path
        *others, last = ips
        deadline = time.monotonic() + self.timeout
        for ip in others:
            try:
                wire = await self._wires.get(url, ip)
                return await wire.request("POST", path, headers=headers, body=body)
            except NotWritten:
                continue
        wire = await self._wires.get(url, last)
        left = max(1.0, deadline - time.monotonic()) if others else None
        return await wire.request("POST", path, headers=headers, body=body, timeout=left)

    async def _destinations(self, url: Url, attempt: int) -> list[str]:
        """The IP addresses to connect to, one after the other.

        Every address of the name is checked and the connection is bound to one that passed, so
        another answer to another look-up changes nothing. The URL is read as the client reads it:
        for both ``http://2130706433/`` is 127.0.0.1.
        """
        port = url.port_or_known_default
        if url.scheme not in ("http", "https") or not url.host_str or port is None:
            raise ValueError("neither http nor https")
        try:
            addresses = await self._resolver.look_up(url.host_str.strip("[]"))
        except NotResolved as error:
            raise NotWritten(str(error)) from None
        reachable = self._reachable(addresses, port)
        if not reachable:
            raise Forbidden("a private network, or a port that is not open to webhooks")
        first = (attempt - 1) % len(reachable)  # another one at each attempt
        return [*reachable[first:], *reachable[:first]][:TRIED]

    def _judge(self, addresses: Sequence[Address], port: int) -> list[str]:
        """Those that may be called."""
        return [str(ip) for ip in addresses if self._reach.may(ip, port)]


def host_of(address: str) -> str:
    """The host of a URL, with its port where that is not the scheme's own."""
    return address.partition("://")[2].partition("/")[0]


async def _shared(task: asyncio.Task[T]) -> T:
    """What it comes to; who stops waiting stops it for nobody else."""
    return task.result() if task.done() else await asyncio.shield(task)


class Wires:
    """Connections, each to one host at one address, opened once however many wait for them."""

    def __init__(self, ca_file: str | None, timeout: float) -> None:
        self._ca_file = ca_file
        self._timeout = timeout
        self._wires: OrderedDict[tuple[str, str], asyncio.Task[Wire]] = OrderedDict()

    async def get(self, url: Url, ip: str) -> Wire:
        """Raises ``OSError`` where ``ca_file`` cannot be read."""
        key = url.origin_ascii, ip
        task = self._wires.get(key)
        if task is None:
            task = self._wires[key] = asyncio.create_task(self._open(url, ip))
        self._wires.move_to_end(key)
        if len(self._wires) > MOST_HOSTS:
            # Not closed: calls may be under way, and it closes when the last one is done.
            self._wires.popitem(last=False)
        try:
            return await _shared(task)
        except OSError:
            self._wires.pop(key, None)
            raise

    async def _open(self, url: Url, ip: str) -> Wire:
        assert url.host_str is not None
        wire = Wire(
            url.origin_ascii,
            ca_file=self._ca_file,
            timeout=self._timeout,
            address=(url.host_str, ip),
        )
        # 3 ms of CPU: a thousand new hosts must not hold up the loop.
        await asyncio.to_thread(wire.open)
        return wire

    async def close(self) -> None:
        for task in self._wires.values():
            await (await task).close()


def _addressee(message: Message) -> bytes:
    """The start of a notification's data, its own for every delivery."""
    if message.content.event_type != NOTIFICATION:
        return b""
    whose = b'"delivery_id":%s,"user_id":%s,' % (
        orjson.dumps(message.id),
        orjson.dumps(message.user_id),
    )
    if message.instead_of:
        whose += b'"instead_of":%s,' % orjson.dumps(message.instead_of)
    return whose


def _encode(message: Message) -> tuple[bytes, bytes]:
    """The start and the end of the body, the same for every recipient and on every attempt.

    ``posted_at`` is the notification's, which ``Shared`` tells from others.
    """
    content = message.content
    assert message.posted_at is not None
    at = message.posted_at.astimezone(UTC).isoformat(timespec="milliseconds")
    start = b'{"type":%s,"timestamp":"%s","data":{' % (
        orjson.dumps(content.event_type),
        at.replace("+00:00", "Z").encode(),
    )
    if content.event_type != NOTIFICATION:
        return start, orjson.dumps(content.data)[1:] + b"}"
    shared = {
        "notification_id": message.notification_id,
        "topic": message.topic,
        "title": content.title,
        "body": content.body,
        "data": content.data,
        "actions": content.actions,
    }
    return start, orjson.dumps(shared)[1:] + b"}"
