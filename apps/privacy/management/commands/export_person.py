"""``manage.py export_person ada``: print everything that is held about a person."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.preferences.selectors import find_recipient
from apps.privacy import export


class Command(BaseCommand):
    """The ``export_person`` command."""

    help = "Print everything that is held about a person, as one JSON document."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user_id")

    def handle(self, *args: Any, **options: Any) -> None:
        row = find_recipient(options["user_id"])
        if row is None:
            raise CommandError("There is no such recipient.")
        export.record(None, row)
        for piece in export.document(row):
            self.stdout.write(piece.decode(), ending="")
