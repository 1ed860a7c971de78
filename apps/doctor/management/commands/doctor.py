"""``manage.py doctor``: check the configuration, and say for each finding what to do."""

import json
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.doctor.checks import (
    alerts,
    broker,
    certificates,
    database,
    keys,
    machine,
    providers,
    redis,
    sign_in,
)
from apps.doctor.checks import settings as own
from apps.doctor.findings import Check, Finding, Level, Options

#: In the order in which they are run; ``keys`` reads the database that the first looks for.
CHECKS: tuple[Check, ...] = (
    own.check,
    database.check,
    keys.check,
    broker.check,
    redis.check,
    sign_in.check,
    providers.check,
    certificates.check,
    alerts.check,
    machine.check,
)


class Command(BaseCommand):
    """Check the configuration. Exits with 1 if there is an error."""

    help = "Check the configuration and the servers that it names; exits with 1 on an error."
    requires_system_checks = []  # they are one of the checks

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a JSON document")
        parser.add_argument(
            "--call",
            action="store_true",
            help="connect to providers, too; nothing is sent to them",
        )
        parser.add_argument(
            "--processes",
            type=_processes,
            default=_processes(""),
            metavar="all=1,push=2",
            help="how many of each process run on all hosts together, by default one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        looking = Options(options["processes"], options["call"])
        findings = [finding for check in CHECKS for finding in check(looking)]
        if options["json"]:
            rows = [finding._asdict() for finding in findings]
            self.stdout.write(json.dumps({"findings": rows}, indent=1))
        else:
            for finding in findings:
                self._write(finding)
        if any(finding.level == Level.ERROR for finding in findings):
            sys.exit(1)

    def _write(self, finding: Finding) -> None:
        style = {Level.ERROR: self.style.ERROR, Level.WARNING: self.style.WARNING}
        level = style.get(finding.level, self.style.SUCCESS)(f"{finding.level:<8}")
        self.stdout.write(f"{level} {finding.about:<12} {finding.message}")
        if finding.remedy:
            self.stdout.write(f"{'':<21} → {finding.remedy}")


def _processes(text: str) -> dict[str, int]:
    """Parse ``all=1,push=2`` into numbers of processes by name."""
    parts = [part for part in text.split(",") if part]
    if wrong := [part for part in parts if not re.fullmatch(r"\w+=\d+", part)]:
        raise ArgumentTypeError(f"numbers of processes are written push=2,sms=2, not {wrong[0]}")
    numbers = {name: int(number) for name, _, number in (part.partition("=") for part in parts)}
    every = numbers.pop("all", 1)
    known = [one.name for one in settings.PROCESSES]
    if unknown := numbers.keys() - set(known):
        raise ArgumentTypeError(f"there is no process {', '.join(sorted(unknown))}")
    return {name: numbers.get(name, every) for name in known}
