"""``manage.py inbox_token ada``: print a token for ada's inbox, to try things out."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from notifier.domain.ids import user_ids
from notifier.security.tokens import sign


class Command(BaseCommand):
    """Print an end user's token."""

    help = (
        "Print a token for a person's inbox. It is signed with NOTIFIER_INBOX_JWT_SECRET, as your "
        "own service would sign it, and is valid for as long as a token may be."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user_id")

    def handle(self, *args: Any, **options: Any) -> None:
        trusted = settings.INBOX_TOKENS
        if not trusted["secret"]:
            raise CommandError("NOTIFIER_INBOX_JWT_SECRET is not set: nothing to sign with.")
        try:
            user_id = user_ids.check(options["user_id"])
        except ValueError as error:
            raise CommandError(str(error)) from None
        now = int(time.time())
        claims = {"sub": user_id, "iat": now, "exp": now + int(trusted["longest"])}
        for claim, value in (("iss", trusted["issuer"]), ("aud", trusted["audience"])):
            if value:
                claims[claim] = value
        self.stdout.write(sign(claims, trusted["secret"]))
