"""``notifications``, ``deliveries`` and ``why``: find what was sent, and what became of it."""

import argparse
import time
from collections.abc import Iterator

from notifier_client import Delivery, NotifierClient
from notifier_client.cli.arguments import past
from notifier_client.cli.commands import Commands
from notifier_client.cli.exits import UsageError
from notifier_client.cli.messages import CHANNELS
from notifier_client.cli.output import Columns, Output

#: Seconds between two polls.
PAUSE = 1.0
STATES = ("scheduled", "sending", "done", "cancelled")
#: Columns that people see of a delivery.
_COLUMNS: Columns = {
    "id": lambda one: one.id,
    "channel": lambda one: one.channel,
    "who": lambda one: one.user_id,
    "address": lambda one: one.address,
    "state": lambda one: one.state,
    "why": lambda one: one.reason_text or one.reason,
}


def add(commands: Commands) -> None:
    """Add all three."""
    notifications = commands.add(
        "notifications",
        _notifications,
        "List your notifications, newest first, or those that meet all of the criteria.",
        """
notifier notifications --reference order-7
notifier notifications --to ada --state done --since 24h
notifier notifications --topic offers --json | head -1
""",
    )
    notifications.add_argument("--reference", metavar="TEXT", help="what you posted it with")
    notifications.add_argument(
        "--to", metavar="USER_ID", help="with a delivery to this person, in the order of those"
    )
    notifications.add_argument("--topic", metavar="NAME")
    notifications.add_argument("--category", metavar="NAME")
    notifications.add_argument("--state", choices=STATES)
    notifications.add_argument(
        "--since", type=past, metavar="TIME", help="accepted then or later; 24h: a day ago"
    )
    notifications.add_argument("--until", type=past, metavar="TIME", help="accepted before then")

    deliveries = commands.add(
        "deliveries",
        _deliveries,
        "List the deliveries of a notification, or to a person; or follow a notification's.",
        """
notifier deliveries 01a3b6f4-8f0e-7c3a-9d2e-0123456789ab --state failed
notifier deliveries --to ada --since 24h
notifier deliveries "$(notifier publish offers --body Hello)" --follow
""",
    )
    deliveries.add_argument("notification", metavar="NOTIFICATION", nargs="?", help="its id")
    deliveries.add_argument(
        "--to", metavar="USER_ID", help="in place of NOTIFICATION: those of all to this person"
    )
    deliveries.add_argument(
        "--since", type=past, metavar="TIME", help="with --to: made then or later"
    )
    deliveries.add_argument("--state", help="only those in this state")
    deliveries.add_argument("--channel", choices=CHANNELS, help="only those on this channel")
    deliveries.add_argument("--follow", action="store_true", help="print each change as it happens")
    why = commands.add(
        "why",
        _why,
        "Say why somebody got a notification or did not, on every channel.",
        """
notifier why dlv_k3f9x2ab_81
""",
    )
    why.add_argument("delivery", metavar="DELIVERY", help="its id, dlv_…")


def _notifications(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    found = client.list_notifications(
        reference=arguments.reference,
        user_id=arguments.to,
        topic=arguments.topic,
        category=arguments.category,
        state=arguments.state,
        since=arguments.since,
        until=arguments.until,
    )
    columns = {
        "id": lambda one: one.id,
        "accepted": lambda one: one.created_at,
        "state": lambda one: one.state,
        "reference": lambda one: one.reference,
        "topic": lambda one: one.topic,
        "template": lambda one: (one.template or {}).get("name"),
        "channels": lambda one: one.channels,
    }
    out.rows(found, columns)


def _deliveries(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    if (arguments.notification is None) == (arguments.to is None):
        raise UsageError("Name either a notification or, with --to, a person.")
    wanted = {"state": arguments.state, "channel": arguments.channel}
    if arguments.to is not None:
        if arguments.follow:
            raise UsageError("--follow is for a notification.")
        found = client.deliveries_to(arguments.to, since=arguments.since, **wanted)
        out.rows(found, {"notification": lambda one: one.notification_id, **_COLUMNS})
        return
    if arguments.since is not None:
        raise UsageError("--since goes with --to.")
    if arguments.follow:
        for one in changes(client, arguments.notification, **wanted):
            text = f"{one.channel:7}  {one.user_id or one.address or '':20}  {one.state:10}"
            out.row(one, f"{one.id}  {text}  {one.reason_text or one.reason}".rstrip())
        return
    out.rows(client.deliveries(arguments.notification, **wanted), _COLUMNS)


def changes(
    client: NotifierClient, notification_id: str, **wanted: str | None
) -> Iterator[Delivery]:
    """Iterate over deliveries as their states change, until nothing more is to be sent."""
    known: dict[str, tuple[str, str]] = {}
    while True:
        # Before the deliveries: what ends it is among those that are read then.
        done = client.get_notification(notification_id).done
        for delivery in client.deliveries(notification_id, **wanted):
            now = (delivery.state, delivery.reason)
            if known.get(delivery.id) != now:
                known[delivery.id] = now
                yield delivery
        if done:
            return
        time.sleep(PAUSE)


def _why(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    found = client.explain_delivery(arguments.delivery)
    lines = [found.headline, *(sentence.text for sentence in found.sentences)]
    for channel, sentences in found.channels.items():
        lines += ["", f"{channel}:", *(f"  {sentence.text}" for sentence in sentences)]
    out.row(found, "\n".join(lines))
