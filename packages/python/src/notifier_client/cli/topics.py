"""``topics``: topics and who is subscribed to them."""

import argparse

from notifier_client import NotifierClient
from notifier_client.cli.arguments import given
from notifier_client.cli.commands import Commands
from notifier_client.cli.messages import CHANNELS, PRIORITIES
from notifier_client.cli.output import Output


def add(commands: Commands) -> None:
    """Add the command with its own."""
    topics = commands.group(
        "topics",
        "List, create, change and delete topics, and subscribe people.",
        """
notifier topics create offers --display-name Offers --category marketing
notifier topics subscribe offers ada --channel push --channel inbox
notifier topics list --json
""",
    )
    topics.add("list", _list, "List the topics that you own or were granted.")
    for name, run, summary in (
        ("get", _get, "Show a topic."),
        ("delete", _delete, "Delete a topic of yours; what was published is still delivered."),
    ):
        topics.add(name, run, summary).add_argument("topic", metavar="TOPIC")
    create = topics.add("create", _create, "Create a topic.")
    update = topics.add("update", _update, "Change a topic of yours; the rest stays as it is.")
    for parser in (create, update):
        parser.add_argument("topic", metavar="TOPIC")
        parser.add_argument("--display-name", metavar="TEXT")
        parser.add_argument("--category", metavar="NAME")
        parser.add_argument("--priority", choices=PRIORITIES, help="of what names none")
        for option, text in (
            ("--mandatory", "whether nobody can refuse it"),
            ("--requires-confirmation", "whether people confirm a subscription"),
            ("--paused", "whether its deliveries wait"),
        ):
            parser.add_argument(option, action=argparse.BooleanOptionalAction, help=text)
    subscriptions = topics.add("subscriptions", _subscriptions, "List a topic's subscriptions.")
    subscriptions.add_argument("topic", metavar="TOPIC")
    subscribe = topics.add("subscribe", _subscribe, "Subscribe a person on channels.")
    unsubscribe = topics.add(
        "unsubscribe", _unsubscribe, "End a person's subscriptions, on some channels or all."
    )
    for parser, required in ((subscribe, True), (unsubscribe, False)):
        parser.add_argument("topic", metavar="TOPIC")
        parser.add_argument("user_id", metavar="USER_ID")
        parser.add_argument("--channel", action="append", choices=CHANNELS, required=required)


def _list(client: NotifierClient, _: argparse.Namespace, out: Output) -> None:
    columns = {
        "name": lambda topic: topic.name,
        "owner": lambda topic: topic.owner,
        "category": lambda topic: topic.category,
        "priority": lambda topic: topic.default_priority,
        "display name": lambda topic: topic.display_name,
    }
    out.rows(client.list_topics(), columns)


def _get(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    out.fields(client.get_topic(arguments.topic))


def _create(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    made = client.create_topic(arguments.topic, **_fields(arguments))
    out.row(made, made.name)


def _update(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    out.fields(client.update_topic(arguments.topic, **_fields(arguments)))


def _delete(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    client.delete_topic(arguments.topic)
    out.row({"deleted": arguments.topic}, f"{arguments.topic} is deleted")


def _subscriptions(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    columns = {
        "id": lambda one: one.id,
        "channel": lambda one: one.channel,
        "state": lambda one: one.state,
        "who": lambda one: one.user_id or one.address,
    }
    out.rows(client.list_subscriptions(arguments.topic), columns)


def _subscribe(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    made = client.subscribe(arguments.topic, user_id=arguments.user_id, channels=arguments.channel)
    for one in made:
        out.row(one, f"{one.id}  {one.channel}  {one.state}")


def _unsubscribe(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    ended = client.unsubscribe(
        arguments.topic, user_id=arguments.user_id, channels=arguments.channel
    )
    out.row({"unsubscribed": ended}, f"{ended} ended")


def _fields(arguments: argparse.Namespace) -> dict[str, object]:
    return given(
        display_name=arguments.display_name,
        category=arguments.category,
        default_priority=arguments.priority,
        mandatory=arguments.mandatory,
        requires_confirmation=arguments.requires_confirmation,
        paused=arguments.paused,
    )
