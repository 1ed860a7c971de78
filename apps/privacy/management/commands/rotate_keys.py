"""``manage.py rotate_keys``: encrypt everything anew under the first key of the settings."""

import sys
import time
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from apps.core import clock
from apps.preferences.vault import keyring
from apps.privacy.keys import rotation, usage
from apps.privacy.keys.columns import COLUMNS, EncryptedColumn

#: Passes at most: a second one finds what writers had locked, or wrote with the old key, meanwhile.
PASSES = 3
#: Seconds between two lines about the same column.
EVERY = 5.0


class Command(BaseCommand):
    """The ``rotate_keys`` command. Exits with 1 while something needs another key."""

    help = (
        "Encrypt everything anew under the first key of NOTIFIER_ENCRYPTION_KEYS, beside the "
        "running service, and say whether the others can go. Interrupted, start it again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only count what needs other keys")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            usage.note()
        left = self._left()
        for _ in range(0 if options["check"] else PASSES):
            if not left:
                break
            for column in left:
                self._rewrite(column)
            left = self._left()
        self._conclude(left, checked=options["check"])
        if left:
            sys.exit(1)

    def _left(self) -> dict[EncryptedColumn, Counter[int]]:
        """Return how many values of each column have which other key, of those that have some."""
        found = {column: rotation.others(column) for column in COLUMNS}
        return {column: keys for column, keys in found.items() if keys}

    def _rewrite(self, column: EncryptedColumn) -> None:
        rows, unreadable, said = 0, 0, time.monotonic()
        began = time.monotonic()
        for batch in rotation.rewrite(column):
            rows += batch.rewritten
            unreadable += batch.unreadable
            now = time.monotonic()
            if now - said > EVERY:
                self.stdout.write(f"{column}: {rows:,} rows so far")
                said = now
            time.sleep(now - began)  # half of the time is the service's
            began = time.monotonic()
        self.stdout.write(f"{column}: {rows:,} rows are encrypted anew")
        if unreadable:
            self.stdout.write(f"{column}: {unreadable:,} rows cannot be decrypted, and stay")

    def _conclude(self, left: dict[EncryptedColumn, Counter[int]], *, checked: bool) -> None:
        present = keyring().present
        for column, keys in left.items():
            for key, number in sorted(keys.items()):
                what = "name no key" if key == rotation.NO_KEY else f"are encrypted with key {key}"
                self.stdout.write(f"{column}: {number:,} {what}")
        if left:
            needed = set[int]().union(*left.values()) - {rotation.NO_KEY}
            if needed:
                shown = ", ".join(map(str, sorted(needed)))
                self.stdout.write(f"Needed beside key {present}: {shown}.")
            if not checked:
                self.stdout.write(
                    f"Restart every process with key {present} first, and run this again. What "
                    "cannot be decrypted needs a key that is missing."
                )
            return
        self.stdout.write(f"Everything is encrypted with key {present}.")
        if not checked:
            usage.retire_others()
        earlier = ", ".join(str(key) for key in usage.of_keys() if key != present)
        if not earlier:
            return
        ends = usage.links_end()
        if ends is not None and ends > clock.moment():
            self.stdout.write(
                f"Links in messages that were made with {earlier} are valid until {ends:%Y-%m-%d}; "
                "until then keep it, or give NOTIFIER_LINK_KEYS what links need "
                "(docs/privacy.md#rotate-the-encryption-key)."
            )
        else:
            self.stdout.write(f"Nothing needs {earlier} any more: take it out.")
