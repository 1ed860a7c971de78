"""Frequency caps: how many notifications one person is sent on a channel within a time."""

from enum import StrEnum
from typing import NamedTuple

#: The most that a cap may say; more is no cap.
MOST = 1_000


class Per(StrEnum):
    """The length of a cap's window, which ends at every moment anew."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def seconds(self) -> int:
        """The length in seconds."""
        return _SECONDS[self]


_SECONDS = {Per.HOUR: 3600, Per.DAY: 86_400, Per.WEEK: 604_800}


class Setter(StrEnum):
    """The one who set a cap, and for what; the name is kept with a delivery that exceeded it."""

    COMPANY = "company"  # for the channel
    CATEGORY = "category"  # the company, for a category
    PERSON = "person"  # the person, for the channel
    PERSON_CATEGORY = "person_category"  # the person, for a category


class Cap(NamedTuple):
    """At most ``limit`` notifications to one person within ``per``, on the channel it is set for.

    ``category``: only those of this category; empty: all that the channel carries.
    """

    setter: Setter
    category: str
    limit: int
    per: Per

    @property
    def label(self) -> str:
        """The cap as a delivery keeps it: ``company:3/day``."""
        return f"{self.setter}:{self.limit}/{self.per}"


class Label(NamedTuple):
    """The parsed fields of a ``Cap.label``."""

    setter: Setter
    limit: int
    per: Per


def read_label(text: str) -> Label:
    """Read what ``Cap.label`` wrote. Raises ``ValueError``."""
    setter, _, rest = text.partition(":")
    limit, _, per = rest.partition("/")
    return Label(Setter(setter), int(limit), Per(per))


def parse_rate(text: str) -> tuple[int, Per]:
    """Read ``3/day``. Raises ``ValueError``."""
    limit, _, per = text.partition("/")
    if not 0 <= int(limit) <= MOST:
        raise ValueError(limit)
    return int(limit), Per(per)
