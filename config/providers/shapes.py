"""The shape of an entry of ``PROVIDERS``: the class of each part, and its keyword arguments."""

from typing import Any, NotRequired, TypeAlias, TypedDict

#: Keyword arguments of a class, which may be one of others.
Options: TypeAlias = dict[str, Any]

Part = TypedDict("Part", {"class": str, "options": Options})


class Limits(TypedDict, total=False):
    """Arguments of ``notifier.resilience.token_bucket.Quota``."""

    per_second: float
    concurrent: int


class Built(Part):
    """A provider without its channel. ``platforms``: absent for all that the channel has."""

    platforms: NotRequired[list[str]]
    breaker: NotRequired[bool]
    quota: NotRequired[Limits]
    #: From whom its messages come, where people can write back.
    sender: NotRequired[str]
    receipts: NotRequired[Part]
    replies: NotRequired[Part]


class Entry(Built):
    """A provider."""

    channel: str
