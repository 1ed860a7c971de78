"""The page at ``/``: messages as their recipients would see them, as they arrive.

Its files are in ``static``. Messages are sent as data (``live``) and never inserted as markup, and
the content security policy allows no other scripts.
"""

import shlex
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from sandbox.behaviours import PROVIDERS, WORDS, Behaviours
from sandbox.credentials import Ports
from sandbox.ledger import Ledger
from sandbox.live import Live
from sandbox.protocol.exchange import Answer, Delivery, Request, json_answer

PATH = "/page/"
STATIC = Path(__file__).parent / "static"
TYPES = {".js": "text/javascript", ".css": "text/css"}
#: Inline styles are allowed for mails; nothing that a mail refers to is loaded.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
]
#: Kind of a magic address, an example, and its behaviour.
MAGIC = (
    ("FCM token", "anything-sandbox-500x2-anything", "fails twice, then heals"),
    ("APNs token", "facade4290103…", "code 429, once, Retry-After 3; then any hex"),
    ("phone", "+15005552500", "fails twice: +1500555, times (0: always), code"),
    ("email", "429x1_3.anna@sandbox.example", "429 once, with Retry-After: 3"),
    ("webhook", "/webhook/orders?behave=slow_5", "answers after 5 s"),
)


class Page:
    """The page. ``ports``: of the providers; ``directory``: where ``settings.env`` is."""

    def __init__(
        self, ledger: Ledger, behaviours: Behaviours, ports: Ports, directory: Path
    ) -> None:
        self._ledger = ledger
        self._behaviours = behaviours
        html = Template((STATIC / "page.html").read_text()).substitute(
            settings=escape(f"set -a; . {shlex.quote(f'{directory}/settings.env')}; set +a"),
            https=f"https://{ports.host}:{ports.https}",
            apns=f"https://{ports.host}:{ports.apns}",
            smtp=f"{ports.host}:{ports.smtp}",
            words=_words(),
            magic=_magic(),
            **_options(),
        )
        self._files = {
            f"{PATH}{file.name}": _answer(file.read_bytes(), TYPES[file.suffix])
            for file in STATIC.iterdir()
            if file.suffix in TYPES
        }
        self._files["/"] = _answer(html.encode(), "text/html")

    def handle(self, request: Request) -> Answer:
        if request.path == f"{PATH}live":
            return self._live(request)
        found = self._files.get(request.path)
        return found or json_answer(404, b'{"error":"the page is at /"}')

    def _live(self, request: Request) -> Answer:
        asked = {key: values[0] for key, values in parse_qs(request.query).items()}
        live = Live(
            self._ledger,
            self._behaviours,
            channel=asked.get("channel", ""),
            part=asked.get("address", ""),
            last=request.headers.get("last-event-id") or asked.get("last", ""),
        )
        headers = [("content-type", "text/event-stream"), *HEADERS]
        return Answer(200, b"", headers, delivery=Delivery.LIVE, feed=live.news)


def _answer(body: bytes, kind: str) -> Answer:
    return Answer(200, body, [("content-type", f"{kind}; charset=utf-8"), *HEADERS])


def _options() -> dict[str, str]:
    return {
        "provider_options": "".join(f"<option>{name}</option>" for name in PROVIDERS),
        "word_options": "".join(
            f'<option value="{word}" title="{escape(what)}">{word}</option>'
            for word, (_, what) in WORDS.items()
        ),
    }


def _words() -> str:
    return "".join(
        f"<tr><td><code>{word}</code><td><code>{code}</code><td>{escape(what)}"
        for word, (code, what) in WORDS.items()
    )


def _magic() -> str:
    return "".join(
        f"<tr><td>{where}<td><code>{escape(example)}</code><td>{escape(meaning)}"
        for where, example, meaning in MAGIC
    )
