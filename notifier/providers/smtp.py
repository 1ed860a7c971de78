"""Mail servers, by SMTP (RFC 5321)."""

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple

import aiosmtplib
from aiosmtplib import (
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from notifier.channels import email
from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome, Reason, Refused, Retry, Unknown
from notifier.providers.base import Provider, Report, Rule, Shared
from notifier.transport.http import CONNECT_TIMEOUT, NotWritten
from notifier.transport.mail import ADDRESS, compose, from_header
from notifier.transport.resolver import NotResolved, Resolver

#: Enhanced codes (RFC 3463, RFC 7504) and, behind them, replies (RFC 5321 4.2, RFC 4954 6).
RULES = {
    "5.1.1": Rule(Reason.DEAD_ADDRESS, disable=True),  # no such mailbox
    "5.1.6": Rule(Reason.DEAD_ADDRESS, disable=True),  # moved
    "5.1.10": Rule(Reason.DEAD_ADDRESS, disable=True),  # its domain accepts no mail
    "5.2.1": Rule(Reason.DEAD_ADDRESS, disable=True),  # mailbox disabled
    "5.1.2": Rule(Reason.INVALID_ADDRESS, disable=True),  # no such domain
    "5.1.3": Rule(Reason.INVALID_ADDRESS, disable=True),  # syntax
    "5.2.3": Rule(Reason.TOO_LARGE),
    "5.3.4": Rule(Reason.TOO_LARGE),
    "5.1.7": Rule(Reason.SENDER_REFUSED),  # our address: syntax
    "5.1.8": Rule(Reason.SENDER_REFUSED),  # our address: no such domain
    "4.7.0": Rule(Reason.RATE_LIMITED, again=True, pause=60.0),
    "4.7.1": Rule(Reason.RATE_LIMITED, again=True, pause=60.0),
    "530": Rule(Reason.AUTHENTICATION),
    "534": Rule(Reason.AUTHENTICATION),
    "535": Rule(Reason.AUTHENTICATION),
    "538": Rule(Reason.AUTHENTICATION),
    "550": Rule(Reason.REJECTED),  # mailbox unavailable: gone, or refused to us; it does not say
    "551": Rule(Reason.REJECTED),  # not here
    "552": Rule(Reason.REJECTED),  # the mailbox is full
}
#: 5.7.x is a policy about us: relaying, authentication, SPF, DKIM, DMARC, block lists. So are
#: refusals without a code that explains them, such as 553 and 554, which some servers answer for
#: domains that they do not relay to and for commands that they do not know.
POLICY = Rule(Reason.SENDER_REFUSED)
#: The server refuses our sender address: no recipient's fault.
SENDER = Rule(Reason.AUTHENTICATION)
TEMPORARY = Rule(Reason.PROVIDER_ERROR, again=True)
#: 4xx about one recipient, after RCPT or after the mail: greylisting, a full mailbox, a domain that
#: cannot be resolved. Greylisting servers mostly want five minutes (RFC 6647 recommends 1 minute to
#: 24 hours).
DEFERRED = Rule(Reason.DEFERRED, again=True, pause=300.0)
GREYLISTED = re.compile(r"gr[ae]y.?list", re.IGNORECASE)
#: 4xx about the whole server, whatever the command (RFC 3463 3.4; RFC 5321 4.2.3).
SERVERS = re.compile(r"421|452$|4\d\d 4\.3\.")
#: Enhanced code by class of the reply (RFC 2034 4), not part of an IP address or a version.
ENHANCED = {
    kind: re.compile(rf"(?<![\w./]){kind}\.\d{{1,3}}\.\d{{1,3}}(?!\.?\d)") for kind in (4, 5)
}
#: Words of refusals about us, not the mailbox, that have no enhanced code.
ABOUT_US = re.compile(
    r"relay|authenticat|\b(spf|dkim|dmarc)\b|\bblocked|blacklist|block ?list|spamhaus|reputation",
    re.IGNORECASE,
)

CONNECTIONS = 8  # mail servers limit them; Postfix accepts 50 from one client
IDLE_LIMIT = 30.0  # seconds; servers hang up on idle clients after a while


class SMTP(Provider):
    """A mail server.

    ``tls``: ``starttls`` (required, not merely tried), ``implicit`` or ``none``. ``ca_file``: PEM
    to trust beside the system's. ``dns_servers``: see ``notifier.transport.resolver``. ``timeout``:
    seconds for one message.

    Raises ``ValueError`` where a mail cannot be from ``from_email`` or ``from_name``.
    """

    def __init__(
        self,
        name: str,
        *,
        host: str,
        port: int,
        username: str = "",
        password: str = "",
        tls: Literal["starttls", "implicit", "none"] = "starttls",
        from_email: str,
        from_name: str = "",
        ca_file: str | None = None,
        dns_servers: Sequence[str] = (),
        timeout: float = 10.0,
        concurrency: int = CONNECTIONS,
    ) -> None:
        # One message at a time on each connection: waiting happens before the deadline starts.
        super().__init__(name, timeout=timeout, concurrency=min(concurrency, CONNECTIONS))
        if tls not in ("starttls", "implicit", "none"):
            raise ValueError("tls is starttls, implicit or none")
        if not ADDRESS.fullmatch(from_email):
            raise ValueError("from_email is not an address SMTP can carry")
        from_header(from_email, from_name)  # raises now for a name that no header can have
        self._from, self._from_name = from_email, from_name
        self._domain = from_email.rpartition("@")[2]
        context = ssl.create_default_context()
        if ca_file:
            context.load_verify_locations(ca_file)
        self._server = host, port
        self._resolver = Resolver(dns_servers)
        self._client = partial(
            aiosmtplib.SMTP,
            hostname=host,
            username=username or None,
            password=password or None,
            timeout=timeout,
            use_tls=tls == "implicit",
            start_tls=tls == "starttls",
            tls_context=context,
            local_hostname=self._domain,
        )
        self._idle: list[tuple[aiosmtplib.SMTP, float]] = []

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        await self._each(messages, partial(self._send, Shared(self._mail)), report)

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for client, _ in idle:
            client.close()
        await self._resolver.close()

    async def _send(self, mails: "Shared[Mail]", message: Message) -> Outcome:
        if not ADDRESS.fullmatch(message.address):
            return Refused(Reason.INVALID_ADDRESS, detail="not an address SMTP can carry")
        message_id = f"<{message.id}@{self._domain}>"
        headers = {
            "To": message.address,
            "Message-ID": message_id,
            "X-Notifier-Delivery-Id": message.id,
            **email.one_click(message.links),
        }
        own = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        mail = own + self._body(mails[message], message)
        transaction = Transaction(self._from, message.address, mail)
        try:
            async with asyncio.timeout(self.timeout):
                client = await self._ready(transaction)
                reply = await transaction.finish(client)
        except SMTPResponseException as error:
            if transaction.client:
                await self._keep(transaction.client, reset=True)
            return _refusal(error, transaction.written)
        except NotResolved as error:
            raise NotWritten(str(error)) from None
        except (SMTPException, TimeoutError, OSError) as error:
            if transaction.client:
                transaction.client.close()
            if not transaction.written:
                raise NotWritten(type(error).__name__) from None
            timed_out = isinstance(error, TimeoutError)
            reason = Reason.TIMEOUT if timed_out else Reason.NO_ANSWER
            return Unknown(reason, type(error).__name__)
        await self._keep(client)
        return Accepted(message_id, status=reply)

    async def _ready(self, transaction: "Transaction") -> aiosmtplib.SMTP:
        """Return a connection on which the server has accepted sender and recipient."""
        while self._idle:
            client, since = self._idle.pop()
            if time.monotonic() - since > IDLE_LIMIT:
                client.close()
                continue
            try:
                await transaction.begin(client)
            except aiosmtplib.SMTPServerDisconnected:  # closed while idle: nothing is lost
                client.close()
                continue
            return client
        client = self._client(sock=await self._connected())
        transaction.client = client
        await client.connect()
        await transaction.begin(client)
        return client

    async def _connected(self) -> socket.socket:
        """Connect to the first of the server's addresses that accepts. Raises ``OSError``."""
        host, port = self._server
        failed: OSError | None = None
        for ip in await self._resolver.look_up(host):
            family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
            found = socket.socket(family, socket.SOCK_STREAM)
            try:
                found.setblocking(False)
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    await asyncio.get_running_loop().sock_connect(found, (str(ip), port))
            except OSError as error:  # including TimeoutError
                found.close()
                failed = error
            except BaseException:
                found.close()
                raise
            else:
                return found
        assert failed is not None
        raise failed

    async def _keep(self, client: aiosmtplib.SMTP, *, reset: bool = False) -> None:
        try:
            if reset:
                await client.rset(timeout=self.timeout / 2)
        except (SMTPException, OSError):
            client.close()
        if client.is_connected:
            self._idle.append((client, time.monotonic()))

    def _mail(self, message: Message) -> "Mail":
        """Render the mail, and compose it unless each recipient has links of their own in it."""
        rendered = email.render(message.content)
        return Mail(rendered, None if rendered.has_marks else self._composed(rendered))

    def _body(self, mail: "Mail", message: Message) -> bytes:
        """Return the mail without the headers of its recipient."""
        if mail.composed is not None:
            return mail.composed
        assert message.links is not None  # whatever has marks has links to fill in
        return self._composed(mail.rendered.fill(message.links))

    def _composed(self, rendered: email.Rendered) -> bytes:
        return compose(self._from, self._from_name, rendered.subject, rendered.text, rendered.html)


class Mail(NamedTuple):
    """A mail that recipients share, and composed if it is the same for all of them."""

    rendered: email.Rendered
    composed: bytes | None


class Transaction:
    """One mail on one connection. ``written``: whether the server may have the mail."""

    def __init__(self, sender: str, recipient: str, mail: bytes) -> None:
        self._sender = sender
        self._recipient = recipient
        self._mail = mail
        self.client: aiosmtplib.SMTP | None = None
        self.written = False

    async def begin(self, client: aiosmtplib.SMTP) -> None:
        self.client = client
        await client.mail(self._sender)
        await client.rcpt(self._recipient)

    async def finish(self, client: aiosmtplib.SMTP) -> int:
        """Send the mail, and return the reply's code."""
        self.written = True
        return (await client.data(self._mail)).code


def _refusal(error: SMTPResponseException, written: bool) -> Outcome:
    code = error.code
    if not 400 <= code < 600:  # not a valid reply: after DATA, the mail may have been accepted
        detail = "the answer cannot be read"
        if written:
            return Unknown(Reason.PROVIDER_ERROR, detail)
        return Retry(Reason.PROVIDER_ERROR, detail=detail)
    message = str(error.message)
    found = ENHANCED[code // 100].search(message)
    enhanced = found[0] if found else ""
    # The reply's text mostly quotes the address: only its codes are kept.
    codes = f"{code} {enhanced}".strip()
    about_us = code == 550 and not enhanced and ABOUT_US.search(message)
    if about_us and not isinstance(error, SMTPSenderRefused):
        return POLICY.outcome(code, codes)
    greylisted = bool(GREYLISTED.search(message))
    return _rule(error, code, enhanced, greylisted=greylisted).outcome(code, codes)


def _rule(
    error: SMTPResponseException, code: int, enhanced: str, *, greylisted: bool = False
) -> Rule:
    """Return the rule for a reply, by what it is about: a recipient, its mail, or neither."""
    rule = RULES.get(enhanced) or RULES.get(str(code))
    about_recipient = isinstance(error, SMTPRecipientRefused | SMTPDataError)
    if code < 500:
        if about_recipient and greylisted:
            return DEFERRED
        # Once the mail is written, only an enhanced code proves that the server is not at fault.
        explained = enhanced or isinstance(error, SMTPRecipientRefused)
        if about_recipient and explained and not SERVERS.match(f"{code} {enhanced}".strip()):
            return DEFERRED
        return rule or TEMPORARY
    if isinstance(error, SMTPSenderRefused):
        return SENDER if rule is None or rule.disable or rule.reason is Reason.REJECTED else rule
    if enhanced.startswith("5.7.") and RULES.get(str(code), POLICY).reason is not SENDER.reason:
        return POLICY
    if rule is None or (not about_recipient and rule.disable):
        return POLICY
    return rule
