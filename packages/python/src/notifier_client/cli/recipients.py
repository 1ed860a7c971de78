"""``recipients``: people and their addresses."""

import argparse
from typing import Any

from notifier_client import REMOVE, NotifierClient
from notifier_client.cli.arguments import given, pair
from notifier_client.cli.commands import Commands
from notifier_client.cli.output import Output


def add(commands: Commands) -> None:
    """Add the command with its own."""
    recipients = commands.group(
        "recipients",
        "List, show, create and change people.",
        """
notifier recipients put ada --email ada@example.com --time-zone Europe/Vienna
notifier recipients put ada --phone "" --attribute city=Vienna
notifier recipients get ada --json
""",
    )
    recipients.add("list", _list, "List all recipients.")
    get = recipients.add("get", _get, "Show a recipient, addresses masked.")
    preferences = recipients.add("preferences", _preferences, "List a recipient's preferences.")
    put = recipients.add(
        "put", _put, "Create or change a recipient; what is left out stays as it is."
    )
    for parser in (get, preferences, put):
        parser.add_argument("user_id", metavar="USER_ID")
    put.add_argument("--email", metavar="ADDRESS", help='in place of all others; "" removes them')
    put.add_argument("--phone", metavar="NUMBER", help='in place of all others; "" removes them')
    put.add_argument("--name", help="for templates")
    put.add_argument("--locale", metavar="TAG", help="a language: de-AT")
    put.add_argument("--time-zone", metavar="ZONE", help="Europe/Vienna")
    put.add_argument(
        "--attribute",
        action="append",
        type=pair,
        metavar="NAME=TEXT",
        help="for templates; these replace all others; NAME:=JSON for what is no text",
    )


def _list(client: NotifierClient, _: argparse.Namespace, out: Output) -> None:
    columns = {
        "user_id": lambda person: person.user_id,
        "locale": lambda person: person.locale,
        "time zone": lambda person: person.time_zone,
    }
    out.rows(client.list_recipients(), columns)


def _get(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    out.fields(client.get_recipient(arguments.user_id))


def _preferences(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    columns = {
        "allowed": lambda one: "yes" if one.allowed else "no",
        "channel": lambda one: one.channel or "any",
        "topic": lambda one: one.topic or "any",
        "category": lambda one: one.category or "any",
    }
    out.rows(client.get_preferences(arguments.user_id), columns)


def _put(client: NotifierClient, arguments: argparse.Namespace, out: Output) -> None:
    fields: dict[str, Any] = given(
        email=REMOVE if arguments.email == "" else arguments.email,
        phone=REMOVE if arguments.phone == "" else arguments.phone,
        name=arguments.name,
        locale=arguments.locale,
        time_zone=arguments.time_zone,
        attributes=dict(arguments.attribute) if arguments.attribute else None,
    )
    written = client.upsert_recipient(arguments.user_id, **fields)
    out.row(written, written.user_id)
