"""A mail server that accepts mail for any address; STARTTLS and AUTH are offered, not required.

Replies are as in RFC 5321 and, for the enhanced codes, RFC 3463.
"""

import asyncio
import email.policy
import hmac
import logging
import socket
import ssl
import struct
from email.parser import BytesHeaderParser
from typing import cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.behaviours import Behaviour, Behaviours
from sandbox.credentials import Credentials
from sandbox.ledger import Ledger
from sandbox.protocol.exchange import LONGEST_SILENCE

SIZE_LIMIT = 30 * 1024 * 1024
OK = "250 2.0.0 OK: queued"
REPLIES = {
    "401": "530 5.7.0 Authentication required",
    "403": "554 5.7.1 Rejected by policy",
    "429": "421 4.7.0 Too many messages, try again later, closing connection",
    "500": "451 4.3.0 Internal error",
    "503": "421 4.3.2 Service not available, closing transmission channel",
    "garbled": "\x01 this is no reply",
    "huge": "250-2.0.0 and so on\r\n" * 100_000 + OK,
}
DEAD = "550 5.1.1 The email account that you tried to reach does not exist"


class Smtp:
    """The handler that aiosmtpd calls, one for all connections."""

    name = "smtp"
    channel = "email"

    def __init__(
        self,
        ledger: Ledger,
        behaviours: Behaviours,
        credentials: Credentials,
        tls: ssl.SSLContext,
    ) -> None:
        self._ledger = ledger
        self._behaviours = behaviours
        self._password = credentials.smtp_password.encode()
        self._tls = tls
        # aiosmtpd warns about connections and AUTH without TLS; both are intended here.
        logging.getLogger("mail.log").setLevel(logging.ERROR)

    def connection(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        return SMTP(
            self,
            loop=asyncio.get_running_loop(),
            hostname="sandbox.example",
            ident="Notifier sandbox",
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            tls_context=self._tls,
            auth_require_tls=False,
            authenticator=self._authenticate,
        )

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        behaviour = self._behaviours.next(self.name, address)
        if behaviour and behaviour.word == "dead":
            self._ledger.count_request(self.name)
            self._record(address, 550, note="dead")
            return DEAD
        if behaviour:
            # Applied once the mail has arrived: one transaction has one answer.
            envelope.__dict__.setdefault("behaviour", behaviour)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str | None:
        behaviour: Behaviour | None = envelope.__dict__.get("behaviour")
        raw = envelope.original_content or b""
        headers = BytesHeaderParser(policy=email.policy.compat32).parsebytes(raw)
        reply = REPLIES.get(behaviour.word, OK) if behaviour else OK
        answered = behaviour is None or behaviour.word not in ("timeout", "reset")
        self._ledger.count_request(self.name)
        for address in envelope.rcpt_tos:
            self._record(
                address,
                int(reply[:3]) if answered and reply[:3].isdecimal() else None,
                accepted=behaviour is None or behaviour.accepts,
                note=behaviour.word if behaviour else "",
                delivery_id=str(headers.get("X-Notifier-Delivery-Id", "")).strip(),
                message_id=str(headers.get("Message-ID", "")).strip(),
                body=raw,
            )
        return await self._show(behaviour, server, reply) if behaviour else reply

    async def _show(self, behaviour: Behaviour, server: SMTP, reply: str) -> str | None:
        match behaviour.word:
            case "slow":
                await asyncio.sleep(behaviour.seconds(2.0))
            case "timeout":
                await asyncio.sleep(behaviour.seconds(LONGEST_SILENCE))
                _reset(server)
            case "reset":
                _reset(server)
            case "torn":
                _transport(server).write(reply[:3].encode())
                await asyncio.sleep(0.05)  # a reset discards what is not sent yet
                _reset(server)
        return reply

    def _record(
        self,
        address: str,
        status: int | None,
        *,
        note: str,
        accepted: bool = False,
        delivery_id: str = "",
        message_id: str = "",
        body: bytes = b"",
    ) -> None:
        self._ledger.record(
            self.name,
            self.channel,
            address,
            delivery_id=delivery_id,
            status=status,
            accepted=accepted,
            note=note,
            message_id=message_id,
            body=body,
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        known = (
            isinstance(data, LoginPassword)
            and data.login == b"sandbox"
            and hmac.compare_digest(data.password, self._password)
        )
        return AuthResult(success=known, handled=False)


def _transport(server: SMTP) -> asyncio.Transport:
    return cast(asyncio.Transport, server.transport)  # uvloop's are no subclasses


def _reset(server: SMTP) -> None:
    """Close with a TCP reset."""
    transport = _transport(server)
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
