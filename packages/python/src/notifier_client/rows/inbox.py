"""Items of a person's inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notifier_client.rows.base import TIME, TUPLE, many
from notifier_client.rows.choices.digests import DigestChoice
from notifier_client.rows.choices.frequency_caps import FrequencyCap


@dataclass(frozen=True, slots=True)
class Me:
    """The person whose token it is. ``locale``: a BCP 47 tag; ``time_zone``: an IANA name.

    ``frequency_caps``: how many notifications they are sent at most, by their own choice.
    ``digests``: how often they want to be sent what may wait.
    ``channels``: where they are reached; ``quiet_channels``: where they may have quiet hours.
    ``locales``: languages to choose, each with its ``locale`` and ``name``.
    ``sms_stopped``: they wrote STOP.
    """

    user_id: str
    name: str = ""
    locale: str = ""
    time_zone: str = ""
    frequency_caps: Sequence[FrequencyCap] = field(default=(), metadata=many(FrequencyCap))
    digests: Sequence[DigestChoice] = field(default=(), metadata=many(DigestChoice))
    channels: Sequence[str] = field(default=(), metadata=TUPLE)
    quiet_channels: Sequence[str] = field(default=(), metadata=TUPLE)
    locales: Sequence[Mapping[str, str]] = field(default=(), metadata=TUPLE)
    sms_stopped: bool = False


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One notification in one person's inbox."""

    id: int
    title: str
    body: str
    status: str
    created_at: datetime = field(metadata=TIME)
    severity: str = "info"
    display_type: str = "inbox"
    source: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = field(default=None, metadata=TIME)
    seen_at: datetime | None = field(default=None, metadata=TIME)
    read_at: datetime | None = field(default=None, metadata=TIME)
    acknowledged_at: datetime | None = field(default=None, metadata=TIME)
    archived_at: datetime | None = field(default=None, metadata=TIME)
    snoozed_until: datetime | None = field(default=None, metadata=TIME)
    notification_id: str | None = None


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """Something that the stream told: ``ready``, ``item``, ``deleted``, ``counts``, ``resync``, ….

    ``id``: what ``stream`` goes on from, empty where the event has none.
    """

    name: str
    data: Mapping[str, Any]
    id: str = ""


@dataclass(frozen=True, slots=True)
class StreamTicket:
    """A ticket that opens one stream, in the URL of an ``EventSource``, until ``expires_at``."""

    ticket: str
    expires_at: datetime = field(metadata=TIME)


@dataclass(frozen=True, slots=True)
class Marked:
    """The number of items changed, and ``unknown`` ids: nobody's, or another person's."""

    changed: int
    unknown: tuple[int, ...] = field(default=(), metadata=TUPLE)
