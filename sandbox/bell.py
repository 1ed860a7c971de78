"""The page at ``/bell``: the inboxes of two people side by side, by the library in ``packages``.

It calls the service that ``NOTIFIER_PUBLIC_URL`` and ``STREAM_PORT`` name, as an app's page would.
The sandbox plays that app's server: it makes people's tokens, with the service's own secret.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from notifier.security.tokens import sign
from sandbox.page import STATIC, TYPES
from sandbox.protocol.exchange import Answer, Request, json_answer

PATH = "/bell"
LIBRARY = Path(__file__).parent.parent / "packages" / "inbox" / "dist"
#: Seconds that a token is good for: short, so that pages have to ask for others.
TOKEN_SECONDS = 300
#: Hosts at which tokens are given: not one that anybody else's name leads to.
LOCAL = ("127.0.0.1", "localhost", "[::1]")
MISSING = b'{"error":"build the library: npm ci && npm run build, in packages/inbox"}'


class Bell:
    """The page and what it loads. ``env``: of the service, as ``stack`` gives it."""

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self._secret = env.get("NOTIFIER_INBOX_JWT_SECRET", "")
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

    def _token(self, user_id: str) -> Answer:
        if not (self._secret and user_id):
            return json_answer(
                404, b'{"error":"?user= is needed, and a service beside the sandbox"}'
            )
        now = int(time.time())
        token = sign({"sub": user_id, "iat": now, "exp": now + TOKEN_SECONDS}, self._secret)
        return self._answer(token.encode(), "text/plain")

    def _answer(self, body: bytes, kind: str) -> Answer:
        headers = [("content-type", f"{kind}; charset=utf-8"), *self._headers]
        return Answer(200, body, headers)


def _is_local(host: str) -> bool:
    """Return whether a request's ``Host`` names this machine as nobody else's page can."""
    return host.removesuffix(f":{host.rpartition(':')[2]}") in LOCAL or host in LOCAL
