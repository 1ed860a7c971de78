"""``manage.py erase_person ada``: erase a person, and wait until nothing names them."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.privacy import erasure
from apps.privacy.models import Erasure, ErasureState

#: Seconds between two looks at what workers are still sending to the person.
EVERY = 1.0


class Command(BaseCommand):
    """The ``erase_person`` command."""

    help = (
        "Erase a person: addresses, choices, inbox, and every mention in notifications, deliveries "
        "and trails. It cannot be undone. Interrupted, it goes on in the background."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user_id")

    def handle(self, *args: Any, **options: Any) -> None:
        row = erasure.begin(options["user_id"], None)
        if row is None:
            raise CommandError("There is no such recipient, and there was none.")
        if row.state == ErasureState.ERASING:
            self.stdout.write("Nobody finds or reaches them any more. Erasing the rest …")
        while not erasure.go_on(row.pk):
            time.sleep(EVERY)
        row = Erasure.objects.get(pk=row.pk)
        self.stdout.write(
            f"Erased, from {row.deliveries:,} deliveries too. The erasure {row.pk} says so."
        )
