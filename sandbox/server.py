"""The sandbox's server: its listeners, and the routing of requests."""

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from sandbox import bell, control, page
from sandbox.behaviours import PROVIDERS, Behaviours
from sandbox.credentials import Credentials, Ports
from sandbox.ledger import Ledger
from sandbox.protocol.exchange import Answer, Request, json_answer
from sandbox.protocol.listener import Listener
from sandbox.providers import apns, fcm, sendgrid, twilio, webhook
from sandbox.providers.smtp import Smtp
from sandbox.receipts import Receipts
from sandbox.texts import Texts

log = logging.getLogger(__name__)


class Sandbox:
    """All stand-in providers on the given ports (0: any free one), with files in ``directory``.

    ``receipts_to``: the service that receipts are sent to, if any.

    Raises ``OSError`` where a port is taken or the directory cannot be written, and ``NotLoopback``
    for another machine's service.
    """

    def __init__(self, directory: Path, wanted: Ports, receipts_to: str | None = None) -> None:
        self._credentials = Credentials(directory)
        self._sockets = [
            socket.create_server((wanted.host, port), backlog=1024)
            for port in (wanted.http, wanted.https, wanted.apns, wanted.smtp)
        ]
        self.ports = Ports(wanted.host, *(s.getsockname()[1] for s in self._sockets))
        self._connections: set[Listener] = set()
        ledger, behaviours = Ledger(PROVIDERS), Behaviours()
        self._fcm = fcm.Fcm(
            ledger, behaviours, self._credentials, self._credentials.token_uri(self.ports)
        )
        self._apns = apns.Apns(ledger, behaviours, self._credentials)
        self._receipts = Receipts(self._credentials)
        self._receipts.send_to(receipts_to)
        texts = Texts(self._credentials, self._receipts, ledger)
        self._twilio = twilio.Twilio(ledger, behaviours, self._credentials, self._receipts, texts)
        self._sendgrid = sendgrid.Sendgrid(ledger, behaviours, self._credentials, self._receipts)
        self._webhook = webhook.Webhook(ledger, behaviours)
        self._smtp = Smtp(ledger, behaviours, self._credentials, self._credentials.server_context())
        self._control = control.Control(ledger, behaviours, self._webhook, self._receipts, texts)
        self._page = page.Page(ledger, behaviours, self.ports, self._credentials.directory)
        self._bell = bell.Bell()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, stop.set)
        tls = self._credentials.server_context()
        apns_tls = self._credentials.server_context(ask_for_client_certificate=True)
        kinds: list[tuple[Callable[[], asyncio.Protocol], ssl.SSLContext | None]] = [
            (self._listener, None),
            (self._listener, tls),
            (self._listener, apns_tls),
            (self._smtp.connection, None),
        ]
        servers = [
            await loop.create_server(protocol, sock=sock, ssl=context)
            for sock, (protocol, context) in zip(self._sockets, kinds, strict=True)
        ]
        self._credentials.write_config(self.ports)
        print(self._greeting(), flush=True)
        receipts = asyncio.create_task(self._receipts.run())
        await stop.wait()
        receipts.cancel()
        for server in servers:
            server.close()
        for connection in list(self._connections):
            connection.leave()

    def handle(self, request: Request) -> Answer:
        try:
            return self._route(request)
        except Exception:  # answered, so that a bug here does not look like a lost request
            log.exception("the sandbox failed on %s %s", request.method, request.path)
            return json_answer(500, b'{"error":"the sandbox has a bug, see its log"}')

    def _route(self, request: Request) -> Answer:
        path = request.path
        if path.startswith(apns.PATH):
            return self._apns.handle(request)
        if path.startswith(webhook.PATH):
            return self._webhook.handle(request)
        if path.startswith(control.PREFIX):
            return self._control.handle(request)
        if request.method == "POST":
            if fcm.SEND_PATH.fullmatch(path):
                return self._fcm.handle(request)
            if path == sendgrid.PATH:
                return self._sendgrid.handle(request)
            if twilio.PATH.fullmatch(path):
                return self._twilio.handle(request)
            if path == fcm.TOKEN_PATH:
                return self._fcm.grant_token(request)
            if path == bell.SEND_PATH:
                return self._bell.send(request)
        elif path == "/" or path.startswith(page.PATH):
            return self._page.handle(request)
        elif path == bell.PATH or path.startswith(f"{bell.PATH}/"):
            return self._bell.handle(request)
        return json_answer(404, b'{"error":"nothing here; the page at / lists what there is"}')

    def _listener(self) -> Listener:
        return Listener(self.handle, self._connections)

    def _greeting(self) -> str:
        host, ports = self.ports.host, self.ports
        return (
            f"sandbox ready on http://{host}:{ports.http} (https {ports.https}, "
            f"apns {ports.apns}, smtp {ports.smtp}), keys in {self._credentials.directory}"
        )
