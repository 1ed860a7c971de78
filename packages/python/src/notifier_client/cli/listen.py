"""``listen``: status webhooks for a program on this machine."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import urllib3

from notifier_client import ConnectionFailed, NotifierClient, RateLimited, Unavailable
from notifier_client.cli.arguments import seconds
from notifier_client.cli.commands import Commands
from notifier_client.cli.exits import UsageError
from notifier_client.cli.output import Output, clean
from notifier_client.cli.signatures import new_secret, sign
from notifier_client.cli.watch import STATES, Event, Watch

#: Seconds that the program has to answer.
PATIENCE = 10.0


def add(commands: Commands) -> None:
    """Add the command."""
    listen = commands.add(
        "listen",
        _listen,
        "Print the messages that a status webhook would get, or forward them, signed, to a "
        "program on this machine.",
        """
notifier listen
notifier listen --event failed --event dead --json
notifier listen --forward-to http://localhost:3000/hooks --secret whsec_…
""",
    )
    listen.add_argument(
        "--event",
        action="append",
        choices=STATES,
        help="only deliveries that come into this state; may be repeated; by default all",
    )
    listen.add_argument("--forward-to", metavar="URL", help="POST each message there")
    listen.add_argument("--secret", help="sign with this one; by default with a new one")
    listen.add_argument(
        "--interval", type=seconds, default=1.0, metavar="SECONDS", help="between two polls (1)"
    )
    listen.add_argument("--count", type=int, metavar="N", help="end after so many messages")


def _listen(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    secret = arguments.secret or new_secret()
    sign(secret, "", b"")  # a wrong one is refused now, and not with the first message
    forward = _Forward(arguments.forward_to, secret) if arguments.forward_to else None
    watch = Watch(client, arguments.event or STATES)
    if forward is not None and not arguments.secret:
        print(f"notifier: messages are signed with {secret}", file=sys.stderr, flush=True)
    print(
        "notifier: listening to what becomes of your deliveries; Ctrl-C ends it",
        file=sys.stderr,
        flush=True,
    )
    left = arguments.count
    while True:
        for event in _poll(watch):
            if forward is not None:
                forward(event)
            out.row(json.loads(event.body), "\n".join(map(_line, event.deliveries)))
            if left is not None and (left := left - 1) <= 0:
                return
        time.sleep(arguments.interval)


def _poll(watch: Watch) -> Iterator[Event]:
    """Poll once; a service that is away or busy is polled again."""
    try:
        yield from watch.poll()
    except (ConnectionFailed, RateLimited, Unavailable) as error:
        print(clean(f"notifier: {error.detail}"), file=sys.stderr, flush=True)


class _Forward:
    """Sends messages to ``url``; says on stderr what does not arrive, and goes on."""

    def __init__(self, url: str, secret: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError("--forward-to is a URL: http://localhost:3000/hooks")
        self._url, self._secret = url, secret
        self._pool = urllib3.PoolManager(retries=False, timeout=PATIENCE)

    def __call__(self, event: Event) -> None:
        headers = {
            "content-type": "application/json",
            **sign(self._secret, event.id, event.body),
        }
        try:
            answer = self._pool.request("POST", self._url, body=event.body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            problem = f"does not answer: {error}"
        else:
            if 200 <= answer.status < 300:
                return
            problem = f"answered {answer.status}"
        print(clean(f"notifier: {self._url} {problem}"), file=sys.stderr, flush=True)


def _line(move: dict[str, Any]) -> str:
    words = [
        move["at"],
        f"delivery.{move['state']}",
        move["delivery_id"],
        move["channel"],
    ]
    return "  ".join([*words, move["user_id"], move["reason"]]).rstrip()
