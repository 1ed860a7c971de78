"""Notifications, their deliveries and attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict

from notifier_client.errors import NotifierError
from notifier_client.rows.base import TIME, TUPLE, many, one, read, write


class Message(TypedDict, total=False):
    """A notification's content and options: the keywords of all methods that publish.

    The content is either ``title``, ``body``, ``data`` (for the app) and ``actions`` (label to
    URL); or a ``template``'s name with its ``variables``, and ``template_version`` if not the
    newest. Beside either: ``severity`` (info, success, warning, error), ``display_type`` and
    ``source``, for the inbox.

    - ``category``: what people choose by; by default the topic's or the template's.
    - ``channels``: only these; by default wherever the recipients can be reached.
    - ``fallback``: ``{"channel": "sms", "after_seconds": 300}``, for recipients that no channel has
      reached by then; with ``"unless": "read"`` or ``"acknowledged"`` for those who have not done
      that; with ``"group"`` for its members until one has; with ``"then": {…}`` for a next step.
    - ``digest``: ``{"key": "likes", "window": 3600}`` (seconds) or ``{"key": …, "at": "09:00"}``,
      perhaps with the name of a ``template``: tell each recipient of it together with others.
    - ``priority``: high, normal or low.
    - ``send_at``, ``expires_at``: not before and not after, with a time zone.
    - ``send_at_local``: ``"2026-12-01T09:00"``, when each recipient gets it in their time zone, in
      place of ``send_at``; ``local_time_passed``: ``"send"`` at once or ``"skip"`` those for whom
      that has passed.
    - ``collapse_key``: a later push with the same one replaces this.
    - ``ordering_key``: notifications with the same one are sent to a recipient in the order in
      which they were accepted.
    - ``deduplicate_seconds``: an equal notification within so many seconds is accepted once.
    - ``reference``: your own id of it, by which ``list_notifications`` finds it.
    - ``metadata``: texts by name, shown wherever the notification is. Nobody is sent either.
    """

    title: str | None
    body: str | None
    data: Mapping[str, Any] | None
    actions: Mapping[str, str] | None
    severity: str | None
    display_type: str | None
    source: str | None
    template: str | None
    template_version: int | None
    variables: Mapping[str, Any] | None
    category: str | None
    priority: str | None
    channels: Sequence[str] | None
    fallback: Mapping[str, Any] | None
    digest: Mapping[str, Any] | None
    send_at: datetime | None
    send_at_local: str | None
    local_time_passed: str | None
    expires_at: datetime | None
    collapse_key: str | None
    ordering_key: str | None
    deduplicate_seconds: int | None
    reference: str | None
    metadata: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A notification to publish, for ``notify_batch``. Its fields are those of ``Message``.

    ``audience`` is for the methods that take one, and refused in a batch.
    """

    user_ids: Sequence[str] | None = None
    audience: Mapping[str, Any] | None = None
    title: str | None = None
    body: str | None = None
    data: Mapping[str, Any] | None = None
    actions: Mapping[str, str] | None = None
    severity: str | None = None
    display_type: str | None = None
    source: str | None = None
    template: str | None = None
    template_version: int | None = None
    variables: Mapping[str, Any] | None = None
    category: str | None = None
    priority: str | None = None
    channels: Sequence[str] | None = None
    fallback: Mapping[str, Any] | None = None
    digest: Mapping[str, Any] | None = None
    send_at: datetime | None = None
    send_at_local: str | None = None
    local_time_passed: str | None = None
    expires_at: datetime | None = None
    collapse_key: str | None = None
    ordering_key: str | None = None
    deduplicate_seconds: int | None = None
    reference: str | None = None
    metadata: Mapping[str, str] | None = None

    def body_of(self) -> dict[str, Any]:
        """Return the body of a request."""
        how = ("category", "priority", "channels", "fallback", "send_at", "expires_at")
        keys = ("collapse_key", "ordering_key", "deduplicate_seconds", "digest")
        local = ("send_at_local", "local_time_passed")
        own = ("reference", "metadata")
        body = write(self, "user_ids", "audience", *how, *local, *keys, *own)
        words = ("title", "body", "data", "actions", "severity", "display_type", "source")
        if content := write(self, *words):
            body["content"] = content
        if self.template is not None:
            version = {} if self.template_version is None else {"version": self.template_version}
            variables = dict(self.variables or {})
            body["template"] = {"name": self.template, "variables": variables, **version}
        return body


@dataclass(frozen=True, slots=True)
class FallbackStep:
    """A step of a fallback. ``state``: waiting, sending, done, not_needed or cancelled.

    ``group``: ``None`` for the notification's own people. ``due_at``: while it waits.
    """

    number: int
    channel: str
    unless: str
    after_seconds: int
    state: str
    group: str | None = None
    due_at: datetime | None = field(default=None, metadata=TIME)
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An acknowledgement of a notification. ``user_id``: ``None`` where it is not shown."""

    user_id: str | None
    acknowledged_at: datetime = field(metadata=TIME)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A notification that somebody has acknowledged, and when they first did."""

    id: str
    acknowledged_at: datetime = field(metadata=TIME)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification and the state of its deliveries.

    - ``state``: accepted or scheduled in the answer to a POST, later scheduled, sending, done or
      cancelled.
    - ``counts``: deliveries by channel and state, ``{"sms": {"accepted": 1}}``.
    - ``reference``, ``metadata``: as they were posted. ``template``: its name and version.
    - ``steps``: of its fallback, where that has some. ``acknowledged_by``: the first ones who did.
    - ``replay_of``: the notification that it sends again.
    - ``replayed``: whether this repeats an earlier answer to the same idempotency key.
    - ``deduplicated``: whether this is an equal notification that was accepted before.
    - ``warnings``, in the answer to a POST: ``{"pointer": …, "detail": …}`` for channels on which a
      recipient has no address.
    """

    id: str
    state: str
    priority: str
    channels: tuple[str, ...] = field(metadata=TUPLE)
    created_at: datetime = field(metadata=TIME)
    send_at: datetime | None = field(default=None, metadata=TIME)
    expires_at: datetime | None = field(default=None, metadata=TIME)
    cancelled_at: datetime | None = field(default=None, metadata=TIME)
    send_at_local: str = ""
    local_time_passed: str = ""
    category: str = ""
    topic: str | None = None
    group: str | None = None
    template: Mapping[str, Any] | None = None
    fallback: Mapping[str, Any] | None = None
    digest: Mapping[str, Any] | None = None
    steps: tuple[FallbackStep, ...] = field(default=(), metadata=many(FallbackStep))
    acknowledged_by: tuple[Acknowledgement, ...] = field(default=(), metadata=many(Acknowledgement))
    collapse_key: str = ""
    ordering_key: str = ""
    reference: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    replay_of: str | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    deduplicated: bool = False
    warnings: tuple[Mapping[str, str], ...] = field(default=(), metadata=TUPLE)
    replayed: bool = False

    @property
    def done(self) -> bool:
        """True if nothing more will be sent."""
        return self.state in ("done", "cancelled")

    def count(self, state: str) -> int:
        """Return the number of deliveries in ``state`` on all channels."""
        return sum(by_state.get(state, 0) for by_state in self.counts.values())


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to a provider. ``outcome``: accepted, retry, refused or unknown."""

    number: int
    provider: str
    started_at: datetime = field(metadata=TIME)
    duration_ms: int
    outcome: str
    reason: str = ""
    status: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A provider's later report; ``event`` is delivered, bounced, complained or the like."""

    event: str
    at: datetime = field(metadata=TIME)
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification to one recipient's address (masked) on one channel.

    ``contact_id``: the recipient's contact, ``None`` where there was none. It, ``user_id`` and
    ``address`` are ``None`` for another publisher's topic. ``reason_text``: the reason in words.
    ``instead_of``: the delivery for which this one is the fallback. ``step``: of the notification's
    fallback; 0 for the first channels. ``told_in``: the delivery of the digest that tells this one
    together with others. ``notification_id``, ``reference`` and ``topic`` of its notification are
    set where the list is not of one notification.
    """

    id: str
    channel: str
    state: str
    created_at: datetime = field(metadata=TIME)
    updated_at: datetime = field(metadata=TIME)
    user_id: str | None = None
    address: str | None = None
    contact_id: int | None = None
    reason: str = ""
    reason_text: str = ""
    provider: str = ""
    provider_message_id: str = ""
    next_attempt_at: datetime | None = field(default=None, metadata=TIME)
    instead_of: str | None = None
    told_in: str | None = None
    step: int = 0
    notification_id: str = ""
    reference: str = ""
    topic: str | None = None
    attempts: tuple[Attempt, ...] = field(default=(), metadata=many(Attempt))
    receipts: tuple[Receipt, ...] = field(default=(), metadata=many(Receipt))


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an explanation. ``state``: what it is about, if it is about a state."""

    text: str
    state: str = ""


def _by_channel(answer: Mapping[str, Any]) -> dict[str, tuple[Sentence, ...]]:
    return {
        channel: tuple(read(Sentence, sentence) for sentence in sentences)
        for channel, sentences in answer.items()
    }


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explanation of why somebody got a notification or did not, in sentences.

    ``verdict``: yes, perhaps, not_yet or no; ``headline`` is its sentence. ``sentences`` are about
    the notification, ``channels`` about each channel. ``user_id``: ``None`` for a bare endpoint.
    """

    delivery_id: str
    notification_id: str
    verdict: str
    headline: str
    user_id: str | None = None
    sentences: tuple[Sentence, ...] = field(default=(), metadata=many(Sentence))
    channels: Mapping[str, tuple[Sentence, ...]] = field(
        default_factory=dict, metadata={"read": _by_channel}
    )


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result for one notification of a batch. ``status``: accepted or error."""

    index: int
    status: str
    notification: Notification | None = field(default=None, metadata=one(Notification))
    problem: NotifierError | None = None
