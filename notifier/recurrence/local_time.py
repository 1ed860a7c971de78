"""From what a zone's clocks show to UTC, and back."""

from datetime import UTC, datetime, tzinfo

from notifier.domain.times import local_time

#: The form of a local time, to the minute.
FORMAT = "%Y-%m-%dT%H:%M"


def instant(local: datetime, zone: tzinfo) -> datetime:
    """Return the moment, in UTC, at which the clocks of ``zone`` show ``local`` (without a zone).

    A time that they show twice is the first of the two. One that they skip is the moment at which
    they skip it, when they show the end of what is left out.
    """
    return datetime.fromtimestamp(local_time.instant(local, zone), UTC)


def shown(moment: datetime, zone: tzinfo) -> datetime:
    """Return what the clocks of ``zone`` show at a moment, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
