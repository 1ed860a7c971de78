"""``manage.py held``: list what is held after a restore, release it or cancel it.

For example: ``manage.py held --cancel --older-than 1h --category codes``.
"""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.core import clock
from apps.delivery.holding import ending, selection
from apps.delivery.holding.selection import Filter
from apps.publishers import audit

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    """The ``held`` command."""

    help = (
        "List what `manage.py hold` has had wait, by publisher, channel and category; with "
        "--release or --cancel end that, for all that matches."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--release", action="store_true", help="send it")
        what.add_argument("--cancel", action="store_true", help="never send it")
        parser.add_argument(
            "--older-than", type=_span, metavar="2h", help="accepted so long ago: 90s, 5m, 2h, 1d"
        )
        parser.add_argument("--channel")
        parser.add_argument("--category", help='by name; "" is none')
        parser.add_argument("--publisher", help="by name")
        parser.add_argument("--all", action="store_true", help="release or cancel all of it")

    def handle(self, *args: Any, **options: Any) -> None:
        ending.forget_ended()
        older = options["older_than"]
        wanted = Filter(
            clock.moment() - older if older is not None else None,
            options["channel"],
            options["category"],
            options["publisher"],
        )
        if not options["release"] and not options["cancel"]:
            self._list(wanted)
            return
        if (wanted == Filter()) != options["all"]:
            raise CommandError("Say which, by age, channel, category or publisher, or --all.")
        action = "release" if options["release"] else "cancel"
        with transaction.atomic():
            audit.record(None, action, "held_work", "held", after=wanted.shown())
        ended = ending.release(wanted) if options["release"] else ending.cancel(wanted)
        done = "released" if options["release"] else "cancelled"
        self.stdout.write(
            f"{ended.deliveries:,} deliveries are {done}, and {ended.chunks:,} parts of audiences "
            "whose deliveries were not made yet."
        )

    def _list(self, wanted: Filter) -> None:
        groups = selection.groups(wanted)
        if not groups:
            self.stdout.write("Nothing is held.")
        for group in groups:
            self.stdout.write(
                f"{group.publisher}, {group.channel or 'all channels'}, "
                f"{group.category or 'no category'}: {group.number:,}, accepted "
                f"{group.oldest:%Y-%m-%dT%H:%M:%SZ} to {group.newest:%Y-%m-%dT%H:%M:%SZ}"
            )


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no span of time: write 90s, 5m, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
