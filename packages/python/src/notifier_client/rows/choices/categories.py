"""Categories: what people choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notifier_client.rows.base import TIME, many
from notifier_client.rows.choices.frequency_caps import FrequencyCap


@dataclass(frozen=True, slots=True)
class Category:
    """A category of the company's catalogue.

    ``kind``: critical (nobody can refuse it), transactional or promotional. ``display_name`` and
    ``description``: texts for people by locale. ``defaults``: by channel, whether it is sent to
    people who have chosen nothing; true if left out. ``position``: its place on people's pages.
    ``frequency_caps``: how many of it one person is sent at most. ``digest``: ``{"window": 3600}``
    (seconds) or ``{"at": "09:00"}``, perhaps with a ``template``, to tell each person of it
    together.
    """

    name: str
    kind: str = "transactional"
    default_locale: str = "en"
    display_name: Mapping[str, str] = field(default_factory=dict)
    description: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, bool] = field(default_factory=dict)
    position: int = 0
    frequency_caps: Sequence[FrequencyCap] = field(default=(), metadata=many(FrequencyCap))
    digest: Mapping[str, Any] | None = None
    created_at: datetime | None = field(default=None, metadata=TIME)


@dataclass(frozen=True, slots=True)
class MyCategory:
    """A category in a person's own language. ``channels``: whether they get it on each."""

    name: str
    display_name: str
    kind: str
    description: str = ""
    channels: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MyTopic:
    """A topic that a person is subscribed to. ``channels``: whether they get it on each.

    ``publisher``: who sends it, as people read it. ``always_sent``: preferences apply to its
    messages of other categories alone; ``channels`` has only what was chosen about these.
    """

    name: str
    display_name: str
    publisher: str = ""
    category: str = ""
    always_sent: bool = False
    channels: Mapping[str, bool] = field(default_factory=dict)
