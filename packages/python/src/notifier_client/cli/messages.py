"""``send`` and ``publish``: their arguments are those of a notification."""

import argparse
import sys
from typing import Any

from notifier_client import (
    ConnectionFailed,
    Notification,
    NotifierClient,
    StillSending,
    Unavailable,
)
from notifier_client.cli.arguments import given, json_object, moment, pair, seconds, text_pair
from notifier_client.cli.commands import Commands
from notifier_client.cli.exits import UsageError
from notifier_client.cli.output import Output, clean

CHANNELS = ("push", "sms", "email", "webhook", "inbox")
PRIORITIES = ("high", "normal", "low")


def add(commands: Commands) -> None:
    """Add both."""
    send = commands.add(
        "send",
        _send,
        "Notify people or a group, and print the notification's id.",
        """
notifier send --to ada --to bo --title Shipped --body "Order 7 is on its way."
notifier send --to ada --template shipped --variable order:=7 --channel push --wait
echo "Disk full on $(hostname)" | notifier send --group on-call --body - --priority high
""",
    )
    who = send.add_mutually_exclusive_group(required=True)
    who.add_argument("--to", action="append", metavar="USER_ID", help="a person; may be repeated")
    who.add_argument("--group", metavar="NAME", help="everybody in a group of yours")
    _message(send)

    publish = commands.add(
        "publish",
        _publish,
        "Notify everybody subscribed to a topic, and print the notification's id.",
        """
notifier publish offers --title "Half price" --body "Until Sunday."
notifier publish offers --body "It begins." --at 2026-12-01T09:00+01:00
notifier publish offers --body "It begins." --at +15m
""",
    )
    publish.add_argument("topic", metavar="TOPIC")
    _message(publish)


def _message(parser: argparse.ArgumentParser) -> None:
    content = parser.add_argument_group("what", "A title or body, or a template.")
    content.add_argument("--title")
    content.add_argument("--body", help="the text; - reads it from standard input")
    content.add_argument("--data", type=json_object, metavar="JSON", help="an object for the app")
    content.add_argument("--template", metavar="NAME")
    content.add_argument(
        "--variable",
        action="append",
        type=pair,
        metavar="NAME=TEXT",
        help="a variable of the template; NAME:=JSON for what is no text; may be repeated",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--channel",
        action="append",
        choices=CHANNELS,
        help="only this one; may be repeated; by default wherever people can be reached",
    )
    how.add_argument("--priority", choices=PRIORITIES)
    how.add_argument("--category", metavar="NAME")
    how.add_argument("--at", type=moment, metavar="TIME", help="not before; +15m: in 15 minutes")
    how.add_argument("--expires", type=moment, metavar="TIME", help="not after")
    how.add_argument("--reference", metavar="TEXT", help="your own id of it, to find it by")
    how.add_argument(
        "--metadata",
        action="append",
        type=text_pair,
        metavar="NAME=TEXT",
        help="what else you know it by; may be repeated",
    )
    how.add_argument(
        "--key",
        metavar="KEY",
        help="an idempotency key: a command with the same one notifies nobody twice",
    )
    how.add_argument(
        "--wait",
        type=seconds,
        nargs="?",
        const=60.0,
        metavar="SECONDS",
        help="wait, 60 seconds at most, until all is sent, and print what became of it",
    )


def _send(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    message, key = _content(arguments), arguments.key
    if arguments.group is None:
        posted = client.notify_users(arguments.to, idempotency_key=key, **message)
    else:
        posted = client.notify_group(arguments.group, idempotency_key=key, **message)
    _report(client, posted, arguments.wait, out)


def _publish(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    posted = client.publish(arguments.topic, idempotency_key=arguments.key, **_content(arguments))
    _report(client, posted, arguments.wait, out)


def _content(arguments: argparse.Namespace) -> Any:
    """Return the keywords of ``Message``."""
    body = sys.stdin.read().rstrip("\n") if arguments.body == "-" else arguments.body
    if arguments.template is None and not (arguments.title or body or arguments.data):
        raise UsageError("Say what to send: --title, --body or --data, or --template.")
    if arguments.variable and arguments.template is None:
        raise UsageError("--variable is for a --template.")
    return given(
        title=arguments.title,
        body=body,
        data=arguments.data,
        template=arguments.template,
        variables=dict(arguments.variable) if arguments.variable else None,
        channels=arguments.channel,
        priority=arguments.priority,
        category=arguments.category,
        send_at=arguments.at,
        expires_at=arguments.expires,
        reference=arguments.reference,
        metadata=dict(arguments.metadata) if arguments.metadata else None,
    )


def _report(client: NotifierClient, posted: Notification, wait: float | None, out: Output) -> None:
    for warning in posted.warnings:
        print(clean(f"notifier: {warning['detail']}"), file=sys.stderr)
    if wait is None:
        out.row(posted, posted.id)
        return
    try:
        done = client.wait(posted.id, timeout=wait)
    except (ConnectionFailed, Unavailable) as error:  # a script must not send it once more
        detail = f"Notification {posted.id} was accepted. What became of it is not known: "
        raise StillSending(detail + error.detail) from error
    except KeyboardInterrupt:
        print(f"notifier: notification {posted.id} was accepted", file=sys.stderr)
        raise
    counts = [
        f"{channel}  {state}  {number}"
        for channel, states in done.counts.items()
        for state, number in states.items()
    ]
    out.row(done, "\n".join([f"{done.id}  {done.state}", *counts]))
