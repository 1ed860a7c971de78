"""``manage.py revoke_key k3x9mw2abc --family``: revoke a key and the keys that it made."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.publishers import audit, keys, services
from apps.publishers.models import ApiKey


class Command(BaseCommand):
    """Revoke an API key."""

    help = "Revoke an API key and every key that it made, at once and for good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="the key, or the part of it between ntf_ and the next _")
        parser.add_argument(
            "--family",
            action="store_true",
            help="also revoke the keys that it replaced or that replaced it by rotation, and the "
            "keys that those made",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # A leaked key may be given as a whole; its secret is neither checked nor printed.
        parts = keys.split(options["prefix"])
        prefix = parts[0] if parts else options["prefix"]
        with transaction.atomic():
            key = ApiKey.objects.filter(prefix=prefix).first()
            if key is None:
                raise CommandError(f"There is no key {prefix[:16]}. The admin lists all of them.")
            ended = services.revoke_key(key, family=options["family"])
            audit.record_revocations(None, key.publisher_id, ended, prefix)
        self.stdout.write(f"Revoked: {', '.join(ended) or 'none, all had been'}.")
