"""``manage.py import_subscriptions news people.csv``: subscribe millions, with progress."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError

from apps.publishers import audit
from apps.topics import importing
from apps.topics.selectors import TopicSnapshot, get_topic

READERS = {"csv": importing.read_csv, "jsonl": importing.read_jsonl}


class Command(BaseCommand):
    help = (
        "Subscribe what a file lists to a topic. CSV has a header with some of user_id, channels "
        "(separated by |), channel, address, platform and app; JSON lines have the same fields. "
        "Lines that cannot be imported go to FILE.rejected with their numbers. Starting again "
        "after an interruption is safe."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("topic")
        parser.add_argument("file", help=".csv or .jsonl; - reads standard input")
        parser.add_argument("--format", choices=READERS, help="where the name does not tell")
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
            with _opened(path) as file, rejects.open("w", encoding="utf-8") as rejected:
                lines = READERS[kind](file)
                batches = importing.run(
                    topic, lines, create_recipients=options["create_recipients"]
                )
                refused = self._follow(topic, batches, rejected)
        except OSError as error:
            raise CommandError(str(error)) from None
        except ValueError as error:  # a header that names no columns of ours
            raise CommandError(str(error)) from None
        if refused:
            self.stdout.write(f"{refused:,} lines were not imported; {rejects} says why.")
        else:
            rejects.unlink()

    def _follow(self, topic: TopicSnapshot, batches: Any, rejected: TextIO) -> int:
        """Print progress about once a second; how many lines were rejected."""
        started = told = time.monotonic()
        lines = subscriptions = refused = 0
        try:
            for batch in batches:
                lines += batch.lines
                subscriptions += batch.subscriptions
                refused += len(batch.rejected)
                for line, reason in batch.rejected:
                    rejected.write(f"{line}\t{reason}\n")
                if time.monotonic() - told >= 1:
                    told = time.monotonic()
                    self._tell(lines, subscriptions, refused, told - started)
        finally:  # what was imported before an interruption stays
            audit.record(
                None,
                "import",
                "subscription",
                topic.name,
                publisher_id=topic.publisher_id,
                after={"lines": lines, "subscriptions": subscriptions, "rejected": refused},
            )
        self._tell(lines, subscriptions, refused, time.monotonic() - started)
        return refused

    def _tell(self, lines: int, subscriptions: int, refused: int, seconds: float) -> None:
        self.stdout.write(
            f"{lines:,} lines, {subscriptions:,} subscriptions, {refused:,} rejected, "
            f"{lines / max(seconds, 0.001):,.0f} lines/s"
        )
        self.stdout.flush()


def _opened(path: str) -> Any:
    # Bytes that are not UTF-8 cost their line and not the import.
    how: dict[str, Any] = {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": ""}
    if path == "-":
        return open(sys.stdin.fileno(), **how)
    return open(path, **how)
