"""``manage.py reset_second_factor ada``: let an operator log in with the password alone."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.operators.signin import second_factor, session_list
from apps.publishers import audit


class Command(BaseCommand):
    """Remove an operator's second factor."""

    help = "Remove an operator's second factor and recovery codes, as for a lost phone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no operator {options['username']}.")
        with transaction.atomic():
            removed = second_factor.remove(user)
            if removed:
                audit.record(None, "reset_second_factor", "user", user.get_username())
                session_list.end(None, user)
        self.stdout.write("Removed." if removed else "There was none.")
