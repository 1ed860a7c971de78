"""``manage.py lift_suppression email ada@example.com --reason "she wrote to us"``: lift one."""

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from rest_framework.serializers import ValidationError

from apps.preferences import selectors
from apps.preferences.api.fields import PLATFORMS, parse_address
from apps.preferences.channels import all_channels
from apps.preferences.consent import suppressions
from apps.publishers import audit


class Command(BaseCommand):
    """Lift the suppression of an address."""

    help = "Lift the suppression of an address, whatever its reason."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("channel")
        parser.add_argument("address")
        parser.add_argument("--platform", choices=PLATFORMS, default="", help="of a device token")
        parser.add_argument("--reason", required=True, help="why; it is recorded in the trail")

    def handle(self, *args: Any, **options: Any) -> None:
        channel, why = options["channel"], options["reason"].strip()
        if channel not in all_channels():
            known = ", ".join(all_channels())
            raise CommandError(f"There is no channel {channel}. There are: {known}.")
        if not why:
            raise CommandError("Say why with --reason.")
        try:
            address = parse_address(channel, options["address"], options["platform"])
        except ValidationError as error:
            by_field = cast(Mapping[str, Iterable[object]], error.detail)
            raise CommandError(" ".join(map(str, by_field["address"]))) from None
        with transaction.atomic():
            row = selectors.suppression_of(channel, address).select_for_update().first()
            if row is None:
                raise CommandError("This address is not suppressed.")
            before = {"channel": row.channel, "address": row.masked, "reason": row.reason}
            audit.record(
                None, "delete", "suppression", str(row.pk), before=before, after={"why": why}
            )
            suppressions.lift([row], why)
        self.stdout.write(f"{row.masked} is sent to again; it was suppressed as {row.reason}.")
