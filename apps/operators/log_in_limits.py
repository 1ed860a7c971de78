"""Limits on log-in attempts: pauses that grow with the failures, kept in PostgreSQL.

Failures are counted per account and address, per address, and per account. An attempt is counted
before the password is checked, so that concurrent attempts gain nothing over sequential ones, and
is taken back if the password was right. The counts are in the database since nobody can log in
without it anyway: no second store can fail.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Q
from prometheus_client import Counter

from apps.core import clock
from apps.operators.signin.models import OperatorSession, UsedLogOut
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
#: Per address, against beginning log-ins at the provider, each of which writes a session. Whoever
#: turns back there has failed at nothing, so the pause stays short.
BEGINNINGS = Pauses(free=100, first=10, longest=60)
#: Per address, against log-outs that the provider has not signed. They may come from its own
#: address, if many share it, so the pause stays short.
LOG_OUTS = Pauses(free=30, first=10, longest=60)


class Kind(NamedTuple):
    """A kind of attempt, with counts of its own. ``address``: the pauses of an address."""

    prefix: tuple[str, ...]
    address: Pauses


PASSWORD = Kind((), ADDRESS)
SECOND_FACTOR = Kind(("second factor",), ADDRESS)
#: The way to the OpenID provider, its answers, and the log-outs that it orders.
TO_PROVIDER = Kind(("to the provider",), BEGINNINGS)
FROM_PROVIDER = Kind(("from the provider",), ADDRESS)
LOG_OUT = Kind(("log-out",), LOG_OUTS)
#: Retention of counts after the last failure, and after a log-in.
FORGOTTEN, KNOWN = timedelta(days=1), timedelta(days=30)


class Paused(Exception):
    """The attempt is refused; the next one may come in ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@transaction.atomic
def charge(username: str | None, address: str | None, kind: Kind = PASSWORD) -> int:
    """Count an attempt as a failure; return the seconds of the pause that follows a failure.

    Where no ``username`` is tried, it counts for the address alone.

    Raises ``Paused``, and counts nothing then.
    """
    rows = _locked(username, address, kind)
    now = clock.moment()  # after those who had them locked, whose pauses of no length are over
    for row, _ in rows:
        if row.until > now:
            raise Paused(math.ceil((row.until - now).total_seconds()))
    for row, pauses in rows:
        row.failures = 1 if row.at < now - FORGOTTEN else row.failures + 1
        row.at, row.until = now, now + pauses.after(row.failures)
    LogInLimit.objects.bulk_update([row for row, _ in rows], ["failures", "at", "until"])
    return math.ceil((max(row.until for row, _ in rows) - now).total_seconds())


@transaction.atomic
def clear(username: str | None, address: str | None, kind: Kind = PASSWORD) -> None:
    """Forget the account's failures at this address, and this attempt: it was right."""
    rows = _locked(username, address, kind)
    now = clock.moment()
    for row, pauses in rows:
        row.failures = 0 if pauses in (PAIR, BEGINNINGS, LOG_OUTS) else max(0, row.failures - 1)
        row.until = now + pauses.after(row.failures)
        row.succeeded_at = now if pauses is PAIR else None
    LogInLimit.objects.bulk_update([row for row, _ in rows], ["failures", "until", "succeeded_at"])


def purge() -> int:
    """Delete old counts, and sessions and log-outs that are over; return how many rows."""
    now = clock.moment()
    old = Q(at__lt=now - FORGOTTEN, succeeded_at=None) | Q(at__lt=now - KNOWN)
    over = OperatorSession.objects.filter(expire_date__lt=now)
    used = UsedLogOut.objects.filter(until__lt=now)
    return sum(rows.delete()[0] for rows in (LogInLimit.objects.filter(old), over, used))


def are_tried(within: timedelta) -> bool:
    """Return whether somebody failed to log in within that time, after having had to wait."""
    since = clock.moment() - within
    long_pause = Q(until__gt=F("at") + timedelta(seconds=PAIR.first))
    return LogInLimit.objects.filter(long_pause, at__gt=since).exists()


def _locked(
    username: str | None, address: str | None, kind: Kind
) -> list[tuple[LogInLimit, Pauses]]:
    """Return the rows of the counts that apply, locked in the order of their keys."""
    now, where = clock.moment(), address or ""
    measures = {_key(*kind.prefix, "address", where): kind.address}
    if username is not None:
        account = username.casefold()
        measures[_key(*kind.prefix, "pair", account, where)] = PAIR
        measures[_key(*kind.prefix, "account", account)] = ACCOUNT
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
