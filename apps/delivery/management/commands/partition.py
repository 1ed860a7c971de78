"""``manage.py partition``: partition the large tables by day, while the service runs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.delivery.maintenance.partitions import moving
from apps.delivery.maintenance.partitions.locks import Busy


class Command(BaseCommand):
    """The ``partition`` command."""

    help = (
        "Partition the tables of notifications and deliveries by day, while the service runs, so "
        "that old days are dropped as a whole. For millions of deliveries a day; once, when no "
        "process of an earlier version runs any more. Whatever interrupts it leaves plain tables."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--undo",
            action="store_true",
            help="make plain tables of them again, by copying all rows; stop all processes first",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        act = moving.undo if options["undo"] else moving.partition_all
        try:
            number = act(self.stdout.write)
        except Busy as error:
            raise CommandError(
                "Another run is at work, or others have held a table for an hour: see "
                "pg_stat_activity for long transactions and autovacuum. Nothing has changed."
            ) from error
        if not number:
            self.stdout.write("There is nothing to do.")
