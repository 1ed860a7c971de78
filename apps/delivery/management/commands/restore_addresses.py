"""Restore addresses that a provider's error disabled and suppressed, after a wrong configuration.

For example: ``manage.py restore_addresses fcm --error UNREGISTERED --since 2026-11-28T10:00``.
"""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.core import clock
from apps.delivery.flow import lost_addresses
from apps.preferences.contacts import restoration
from apps.preferences.contacts.restoration import Cause
from apps.publishers import audit

#: Age of the oldest changes listed where no provider is named.
RECENT = timedelta(days=30)


class Command(BaseCommand):
    """The ``restore_addresses`` command."""

    help = (
        "Enable the contacts and lift the suppressions that one provider's error caused, and turn "
        "the deliveries that failed because of it into dead letters, to be redriven. Without a "
        "provider: list what could be restored. People who opted out or complained stay suppressed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("provider", nargs="?", help="name in the settings, such as fcm")
        parser.add_argument(
            "--error", help="the provider's own code, such as UNREGISTERED; any by default"
        )
        parser.add_argument(
            "--since", type=_moment, help="start, ISO 8601, such as 2026-11-28T10:00Z"
        )
        parser.add_argument("--until", type=_moment, help="end, ISO 8601, exclusive")
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["provider"]:
            self._list(options["since"])
            return
        if options["since"] is None:
            raise CommandError("Give --since: the time from which on the provider was wrong.")
        span = {name: options[name] for name in ("since", "until") if options[name] is not None}
        cause = Cause(options["provider"], options["error"], **span)
        if options["dry_run"]:
            contacts, suppressions = restoration.count(cause)
            self.stdout.write(
                f"{contacts:,} contacts would be enabled, {suppressions:,} suppressions lifted."
            )
            if not contacts and not suppressions:
                self._list_causes(cause)
            return
        with transaction.atomic():
            audit.record(None, "restore", "lost_addresses", cause.provider, after=_shown(cause))
        done = lost_addresses.restore(cause)
        self.stdout.write(
            f"{done.contacts:,} contacts are enabled, {done.suppressions:,} suppressions lifted; "
            f"{done.dead_letters:,} deliveries are dead letters now: redrive them."
        )
        contacts, suppressions = restoration.count(cause)
        if contacts or suppressions:
            self.stdout.write(
                f"{contacts:,} contacts and {suppressions:,} suppressions are left, which "
                "something else was changing: run this again."
            )
        elif not done.contacts and not done.suppressions:
            self._list_causes(cause)

    def _list_causes(self, cause: Cause) -> None:
        """List what was lost: a cause that nothing was lost to may be misspelt."""
        rows = restoration.summaries(cause.since)
        listed = ", ".join(f"{row.provider} {row.error or '-'}" for row in rows)
        self.stdout.write(f"Lost since then, as provider and error: {listed or 'nothing'}.")

    def _list(self, since: datetime | None) -> None:
        since = since or clock.moment() - RECENT
        rows = list(restoration.summaries(since))
        if not rows:
            self.stdout.write(f"No address was lost since {since:%Y-%m-%dT%H:%M:%SZ}.")
        for row in rows:
            self.stdout.write(
                f"{row.provider} {row.error or '-'}: {row.contacts:,} contacts, "
                f"{row.suppressions:,} suppressions, {row.first:%Y-%m-%dT%H:%M:%SZ} to "
                f"{row.last:%Y-%m-%dT%H:%M:%SZ}"
            )


def _moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no time: write 2026-11-28T10:00Z")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _shown(cause: Cause) -> dict[str, str | None]:
    return {
        "error": cause.error,
        "since": cause.since.isoformat(),
        "until": cause.until.isoformat(),
    }
