"""Limits on log-in attempts: pauses that grow with the failures, kept in PostgreSQL.

Failures are counted per account and address, per address, and per account. An attempt is counted
before the password is checked, so that concurrent attempts gain nothing over sequential ones, and
is taken back if the password was right. The counts are in the database since nobody can log in
without it anyway: no second store can fail.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from prometheus_client import Counter

from apps.core import clock
from apps.operators.signin.models import OperatorSession
from apps.publishers.models import LogInLimit

LOG_INS = Counter(
    "notifier_log_ins_total",
    "Log-ins to the admin: accepted, refused (a wrong password, or no role), paused (tried too "
    "often) or failed (the OpenID provider does not answer, or not acceptably).",
    ["outcome"],
)


@dataclass(frozen=True, slots=True)
class Pauses:
    """The pauses of one kind of count.

    After ``free`` failures comes a pause of ``first`` seconds, which doubles with each further
    failure, up to ``longest`` seconds.
    """

    free: int
    first: int
    longest: int

    def after(self, failures: int) -> timedelta:
        """Return the pause after so many failures in a row."""
        if failures < self.free:
            return timedelta(0)
        return timedelta(seconds=min(self.longest, self.first * 2 ** min(failures - self.free, 20)))


#: Per account and address: somebody who forgot a password has a few attempts, a guesser about a
#: hundred a day.
PAIR = Pauses(free=5, first=10, longest=900)
#: Per address, against trying many accounts. An office behind one address makes mistakes, too.
ADDRESS = Pauses(free=30, first=10, longest=900)
#: Per account, against trying it from many addresses. It does not apply at addresses where the
#: account has logged in before: nobody can lock an operator out by failing in their name.
ACCOUNT = Pauses(free=100, first=10, longest=300)
#: Retention of counts after the last failure, and after a log-in.
FORGOTTEN, KNOWN = timedelta(days=1), timedelta(days=30)


class Paused(Exception):
    """The attempt is refused; the next one may come in ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@transaction.atomic
def charge(username: str | None, address: str | None) -> int:
    """Count an attempt as a failure; return the seconds of the pause that follows a failure.

    Where no ``username`` is tried, it counts for the address alone.

    Raises ``Paused``, and counts nothing then.
    """
    now = clock.moment()
    rows = _locked(username, address, now)
    for row, _ in rows:
        if row.until > now:
            raise Paused(math.ceil((row.until - now).total_seconds()))
    for row, pauses in rows:
        row.failures = 1 if row.at < now - FORGOTTEN else row.failures + 1
        row.at, row.until = now, now + pauses.after(row.failures)
    LogInLimit.objects.bulk_update([row for row, _ in rows], ["failures", "at", "until"])
    return math.ceil((max(row.until for row, _ in rows) - now).total_seconds())


@transaction.atomic
def clear(username: str | None, address: str | None) -> None:
    """Forget the account's failures at this address, and this attempt: the password was right."""
    now = clock.moment()
    rows = _locked(username, address, now)
    for row, pauses in rows:
        row.failures = 0 if pauses is PAIR else max(0, row.failures - 1)
        row.until = now + pauses.after(row.failures)
        row.succeeded_at = now if pauses is PAIR else None
    LogInLimit.objects.bulk_update([row for row, _ in rows], ["failures", "until", "succeeded_at"])


def purge() -> int:
    """Delete old counts, and sessions that are over; return how many rows."""
    now = clock.moment()
    old = Q(at__lt=now - FORGOTTEN, succeeded_at=None) | Q(at__lt=now - KNOWN)
    over = OperatorSession.objects.filter(expire_date__lt=now)
    return LogInLimit.objects.filter(old).delete()[0] + over.delete()[0]


def are_tried(within: timedelta) -> bool:
    """Return whether somebody failed to log in within that time, after having had to wait."""
    since = clock.moment() - within
    return LogInLimit.objects.filter(at__gt=since, failures__gt=PAIR.free).exists()


def _locked(
    username: str | None, address: str | None, now: datetime
) -> list[tuple[LogInLimit, Pauses]]:
    """Return the rows of the counts that apply, locked in the order of their keys."""
    where = address or ""
    measures = {_key("address", where): ADDRESS}
    if username is not None:
        account = username.casefold()
        measures |= {_key("pair", account, where): PAIR, _key("account", account): ACCOUNT}
    LogInLimit.objects.bulk_create(
        [LogInLimit(key=key, at=now, until=now) for key in sorted(measures)],
        ignore_conflicts=True,
    )
    found = LogInLimit.objects.select_for_update().filter(key__in=measures).order_by("key")
    rows = [(row, measures[row.key]) for row in found]
    known = any(row.succeeded_at is not None and row.succeeded_at > now - KNOWN for row, _ in rows)
    return [(row, pauses) for row, pauses in rows if not (known and pauses is ACCOUNT)]


def _key(*parts: str) -> str:
    """Hash what was typed, since people type passwords where names belong."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
