"""``manage.py alerts``: list what fires, or send a test to everybody who is told of alerts."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.alerts import operator_notices
from apps.alerts.messages.notices import Event, Notice
from apps.alerts.models import Alert
from apps.alerts.rules import RULES
from apps.core import clock


class Command(BaseCommand):
    """List what fires. With ``--test``, send a test; exits with 1 if it could not be sent."""

    help = "List the alerts that fire; --test sends a test to everybody who is told of alerts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--test", action="store_true", help="send a test by mail and webhook")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["test"]:
            self._test()
        else:
            self._list()

    def _list(self) -> None:
        firing = [row for row in Alert.objects.order_by("began_at", "pk") if row.fires]
        for row in firing:
            self.stdout.write(
                f"{row.rule.severity:<7} {row.name:<28} since {row.began_at:%Y-%m-%d %H:%M} UTC  "
                f"{row.summary}. {row.detail}"
            )
        if not firing:
            self.stdout.write("No alert fires.")

    def _test(self) -> None:
        ways = [way for way in operator_notices.TARGETS if way.is_set()]
        if not ways:
            self.stdout.write(
                "Nobody is told of alerts: set NOTIFIER_ALERT_EMAILS or NOTIFIER_ALERT_WEBHOOK_URL."
            )
            sys.exit(1)
        rule = next(iter(RULES))
        alert = Alert(name=rule, about="nobody", detail="Nothing is wrong.", since=clock.moment())
        sent = [
            (way.name, operator_notices.attempt(way, [Notice(Event.TEST, alert)])) for way in ways
        ]
        for name, worked in sent:
            self.stdout.write(f"{name}: {'sent' if worked else 'not sent, see the log'}")
        if not all(worked for _, worked in sent):
            sys.exit(1)
