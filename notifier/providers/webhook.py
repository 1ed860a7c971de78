"""Webhooks by Standard Webhooks 1.0.0, to public servers and never into private networks."""

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
from notifier.transport.destinations import AllowedDestinations
from notifier.transport.http import NotWritten, Reply, Wire
from notifier.transport.networks import Address
from notifier.transport.resolver import NotResolved, Resolver

#: Standard Webhooks 1.0.0: only 2xx is success, 410 disables the endpoint, 429, 502 and 504 ask
#: to slow down. Redirects are not followed, so they fail. Another 4xx is final.
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

#: Most addresses that one attempt connects to: of IPv6 and IPv4, only one kind may work.
TRIED = 2
#: Seconds since a message was posted in which an open breaker of its host uses up no attempt.
HELD_FOR = 86400.0
MOST_HOSTS = 512  # connections kept; the least recently used go first


class Forbidden(Exception):
    """Webhooks must not reach the URL's address; the text says why."""


class Webhook(Provider):
    """The sender of webhooks.

    ``allowed_networks``: CIDRs of private networks that webhooks may reach, on any port.
    ``dns_servers``: see ``notifier.transport.resolver``. ``ca_file``: PEM to trust beside the
    system's. ``timeout``: seconds. ``hosts``: the breakers of hosts, by default its own.
    """

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
        self._allowed = AllowedDestinations(allowed_networks)
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
        """Also hold a message whose host has an open breaker.

        After ``HELD_FOR`` seconds this uses up attempts, so that messages to a host that never
        comes back end by their retry policy.
        """
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
        except ValueError:  # stored before secrets were checked by the rule of signing
            return Refused(
                Reason.INTERNAL, detail="this webhook's secret cannot sign: give another"
            )
        headers = {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signed,
        }
        if message.traceparent:
            headers["traceparent"] = message.traceparent
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
        """Call the first of these addresses that accepts a connection, within one deadline."""
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
        """Return the IP addresses to connect to, in order.

        Every address of the name is checked, and the connection is bound to one that passed, so a
        different answer to a later look-up has no effect (DNS rebinding). The URL is parsed by the
        client's own parser: for both ``http://2130706433/`` is 127.0.0.1.

        Raises ``ValueError`` for another scheme, ``NotWritten`` for a name that cannot be resolved
        and ``Forbidden`` where no address may be reached.
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
        first = (attempt - 1) % len(reachable)  # start with another address at each attempt
        return [*reachable[first:], *reachable[:first]][:TRIED]

    def _judge(self, addresses: Sequence[Address], port: int) -> list[str]:
        """Return the addresses that may be reached."""
        return [str(ip) for ip in addresses if self._allowed.allow(ip, port)]


def host_of(address: str) -> str:
    """Return the host of a URL, with its port where that is not the scheme's default."""
    return address.partition("://")[2].partition("/")[0]


async def _shared(task: asyncio.Task[T]) -> T:
    """Return the task's result. Cancelling one waiter does not cancel the task."""
    return task.result() if task.done() else await asyncio.shield(task)


class Wires:
    """A pool of connections by host and address, each opened once however many wait for it."""

    def __init__(self, ca_file: str | None, timeout: float) -> None:
        self._ca_file = ca_file
        self._timeout = timeout
        self._wires: OrderedDict[tuple[str, str], asyncio.Task[Wire]] = OrderedDict()

    async def get(self, url: Url, ip: str) -> Wire:
        """Return the connection. Raises ``OSError`` where ``ca_file`` cannot be read."""
        key = url.origin_ascii, ip
        task = self._wires.get(key)
        if task is None:
            task = self._wires[key] = asyncio.create_task(self._open(url, ip))
        self._wires.move_to_end(key)
        if len(self._wires) > MOST_HOSTS:
            # Not closed here: calls may be in flight, and it closes with the last reference.
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
        # In a thread, for it takes 3 ms of CPU: a thousand new hosts must not block the loop.
        await asyncio.to_thread(wire.open)
        return wire

    async def close(self) -> None:
        for task in self._wires.values():
            await (await task).close()


def _addressee(message: Message) -> bytes:
    """Encode the start of ``data``, which differs between deliveries."""
    if message.content.event_type != NOTIFICATION:
        return b""
    ids = b'"delivery_id":%s,"user_id":%s,' % (
        orjson.dumps(message.id),
        orjson.dumps(message.user_id),
    )
    if message.instead_of:
        ids += b'"instead_of":%s,' % orjson.dumps(message.instead_of)
    return ids


def _encode(message: Message) -> tuple[bytes, bytes]:
    """Encode the start and the end of the body, equal for every recipient and on every attempt.

    ``posted_at`` may be used, since it depends on the notification, which ``Shared`` keys by.
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
