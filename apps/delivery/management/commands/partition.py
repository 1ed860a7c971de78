"""``manage.py partition``: partition the large tables by day, while the service runs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.delivery.maintenance.partitions import moving
from apps.delivery.maintenance.partitions.locks import Busy, Slow
from apps.delivery.maintenance.partitions.tables import IndexInvalid


class Command(BaseCommand):
    """The ``partition`` command."""

    help = (
        "Partition the tables of notifications and deliveries by day, while the service runs, so "
        "that old days are dropped as a whole. For millions of deliveries a day; once, when no "
        "process of an earlier version runs any more. Whatever interrupts it leaves plain tables, "
        "and a run of the same day (UTC) reads none again that was read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--undo",
            action="store_true",
            help="make plain tables of them again, by copying all rows; stop all processes first",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        undo = options["undo"]
        act = moving.undo if undo else moving.partition_all
        try:
            number = act(self.stdout.write)
        except Slow as error:
            raise CommandError(
                "A table was not read in time, before its rows of the day after tomorrow come, or "
                "the switch took too long. Nothing has changed; try again when less goes on."
            ) from error
        except Busy as error:
            raise CommandError(
                "Another run is at work, or others have held a table for an hour: see "
                "pg_stat_activity for long transactions and autovacuum. Nothing has changed."
            ) from error
        except IndexInvalid as error:
            raise CommandError(
                f"Building an index was interrupted, which is invalid since: {error}. Run "
                "manage.py migrate again, or drop it. Nothing has changed."
            ) from error
        if number:
            self.stdout.write(f"{number} tables are {'plain again' if undo else 'partitioned'}.")
        else:
            already = "not partitioned" if undo else "partitioned already"
            self.stdout.write(f"There is nothing to do: the tables are {already}.")
