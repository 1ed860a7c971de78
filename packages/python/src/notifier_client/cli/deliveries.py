"""``deliveries`` and ``why``: what became of a notification, and of one delivery."""

import argparse
import time
from collections.abc import Iterator
from itertools import islice

from notifier_client import Delivery, NotFound, NotifierClient
from notifier_client.cli.commands import Commands
from notifier_client.cli.messages import CHANNELS
from notifier_client.cli.output import Output, cell

#: Seconds between two looks.
PAUSE = 1.0
#: Newest notifications in which a delivery is looked for where nobody says whose it is.
LOOKED_THROUGH = 50
#: Deliveries of each of them that are looked at: a blast has a million.
OF_EACH = 1_000


def add(commands: Commands) -> None:
    """Add both."""
    deliveries = commands.add(
        "deliveries",
        _deliveries,
        "List a notification's deliveries, or follow them until nothing more is sent.",
        """
notifier deliveries 01a3b6f4-8f0e-7c3a-9d2e-0123456789ab --state failed
notifier deliveries "$(notifier publish offers --body Hello)" --follow
""",
    )
    deliveries.add_argument("notification", metavar="NOTIFICATION", help="its id")
    deliveries.add_argument("--state", help="only those in this state")
    deliveries.add_argument("--channel", choices=CHANNELS, help="only those on this channel")
    deliveries.add_argument("--follow", action="store_true", help="print each change as it happens")
    why = commands.add(
        "why",
        _why,
        "Say what became of one delivery, and why.",
        """
notifier why dlv_k3f9x2ab_81
notifier why dlv_k3f9x2ab_81 --of 01a3b6f4-8f0e-7c3a-9d2e-0123456789ab
""",
    )
    why.add_argument("delivery", metavar="DELIVERY", help="its id, dlv_…")
    why.add_argument(
        "--of",
        metavar="NOTIFICATION",
        help=f"the notification; by default dead letters and the newest {LOOKED_THROUGH} "
        "notifications are looked through",
    )


def _deliveries(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    wanted = {"state": arguments.state, "channel": arguments.channel}
    if arguments.follow:
        for one in changes(client, arguments.notification, **wanted):
            text = f"{one.channel:7}  {one.user_id or one.address or '':20}  {one.state:10}"
            out.row(one, f"{one.id}  {text}  {one.reason_text or one.reason}".rstrip())
        return
    columns = {
        "id": lambda one: one.id,
        "channel": lambda one: one.channel,
        "who": lambda one: one.user_id,
        "address": lambda one: one.address,
        "state": lambda one: one.state,
        "why": lambda one: one.reason_text or one.reason,
    }
    out.rows(client.deliveries(arguments.notification, **wanted), columns)


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
    delivery = _find(client, arguments.delivery, arguments.of)
    out.row(delivery, "\n".join(_sentences(delivery)))


def _find(client: NotifierClient, delivery_id: str, notification_id: str | None) -> Delivery:
    most: int | None = OF_EACH
    if notification_id is not None:
        places, most = [notification_id], None
    else:
        try:
            return client.get_dead_letter(delivery_id)
        except NotFound:
            newest = islice(client.list_notifications(), LOOKED_THROUGH)
            places = [notification.id for notification in newest]
    for place in places:
        for delivery in islice(client.deliveries(place), most):
            if delivery.id == delivery_id:
                return delivery
    if notification_id is not None:
        raise NotFound(
            f"Notification {notification_id} has no delivery {delivery_id}.", type="not-found"
        )
    raise NotFound(
        f"{delivery_id} is in none of your newest {LOOKED_THROUGH} notifications: name its "
        "notification with --of.",
        type="not-found",
    )


def _sentences(delivery: Delivery) -> Iterator[str]:
    who = delivery.user_id or "a bare endpoint"
    where = f" at {delivery.address}" if delivery.address else ""
    yield f"{delivery.id} is {delivery.state}: {delivery.channel} to {who}{where}."
    if why := delivery.reason_text or delivery.reason:
        yield f"Why: {why}"
    for attempt in delivery.attempts:
        status = f" ({attempt.status})" if attempt.status else ""
        detail = attempt.detail or attempt.reason
        yield (
            f"Attempt {attempt.number} at {cell(attempt.started_at)}: {attempt.provider} "
            f"{attempt.outcome}{status} after {attempt.duration_ms} ms"
            + (f": {detail}" if detail else ".")
        )
    for receipt in delivery.receipts:
        detail = receipt.detail or receipt.reason
        yield f"Receipt at {cell(receipt.at)}: {receipt.event}" + (f": {detail}" if detail else ".")
    if delivery.next_attempt_at is not None:
        yield f"Next attempt at {cell(delivery.next_attempt_at)}."
    if delivery.instead_of:
        yield f"Sent in place of {delivery.instead_of}."
    if delivery.told_in:
        yield f"Told in {delivery.told_in}, together with others."
