"""``manage.py create_publisher shop``: create a publisher and print its first key, once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug
from django.db import transaction

from apps.core import clock
from apps.publishers import audit, services
from apps.publishers.models import Publisher
from apps.publishers.scopes import DIRECTORY, PUBLISHING, Scope, no_such_scope


class Command(BaseCommand):
    """Create a publisher or an API key."""

    help = "Create a publisher, or another key for one, and print the key. It is shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="letters, digits, - and _")
        parser.add_argument("--display-name", default="")
        allowed = parser.add_mutually_exclusive_group()
        allowed.add_argument(
            "--directory",
            action="store_true",
            help="the key registers recipients and their contacts, and posts nothing",
        )
        allowed.add_argument(
            "--scopes",
            default=",".join(PUBLISHING),
            help="separated by commas; by default those that posting notifications needs",
        )
        parser.add_argument(
            "--without-high",
            action="store_true",
            help="the key may not post at high priority, which is for what cannot wait",
        )
        parser.add_argument(
            "--critical",
            action="store_true",
            help="the key may post what nobody can refuse: one-time passwords, security",
        )
        parser.add_argument(
            "--expires-days", type=int, help="the key's lifetime; unlimited by default"
        )
        existing = parser.add_mutually_exclusive_group()
        existing.add_argument(
            "--another-key",
            action="store_true",
            help="only make a key, for a publisher that exists",
        )
        existing.add_argument(
            "--or-another-key",
            action="store_true",
            help="make a key, and the publisher unless it exists",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        named = DIRECTORY if options["directory"] else options["scopes"].split(",")
        scopes = {scope.strip() for scope in named}
        if options["without_high"]:
            scopes.discard(Scope.NOTIFICATIONS_HIGH)
        if options["critical"]:
            scopes.add(Scope.NOTIFICATIONS_CRITICAL)
        for scope in sorted(scopes - set(Scope)):
            raise CommandError(no_such_scope(scope))
        try:
            validate_slug(name)
        except ValidationError:
            raise CommandError("A name has letters, digits, - and _ only.") from None
        days = options["expires_days"]
        if days is not None and days < 1:
            raise CommandError("A key lives for at least one day.")
        expires_at = clock.moment() + timedelta(days=days) if days else None
        with transaction.atomic():
            publisher = Publisher.objects.filter(name=name).first()
            if options["another_key"]:
                if publisher is None:
                    raise CommandError(f"There is no publisher {name}.")
            elif publisher is None:
                publisher = services.create_publisher(name, options["display_name"])
                audit.record(None, "create", "publisher", name, publisher_id=publisher.pk)
            elif not options["or_another_key"]:
                raise CommandError(f"{name} exists. --another-key makes another key for it.")
            key, text = services.create_key(publisher.pk, scopes, expires_at=expires_at)
            audit.record(
                None,
                "create",
                "api_key",
                key.prefix,
                publisher_id=publisher.pk,
                after={"scopes": key.scopes, "expires_days": days, "made_by": key.made_by},
            )
        self.stderr.write(f"The key of {name}. Keep it: it is not shown again.")
        self.stdout.write(text)
