"""A message: one delivery's content and address, ready for a provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from notifier.domain.cancellation import Halt
from notifier.domain.characters import any_visible
from notifier.domain.priorities import Priority

#: The type of what a publisher says to people.
NOTIFICATION = "notification"


class Severity(StrEnum):
    """How much an inbox item matters to the person."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class DisplayType(StrEnum):
    """Where an app shows an inbox item beside the inbox itself."""

    INBOX = "inbox"
    BANNER_DISMISS = "banner_dismiss"
    BANNER_NONDISMISS = "banner_nondismiss"
    PAGE = "page"
    POPUP = "popup"


@dataclass(frozen=True, slots=True)
class Content:
    """What a notification says. One object is shared by every message of a chunk.

    ``data`` is a JSON object for the app; ``actions`` maps a label to a URL. ``html`` is what an
    email shows instead of ``body`` where it can; nothing else has a use for it. The inbox alone has
    ``severity`` (of ``Severity``), ``display_type`` (of ``DisplayType``) and ``source``, the
    system it comes from, in words for the person. ``event_type`` is what a webhook calls it: an
    event of another type than ``NOTIFICATION`` carries ``data`` and nothing else.
    """

    title: str = ""
    body: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    html: str = ""
    severity: str = Severity.INFO
    display_type: str = DisplayType.INBOX
    source: str = ""
    event_type: str = NOTIFICATION


def has_visible_text(content: Content) -> bool:
    """Whether a person who is shown title and body sees anything."""
    return any_visible(content.title) or any_visible(content.body)


class Message(NamedTuple):  # a frozen dataclass of so many fields takes a microsecond more
    """``content`` for one address.

    ``id`` is the delivery's public id, the same on every attempt (a webhook's ``webhook-id``).
    ``address`` is in clear text and must not reach a log. ``platform`` is ios, android or web on
    the push channel, else empty. ``app`` is the device's app (bundle id) where it has one.
    ``expires_at`` is exact, by the database's clock: what is stored. ``deadline`` is the same in
    unix seconds by this machine's clock: when it must not be sent any more.
    ``posted_at`` is when it was accepted or, of a scheduled one, was to be sent, by the database's
    clock: the same on every attempt.
    ``secret`` signs a webhook (``whsec_…``), empty elsewhere, and so do ``former_secrets``, in
    whose place it came a short while ago. ``attempt`` counts from 1.
    ``instead_of`` is the public id of the delivery after whose last attempt this one is sent.
    ``failed_at`` is the provider whose fault it was that the last attempt failed. ``halt`` says
    whether it must not be sent after all. ``publisher_id`` is whose it is: publishers take turns.
    """

    id: str
    channel: str
    address: str
    content: Content
    priority: Priority = Priority.NORMAL
    platform: str = ""
    app: str = ""
    notification_id: str = ""
    user_id: str = ""
    topic: str = ""
    collapse_key: str = ""
    expires_at: datetime | None = None
    deadline: float | None = None
    posted_at: datetime | None = None
    secret: str = ""
    former_secrets: Sequence[str] = ()
    attempt: int = 1
    instead_of: str = ""
    failed_at: str = ""
    halt: Halt | None = None
    publisher_id: int | None = None
