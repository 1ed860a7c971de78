"""A message: one delivery's content and address, ready for a provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from notifier.domain.cancellation import StopSignal
from notifier.domain.characters import any_visible
from notifier.domain.personal_links import PersonalLinks
from notifier.domain.priorities import Priority

#: ``Content.event_type`` of a publisher's notification.
NOTIFICATION = "notification"


class Severity(StrEnum):
    """The severity of an inbox item."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class DisplayType(StrEnum):
    """Place in which an app shows an inbox item beside the inbox itself."""

    INBOX = "inbox"
    BANNER_DISMISS = "banner_dismiss"
    BANNER_NONDISMISS = "banner_nondismiss"
    PAGE = "page"
    POPUP = "popup"


@dataclass(frozen=True, slots=True)
class InboxAttributes:
    """The part of a content that is for the inbox only; it is posted beside a template, too.

    ``severity``: of ``Severity``; ``display_type``: of ``DisplayType``; ``source``: the system it
    comes from, in words for people.
    """

    severity: str = Severity.INFO
    display_type: str = DisplayType.INBOX
    source: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a notification. One object is shared by every message of a chunk.

    ``data``: a JSON object for the app; ``actions``: label to URL; ``html``: for email only, shown
    instead of ``body``; ``severity``, ``display_type`` and ``source``: see ``InboxAttributes``;
    ``event_type``: the ``type`` of a webhook's body. An event of another type than ``NOTIFICATION``
    carries ``data`` and nothing else.
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
    """Return whether title or body has a visible character."""
    return any_visible(content.title) or any_visible(content.body)


class Message(NamedTuple):  # a frozen dataclass of so many fields takes a microsecond more
    """One delivery's ``content`` and address.

    - ``id``: the delivery's public id, the same on every attempt (a webhook's ``webhook-id``).
    - ``address``: in clear text; it must not reach a log.
    - ``platform``: ios, android or web on the push channel, else empty.
    - ``app``: the device's app (bundle id) where it has one.
    - ``expires_at``: as stored, by the database's clock.
    - ``deadline``: the same in unix seconds by this machine's clock; it is not sent after it.
    - ``posted_at``: when the notification was accepted or, if scheduled, due; by the database's
      clock, the same on every attempt.
    - ``secret``: signs a webhook (``whsec_…``), else empty; so do ``former_secrets``, which it
      replaced a short while ago.
    - ``attempt``: counts from 1.
    - ``instead_of``: public id of the delivery for which this one is the fallback.
    - ``failed_at``: the provider that was at fault when the last attempt failed.
    - ``halt``: the stop signal, read right before it is sent.
    - ``publisher_id``: whose share of calls it uses; publishers are served in turns.
    - ``links``: the recipient's own, for the marks in ``content`` and the headers of a mail.
    - ``traceparent``: names the call in a trace (W3C Trace Context); empty if it is not sampled.
    - ``recipient_id``: the recipient's key; ``user_id`` may have become somebody else's name.
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
    halt: StopSignal | None = None
    publisher_id: int | None = None
    links: PersonalLinks | None = None
    traceparent: str = ""
    recipient_id: int | None = None
