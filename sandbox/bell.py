"""The page at ``/bell``: the inboxes of two people side by side, by the library in ``packages``.

It calls the service that ``NOTIFIER_PUBLIC_URL`` and ``STREAM_PORT`` name, as an app's page would.
The sandbox plays that app's server: it makes people's tokens, with the service's own secret, and
registers them and sends them items when the page's button is pressed.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qs

import orjson

from notifier.security.tokens import sign
from notifier_client import NotifierClient, NotifierError
from sandbox.page import STATIC, TYPES
from sandbox.protocol.exchange import Answer, Delivery, Request, json_answer

PATH = "/bell"
SEND_PATH = f"{PATH}/send"
ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "packages" / "inbox" / "dist"
#: The publisher in whose name items are sent.
PUBLISHER = "sandbox-bell"
#: Ways to show an item beside the inbox, and what is sent for each.
ITEMS: Mapping[str, Mapping[str, Any]] = {
    "banner_dismiss": {
        "title": "Your card was blocked",
        "body": "We saw three wrong PINs.",
        "severity": "warning",
        "source": "Cards",
    },
    "banner_nondismiss": {
        "title": "Maintenance tonight",
        "body": "Payments take until midnight.",
        "source": "Operations",
    },
    "inbox": {"title": "Your statement is here", "severity": "success", "source": "Accounts"},
    "page": {
        "title": "Our terms have changed",
        "body": "They hold from January.",
        "source": "Legal",
    },
    "popup": {"title": "Your taxi is here", "body": "It waits outside.", "source": "Travel"},
}
#: Seconds that a token is good for: short, so that pages have to ask for others.
TOKEN_SECONDS = 300
#: Hosts at which tokens are given: not one that anybody else's name leads to.
LOCAL = ("127.0.0.1", "localhost", "[::1]")
MISSING = b'{"error":"build the library: npm ci && npm run build, in packages/inbox"}'


class Bell:
    """The page and what it loads. ``env``: of the service, as ``stack`` gives it."""

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self._secret = env.get("NOTIFIER_INBOX_JWT_SECRET", "")
        named = {"iss": "NOTIFIER_INBOX_JWT_ISSUER", "aud": "NOTIFIER_INBOX_JWT_AUDIENCE"}
        self._claims = {claim: env[name] for claim, name in named.items() if env.get(name)}
        self._sender = _Sender(env)
        self._library = Path(env.get("SANDBOX_INBOX_LIBRARY", LIBRARY))
        api = env.get("NOTIFIER_PUBLIC_URL", "")
        stream = f"http://127.0.0.1:{env['STREAM_PORT']}" if "STREAM_PORT" in env else api
        text = (STATIC / "bell.html").read_text()
        self._html = Template(text).substitute(api=api, stream=stream).encode()
        self._headers = [
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; "
                f"connect-src 'self' {api} {stream}; img-src data:; base-uri 'none'; "
                "form-action 'none'; frame-ancestors 'none'",
            ),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ]

    def handle(self, request: Request) -> Answer:
        if request.path == PATH:
            return self._answer(self._html, "text/html")
        name = request.path.removeprefix(f"{PATH}/")
        if name == "token":
            if not _is_local(request.headers.get("host", "")):
                return json_answer(403, b'{"error":"tokens are for pages on this machine"}')
            return self._token(parse_qs(request.query).get("user", [""])[0])
        file = self._library / name
        if "/" in name or file.suffix not in TYPES:
            return json_answer(404, b'{"error":"the page is at /bell"}')
        if not file.is_file():
            return json_answer(404, MISSING)
        return self._answer(file.read_bytes(), TYPES[file.suffix])

    def send(self, request: Request) -> Answer:
        """Send somebody an item. The answer has one line, once it was accepted or refused."""
        asked = {key: values[0] for key, values in parse_qs(request.query).items()}
        user_id, display_type = asked.get("user", ""), asked.get("display_type", "")
        # Only by leave of this server, which gives none, can another site's page send JSON.
        kind = request.headers.get("content-type")
        if kind != "application/json" or not _is_local(request.headers.get("host", "")):
            return json_answer(403, b'{"error":"only the page at /bell sends"}')
        if not user_id or display_type not in ITEMS:
            return json_answer(400, b'{"error":"?user= and ?display_type= are needed"}')
        feed = self._sender.send(user_id, display_type)
        headers = [("content-type", kind), *self._headers]
        return Answer(200, headers=headers, delivery=Delivery.LIVE, feed=feed)

    def _token(self, user_id: str) -> Answer:
        if not (self._secret and user_id):
            return json_answer(
                404, b'{"error":"?user= is needed, and a service beside the sandbox"}'
            )
        now = int(time.time())
        times = {"iat": now, "exp": now + TOKEN_SECONDS}
        token = sign({"sub": user_id, **times, **self._claims}, self._secret)
        return self._answer(token.encode(), "text/plain")

    def _answer(self, body: bytes, kind: str) -> Answer:
        headers = [("content-type", f"{kind}; charset=utf-8"), *self._headers]
        return Answer(200, body, headers)


class _Sender:
    """The app's other servers, in a thread of their own: the providers go on meanwhile."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._url = env.get("NOTIFIER_PUBLIC_URL", "")
        self._key = ""
        self._thread = ThreadPoolExecutor(max_workers=1)

    def send(self, user_id: str, display_type: str) -> Callable[[], bytes]:
        """Register a person and send them an item. Returns a feed of one line, the outcome."""
        sending = self._thread.submit(self._send, user_id, display_type)
        lines = iter([sending.result])

        def feed() -> bytes:
            if not sending.done() or (result := next(lines, None)) is None:
                return b""
            return orjson.dumps({"error": result()}) + b"\n"

        return feed

    def _send(self, user_id: str, display_type: str) -> str:
        """Return what went wrong, empty where nothing did."""
        if not self._url:
            return "The sandbox runs without a service: start it by `make up`"
        try:
            self._key = self._key or self._make_key()
            with NotifierClient(self._url, self._key) as client:
                client.upsert_recipient(user_id)
                content = ITEMS[display_type]
                client.notify_users(
                    [user_id], channels=["inbox"], display_type=display_type, **content
                )
        except (NotifierError, OSError, subprocess.CalledProcessError) as error:
            self._key = ""  # another one is made: the database may be a new one
            return str(error)
        return ""

    def _make_key(self) -> str:
        """Have the service make a publisher that may register people and send."""
        command = [sys.executable, "manage.py", "create_publisher", PUBLISHER, "--or-another-key"]
        command += ["--scopes", "directory:write,notifications:write", "--expires-days", "1"]
        done = subprocess.run(
            command, env=self._env, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout.strip()


def _is_local(host: str) -> bool:
    """Return whether a request's ``Host`` names this machine as nobody else's page can."""
    return host.removesuffix(f":{host.rpartition(':')[2]}") in LOCAL or host in LOCAL
