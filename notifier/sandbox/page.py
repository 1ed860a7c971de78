"""The page at ``/``: what arrived lately, in plain HTML."""

import datetime
from html import escape
from itertools import islice
from urllib.parse import parse_qs

from notifier.sandbox.behaviours import WORDS
from notifier.sandbox.exchange import Answer, Request
from notifier.sandbox.ledger import Entry, Ledger

ROWS = 100
CHANNELS = ("push", "sms", "email", "webhook")
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #1a7f37; --bad: #c62828 }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #ff7b72 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem;
       padding: 0 1.5rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2.2rem 0 .6rem }
.quiet { opacity: .7 }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: 600; font-size: .85rem }
th, td { padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line);
         vertical-align: top }
.number { text-align: right; font-variant-numeric: tabular-nums }
code { font: .85rem ui-monospace, monospace; overflow-wrap: anywhere }
.good { color: var(--good) } .bad { color: var(--bad) }
form { display: flex; gap: .5rem; flex-wrap: wrap; margin-bottom: .8rem }
input, select, button { font: inherit; padding: .25rem .6rem; border: 1px solid var(--line);
                        border-radius: 6px; background: var(--soft); color: inherit }
summary { cursor: pointer } pre { white-space: pre-wrap; font-size: .8rem; margin: .4rem 0 }
"""


class Page:
    """``webhooks`` is the URL below which every name is a receiver."""

    def __init__(self, ledger: Ledger, webhooks: str) -> None:
        self._ledger = ledger
        self._webhooks = webhooks

    def handle(self, request: Request) -> Answer:
        asked = {key: values[0] for key, values in parse_qs(request.query).items()}
        channel, address = asked.get("channel", ""), asked.get("address", "")
        entries = list(islice(self._ledger.newest(channel=channel, address=address), ROWS))
        html = (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>Notifier sandbox</title><style>{STYLE}</style>"
            "<h1>Notifier sandbox</h1>"
            '<p class="quiet">Stands in for FCM, APNs, Twilio, SendGrid, a mail server and your '
            "webhook. Nothing that arrives here reaches anyone.</p>"
            f"<p>Webhooks are received at <code>{escape(self._webhooks)}NAME</code>, whatever "
            "the name.</p>"
            f"<h2>Providers</h2>{self._counts()}"
            f"<h2>Latest messages</h2>{_filter(channel, address)}{_messages(entries)}"
            f"<h2>Addresses that ask for trouble</h2>{_behaviours()}"
        )
        return Answer(200, html.encode(), [("content-type", "text/html; charset=utf-8")])

    def _counts(self) -> str:
        rows = []
        for provider, counts in self._ledger.counts().items():
            statuses = ", ".join(f"{s}: {n:,}" for s, n in sorted(counts["by_status"].items()))
            numbers = (counts["requests"], counts["messages"], counts["accepted"])
            cells = "".join(f'<td class="number">{number:,}' for number in numbers)
            alarm = ' class="number bad"' if counts["duplicates"] else ' class="number"'
            rows.append(
                f"<tr><td>{provider}{cells}<td{alarm}>{counts['duplicates']:,}<td>{statuses}"
            )
        heads = "".join(
            f'<th class="number">{head}'
            for head in ("Requests", "Messages", "Accepted", "Duplicates")
        )
        return f"<table><tr><th>Provider{heads}<th>Answers{''.join(rows)}</table>"


def _filter(channel: str, address: str) -> str:
    options = "".join(
        f"<option{' selected' if name == channel else ''}>{name}</option>" for name in CHANNELS
    )
    return (
        '<form><select name="channel" aria-label="Channel"><option value="">every channel'
        f'</option>{options}</select><input name="address" size="40" aria-label="Address" '
        f'placeholder="exact address" value="{escape(address)}"><button>Show</button></form>'
    )


def _messages(entries: list[Entry]) -> str:
    if not entries:
        return '<p class="quiet">Nothing yet.</p>'
    rows = "".join(_row(entry) for entry in entries)
    return (
        "<table><tr><th>Time (UTC)<th>Provider<th>Address<th>Answer<th>Delivery"
        f"<th>Content{rows}</table>"
    )


def _row(entry: Entry) -> str:
    at = datetime.datetime.fromtimestamp(entry.at, datetime.UTC)
    kind = "good" if entry.accepted else "bad"
    text = entry.body.decode("utf-8", "replace")
    return (
        f"<tr><td>{at:%H:%M:%S}.{at.microsecond // 1000:03d}<td>{entry.provider}"
        f"<td><code>{escape(entry.address)}</code>"
        f'<td class="{kind}">{entry.status or "none"} {escape(entry.note)}'
        f"<td><code>{escape(entry.delivery_id)}</code>"
        f"<td><details><summary>{entry.size:,} bytes</summary>"
        f"<pre>{escape(text)}</pre></details>"
    )


def _behaviours() -> str:
    rows = "".join(
        f"<tr><td><code>{word}</code><td><code>{code}</code><td>{escape(what)}"
        for word, (code, what) in WORDS.items()
    )
    examples = "".join(
        f"<tr><td>{where}<td><code>{example}</code><td>{meaning}"
        for where, example, meaning in (
            ("FCM token", "anything-sandbox-500x2-anything", "fails twice, then heals"),
            ("Email", "429x1_3.anna@sandbox.example", "429 once, with Retry-After: 3"),
            ("Webhook URL", "/webhook/orders?behave=slow_5", "answers after 5 s"),
            ("Phone", "+1500555<b>T</b><b>CCC</b>, +15005552500", "T times (0: always), code CCC"),
            (
                "APNs token",
                "facade<b>CCC</b><b>TT</b><b>NN</b>…, facade4290103…",
                "code, times (00: always), seconds (00: default), then any hex",
            ),
        )
    )
    return (
        f"<table><tr><th>Word<th>Code<th>What happens{rows}</table><p>Written as "
        "<code>word</code>, <code>wordxTIMES</code>, <code>word_SECONDS</code> or "
        "<code>wordxTIMES_SECONDS</code>; times are counted per address.</p>"
        f"<table><tr><th>Where<th>Example<th>Meaning{examples}</table>"
    )
