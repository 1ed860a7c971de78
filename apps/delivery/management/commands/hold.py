"""``manage.py hold``: have everything wait that is open in a database which was just restored."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from apps.delivery.holding import holding, restore_detection
from apps.publishers import audit

#: Seconds between two looks at leases that have not run out.
EVERY = 1.0


class Command(BaseCommand):
    """The ``hold`` command."""

    help = (
        "After a restore, before any other process starts: have what is open wait until it is "
        "released or cancelled (manage.py held). What is accepted afterwards is sent at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--none",
            action="store_true",
            help="hold nothing: have processes start with a database that lacks what came since",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("Migrations are pending: run manage.py migrate first, then this.")
        if options["none"]:
            with transaction.atomic():
                restore_detection.rename()
                audit.record(None, "hold", "open_work", "nothing")
            self.stdout.write("Nothing is held: what is open is sent once processes start.")
            return
        old = holding.begin()
        said = False
        while holding.in_the_air(old):
            if not said:
                self.stdout.write("Waiting for leases of before to run out …")
                said = True
            time.sleep(EVERY)
        held = holding.hold(old)
        with transaction.atomic():
            restore_detection.rename()
            audit.record(None, "hold", "open_work", "everything", after=held._asdict())
        self.stdout.write(
            f"{held.deliveries:,} deliveries are held, and about {held.people:,} people whose "
            "deliveries were not made yet."
        )
        for name in settings.HOLDS_BESIDE_DELIVERIES:
            for sentence in import_string(name)():
                self.stdout.write(sentence)
        self.stdout.write("manage.py held lists them, and releases or cancels them.")
