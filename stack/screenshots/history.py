"""An hour of attempts by the minute, so that the charts of the screenshots have lines.

Run inside the service: ``manage.py shell -c "from stack.screenshots.history import make; make()"``.
"""

import math
import random
from datetime import datetime, timedelta

from apps.core import clock
from apps.delivery.models import MinuteCount
from notifier.domain import histograms

MINUTES = 65
#: Minutes that are written ahead, since a browser has to start before the pictures are taken.
AHEAD = 10
#: By channel and provider: calls a minute, how many of a thousand fail, and the median of their
#: durations in milliseconds. The last is None where nobody is called.
PROVIDERS: tuple[tuple[str, str, int, int, int | None], ...] = (
    ("push", "fcm", 420, 4, 90),
    ("email", "sendgrid", 260, 8, 160),
    ("sms", "twilio", 90, 12, 210),
    ("inbox", "inbox", 500, 0, None),
)
#: The minutes ago in which a provider fails more often, and how many of a thousand.
TROUBLE, FAILING = range(22, 31), 350


def make() -> None:
    """Write attempts of the last hour, the same ones each time."""
    chance = random.Random(7)
    now = clock.moment().replace(second=0, microsecond=0)
    rows = [
        row
        for ago in range(-AHEAD, MINUTES)
        for channel, provider, usual, failing, median in PROVIDERS
        for row in _minute(
            chance,
            now - timedelta(minutes=ago),
            (channel, provider),
            round(usual * (1 + 0.35 * math.sin(ago / 9)) * chance.uniform(0.85, 1.15)),
            FAILING if provider == "twilio" and ago in TROUBLE else failing,
            median,
        )
    ]
    MinuteCount.objects.bulk_create(rows, ignore_conflicts=True)


def _minute(
    chance: random.Random,
    minute: datetime,
    of: tuple[str, str],
    calls: int,
    failing: int,
    median: int | None,
) -> list[MinuteCount]:
    """Return the calls of one provider in a minute: accepted ones, and those that failed."""
    failed = round(calls * failing / 1000)
    parts = [("accepted", "", calls - failed), ("retry", "provider_error", failed)]
    return [
        MinuteCount(
            minute=minute,
            channel=of[0],
            provider=of[1],
            outcome=outcome,
            reason=reason,
            slot=0,
            count=number,
            delivered=0 if reason else round(number * 0.97),
            latencies=_latencies(chance, number, median),
        )
        for outcome, reason, number in parts
        if number
    ]


def _latencies(chance: random.Random, number: int, median: int | None) -> list[int] | None:
    """Return two histograms: of how long the calls took, and of a tenth's waits for them."""
    if median is None:
        return None
    found = [[0] * histograms.BUCKETS for _ in range(2)]
    for place in range(number):
        found[0][histograms.bucket(chance.lognormvariate(math.log(median), 0.35))] += 1
        if place % 10 == 0:
            found[1][histograms.bucket(chance.lognormvariate(math.log(35), 0.4))] += 1
    return found[0] + found[1]
