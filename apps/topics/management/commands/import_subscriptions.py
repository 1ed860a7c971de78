"""``manage.py import_subscriptions news people.csv``: subscribe millions, reporting progress."""

import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from django.core.management.base import BaseCommand, CommandError

from apps.publishers import audit
from apps.topics.selectors import TopicSnapshot, get_topic
from apps.topics.subscriptions import csv_import, csv_lines

#: The counters to report: see ``csv_import.Progress``.
COUNTED = ("lines", "imported", "present", "subscriptions", "rejected")
READERS = {"csv": csv_import.read_csv, "jsonl": csv_import.read_jsonl}


class Command(BaseCommand):
    """Import subscriptions from a file."""

    help = (
        "Subscribe what a file lists to a topic. CSV has a header with some of user_id, channels "
        "(separated by |), channel, address, platform and app; JSON lines have the same fields. "
        "Lines that cannot be imported go to FILE.rejected with their numbers and reasons, and "
        "the exit status is 1 then. Running it again, after an interruption or with the lines "
        "corrected, is safe: existing subscriptions stay as they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("topic")
        parser.add_argument("file", help=".csv or .jsonl; - reads standard input")
        parser.add_argument("--format", choices=READERS, help="by default the file's extension")
        parser.add_argument(
            "--encoding",
            default="",
            help="of a file without a byte order mark; utf-8 if left out, cp1252 for old Excel",
        )
        parser.add_argument(
            "--create-recipients",
            action="store_true",
            help="make recipients of user_ids that are not known yet",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        topic = get_topic(options["topic"])
        if topic is None:
            raise CommandError(f"There is no topic {options['topic']!r}.")
        path = options["file"]
        kind = options["format"] or Path(path).suffix.lstrip(".")
        if kind not in READERS:
            raise CommandError("Say --format csv or --format jsonl.")
        rejects = Path("stdin.rejected" if path == "-" else f"{path}.rejected")
        try:
            with (
                csv_lines.decoded(_opened(path), options["encoding"]) as file,
                rejects.open("w", encoding="utf-8") as rejected,
            ):
                lines = READERS[kind](file)
                batches = csv_import.run(
                    topic, lines, create_recipients=options["create_recipients"]
                )
                refused = self._follow(topic, batches, rejected)
        except OSError as error:
            raise CommandError(str(error)) from None
        except ValueError as error:  # an unknown encoding, or an invalid header
            raise CommandError(str(error)) from None
        if refused:
            raise CommandError(f"{refused:,} lines were not imported; {rejects} says why.")
        rejects.unlink()

    def _follow(self, topic: TopicSnapshot, batches: Any, rejected: TextIO) -> int:
        """Print progress about once a second; return how many lines were rejected."""
        started = printed = time.monotonic()
        total: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
        try:
            for batch in batches:
                total.update({name: getattr(batch, name) for name in COUNTED[:-1]})
                total["rejected"] += len(batch.rejected)
                for line, reason in batch.rejected:
                    rejected.write(f"{line}\t{reason}\n")
                if time.monotonic() - printed >= 1:
                    printed = time.monotonic()
                    self._print(total, printed - started)
        finally:  # batches imported before an interruption stay
            audit.record(
                None,
                "import",
                "subscription",
                topic.name,
                publisher_id=topic.publisher_id,
                after=dict(total),
            )
        self._print(total, time.monotonic() - started)
        return total["rejected"]

    def _print(self, total: Mapping[str, int], seconds: float) -> None:
        self.stdout.write(
            f"{total['lines']:,} lines: {total['imported']:,} imported, "
            f"{total['present']:,} already there, {total['rejected']:,} rejected; "
            f"{total['subscriptions']:,} subscriptions, "
            f"{total['lines'] / max(seconds, 0.001):,.0f} lines/s"
        )
        self.stdout.flush()


def _opened(path: str) -> BinaryIO:
    return sys.stdin.buffer if path == "-" else open(path, "rb")
