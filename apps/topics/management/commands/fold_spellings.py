"""``manage.py fold_spellings``: run it once the last process of an older version has stopped."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.publishers import audit
from apps.topics import spelling_migration


class Command(BaseCommand):
    """Fold spellings that older processes wrote."""

    help = (
        "Fold the spellings of email addresses and categories that processes of an older version "
        "wrote after `migrate`, as migrate did with those before. Run it once the last of those "
        "processes has stopped; it is safe to run again, and beside the new ones."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what there is to do")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        try:
            counts = spelling_migration.fold(dry_run=dry_run)
        except spelling_migration.NotMigrated:
            raise CommandError("Run migrate first.") from None
        if not dry_run and any(counts.values()):
            audit.record(None, "fold", "spelling", "", after=dict(counts))
        would = "would be" if dry_run else "were"
        self.stdout.write(
            f"{counts['contacts']:,} contacts {would} found in every spelling, "
            f"{counts['merged']:,} {would} merged with another of their owner's.\n"
            f"{counts['suppressions']:,} suppressions {would} moved to the address, "
            f"{counts['marked']:,} {would} marked until their address is seen.\n"
            f"The category of {counts['topics']:,} topics, and what {counts['people']:,} people "
            f"prefer, {would} written in small letters."
        )
        if counts["unreadable"]:
            self.stderr.write(
                f"{counts['unreadable']:,} addresses could not be read and are as they were: their "
                "encryption key is not among NOTIFIER_ENCRYPTION_KEYS."
            )
