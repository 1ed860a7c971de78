"""Dry runs: what would become of a notification."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notifier_client.rows.base import TUPLE, many, read


@dataclass(frozen=True, slots=True)
class ChannelDryRun:
    """The forecast of the deliveries on one channel.

    ``audience``: how many subscriptions, members or recipients there are, of which ``judged`` were
    looked at; the numbers are estimates where these are fewer. ``people``: how many would get it.
    ``now``, ``later``, ``not_sent``: numbers of deliveries, by reason.
    """

    audience: int
    judged: int
    people: int
    now: int
    later: Mapping[str, int] = field(default_factory=dict)
    not_sent: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDryRun(ChannelDryRun):
    """The forecast of a step of the fallback."""

    number: int
    channel: str


def _channels(answer: Mapping[str, Any]) -> dict[str, ChannelDryRun]:
    return {name: read(ChannelDryRun, one) for name, one in answer.items()}


@dataclass(frozen=True, slots=True)
class DryRun:
    """The forecast of a notification: what posting it now would do.

    ``exact``: whether everybody was judged. ``fallback``: its channel, at most; ``steps``: those of
    one that has some, likewise.
    """

    exact: bool
    priority: str
    category: str | None = None
    channels: Mapping[str, ChannelDryRun] = field(
        default_factory=dict, metadata={"read": _channels}
    )
    fallback: Mapping[str, ChannelDryRun] = field(
        default_factory=dict, metadata={"read": _channels}
    )
    steps: tuple[StepDryRun, ...] = field(default=(), metadata=many(StepDryRun))
    warnings: tuple[Mapping[str, str], ...] = field(default=(), metadata=TUPLE)
