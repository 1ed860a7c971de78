"""``manage.py revoke_key k3x9mw2abc --family``: end a key and what it made."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.publishers import audit, services
from apps.publishers.models import ApiKey


class Command(BaseCommand):
    help = "Revoke an API key and every key that it made, at once and for good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the part of the key between ntf_ and the next _")
        parser.add_argument(
            "--family",
            action="store_true",
            help="also the keys that it replaced or that replaced it, and what those made",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        prefix = options["prefix"]
        with transaction.atomic():
            key = ApiKey.objects.filter(prefix=prefix).first()
            if key is None:
                raise CommandError(f"There is no key {prefix}. The admin lists all of them.")
            ended = services.revoke_key(key, family=options["family"])
            audit.revoked(None, key.publisher_id, ended, prefix)
        self.stdout.write(f"Revoked: {', '.join(ended) or 'none, all had been'}.")
