"""Tickets: one-use credentials in a URL that open one stream in place of a token."""

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection

from apps.core import clock, old_rows
from apps.inbox.models import Ticket

#: Time for which a ticket can be used.
VALID = timedelta(seconds=60)
_FORM = re.compile(r"[\w-]{43}", re.ASCII)
_REDEEM = """
DELETE FROM inbox_ticket WHERE digest = %s
RETURNING user_id, token_expires_at, expires_at > %s
"""
_FORGET = """
DELETE FROM inbox_ticket WHERE id IN
    (SELECT id FROM inbox_ticket WHERE expires_at < %(before)s LIMIT %(most)s)
"""


class Issued(NamedTuple):
    """A new ticket, which nobody can read again."""

    ticket: str
    expires_at: datetime


class Admission(NamedTuple):
    """The owner of a ticket, and when the token that it was issued for expires (unix seconds)."""

    user_id: str
    expires_at: float


def issue(user_id: str, token_expires_at: float) -> Issued:
    """Issue a ticket to a person. It opens the stream for as long as their token would."""
    ticket, now = secrets.token_urlsafe(32), clock.moment()
    row = Ticket.objects.create(
        digest=_digest(ticket),
        user_id=user_id,
        expires_at=now + VALID,
        token_expires_at=datetime.fromtimestamp(token_expires_at, UTC),
    )
    return Issued(ticket, row.expires_at)


def is_one(text: str) -> bool:
    """Return whether a text has the form of a ticket."""
    return _FORM.fullmatch(text) is not None


def redeem(ticket: str) -> Admission | None:
    """Use a ticket up; return ``None`` where it is unknown, expired or used."""
    with connection.cursor() as cursor:
        cursor.execute(_REDEEM, [_digest(ticket), clock.moment()])
        found = cursor.fetchone()
    if found is None or not found[2]:
        return None
    return Admission(found[0], found[1].timestamp())


def forget() -> int:
    """Delete expired tickets; return how many."""
    return old_rows.delete(_FORGET, clock.moment())


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()
