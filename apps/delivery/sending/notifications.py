"""Notifications as a claim needs them: each read and decrypted once."""

from collections.abc import Collection
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, Protocol
from uuid import UUID

import orjson
from django.db import connection

from apps.content import compiled_templates
from apps.content.compiled_templates import BulkRenderer, CompiledTemplate
from apps.content.models import TemplateVersion
from apps.core import clock
from apps.delivery import sealed_content
from apps.delivery.models import ChunkKind, NotificationKind
from apps.delivery.state import DeliveryRules
from apps.delivery.state.steps import plan
from apps.delivery.state.steps.answers import Awaited
from apps.delivery.state.steps.plan import Step, Unless
from apps.preferences.categories import catalogue
from apps.preferences.profiles import SealedProfile
from apps.topics.selectors import TopicSnapshot, get_topic_by_id
from notifier.domain import digests
from notifier.domain.cancellation import StopSignal
from notifier.domain.categories import CategoryKind
from notifier.domain.digests import Digest
from notifier.domain.messages import Content
from notifier.domain.personal_links import MARKS
from notifier.templates import LINKS, TemplateError

#: Kinds of chunks of a topic's subscriptions or a group's members.
CUT = (ChunkKind.RANGE, ChunkKind.LISTED, ChunkKind.PASSED)
#: Kinds of notifications that people can refuse.
REFUSABLE = (NotificationKind.PUBLISHED, NotificationKind.DIGEST)


class NotificationRow(NamedTuple):
    """Columns of ``apps.delivery.models.Notification``, without its content."""

    id: UUID
    publisher_id: int
    topic_id: int | None
    kind: str
    group_id: int | None
    reachable_only: bool
    category: str
    category_kind: str
    other_category: bool
    collapse_key: str
    ordering_key: str
    digest: str | None
    fallback_channel: str
    fallback_after: int | None
    steps: str | bytes | None
    send_at: datetime | None
    send_at_local: str
    expires_at: datetime | None
    created_at: datetime
    cancelled_at: datetime | None
    traceparent: memoryview | None


_READ = f"""
SELECT template_version_id, content, {", ".join(NotificationRow._fields)}
  FROM delivery_notification WHERE id = ANY(%s::uuid[])
"""


class NotificationContext:
    """A notification and its topic, shared by all its deliveries in one claim.

    ``deadline``: its expiry by this machine's clock (unix seconds), if it has one. ``halt``: stops
    its messages; see ``apps.delivery.sending.cancellation``. ``exempt``: neither preferences
    nor frequency caps apply, so nobody can refuse it. ``steps``: its fallback's.
    """

    __slots__ = ("deadline", "exempt", "halt", "posted_at", "row", "steps", "topic")

    def __init__(self, row: NotificationRow) -> None:
        self.row = row
        self.topic: TopicSnapshot | None = get_topic_by_id(row.topic_id) if row.topic_id else None
        self.deadline = clock.to_local(row.expires_at.timestamp()) if row.expires_at else None
        #: The time it was first due: its acceptance or its send time.
        self.posted_at = max(row.created_at, row.send_at or row.created_at)
        self.halt = StopSignal()
        self.steps = plan.of(orjson.loads(row.steps)) if row.steps else ()
        self.exempt = row.category_kind == CategoryKind.CRITICAL or (
            self.topic.mandatory and not row.other_category
            if self.topic
            else row.kind not in REFUSABLE
        )

    @property
    def may_wait(self) -> bool:
        """True if quiet hours apply to it, at a priority that may wait."""
        row = self.row
        return row.kind in REFUSABLE and row.category_kind != CategoryKind.CRITICAL

    @property
    def is_digest(self) -> bool:
        """True if it tells others."""
        return self.row.kind == NotificationKind.DIGEST

    @property
    def others_topic(self) -> int:
        """The id of its topic if that is another publisher's, else 0."""
        topic = self.topic
        return topic.id if topic and topic.publisher_id != self.row.publisher_id else 0

    @property
    def digest(self) -> Digest | None:
        """The digest that its publisher asked for, if any."""
        return None if self.row.digest is None else digests.read(self.row.digest)

    @property
    def category(self) -> str:
        """Its category by its folded name: its topic's, if it was accepted with none."""
        return self.row.category or (self.topic.category if self.topic else "")

    def step(self, number: int) -> Step | None:
        """Return the step of this number; ``None`` for the first channels."""
        return self.steps[number - 1] if 0 < number <= len(self.steps) else None

    def distance(self, channel: str, number: int) -> int:
        """Return how many seconds after the first channels it is sent on a channel, or a step."""
        if (step := self.step(number)) is not None:
            return step.due
        return (self.row.fallback_after or 0) if channel == self.row.fallback_channel else 0

    def awaited(self, recipient_id: int | None, number: int) -> Awaited:
        """Return what stops a delivery of a step, or one on the first channels once it is read."""
        step = self.step(number)
        return Awaited(
            str(self.row.id),
            recipient_id,
            step.unless if step else Unless.READ,
            step is not None and step.group_id is not None,
            plan.shared(self.steps),
        )

    def is_off(self, channel: str, *, to_group: bool = False) -> bool:
        """Return whether recipients who have chosen nothing are not sent it on a channel.

        Whoever subscribes to a topic has chosen its category on that channel; members of the group
        of a step (``to_group``) have not. What is critical is never off.
        """
        row = self.row
        return (
            not self.is_digest  # what it tells was judged one by one
            and (row.topic_id is None or row.other_category or to_group)
            and bool(row.category)
            and row.category_kind != CategoryKind.CRITICAL
            and channel in catalogue.get(row.category).off
        )

    def rules(self, channel: str, kind: str, number: int = 0) -> DeliveryRules:
        """Return the rules for its new deliveries of a chunk of this kind and step number."""
        row, topic = self.row, self.topic
        step = self.step(number)
        group_id = step.group_id if step else None
        return DeliveryRules(
            row.topic_id,
            row.group_id if group_id is None else group_id,
            row.reachable_only and group_id is None,
            self.category,
            self.is_off(channel, to_group=group_id is not None),
            self.exempt,
            row.expires_at,
            fallback=channel == row.fallback_channel,
            passed=kind == ChunkKind.PASSED,
            confirming=kind in CUT and topic is not None and topic.requires_confirmation,
            step=step,
            shared=plan.shared(self.steps),
        )


class Renderer(Protocol):
    """The renderer of a notification's content for each of its recipients in a claim."""

    @property
    def has_marks(self) -> bool:
        """True if what was rendered may have marks of ``notifier.domain.personal_links``."""

    @property
    def uses_profiles(self) -> bool:
        """True if the content may use recipients' names or attributes."""

    def render(self, user_id: str, locale: str, profile: SealedProfile | None = None) -> Content:
        """Return the content for a recipient. Raises ``DecryptionError``, ``TemplateError``."""


class ContentRenderer:
    """The content of one notification for each of its recipients in a claim; decrypted once.

    Recipients with the same content get the same object, so that providers encode it once
    (``notifier.providers.base.Shared``).
    """

    def __init__(
        self, notification_id: UUID, channel: str, version: int | None, sealed: bytes
    ) -> None:
        """Look up the template's ``version``, if any; ``sealed``: see ``sealed_content.seal``."""
        self._id = notification_id
        self._channel = channel
        self._sealed = sealed
        self._template: CompiledTemplate | None = None
        self._missing = False
        #: True if the rendered texts may have marks of ``notifier.domain.personal_links``.
        self.has_marks = False
        if version:  # looked up here, while a connection is held
            try:
                self._template = compiled_templates.compiled_template(version)
            except TemplateVersion.DoesNotExist:
                self._missing = True

    @property
    def uses_profiles(self) -> bool:
        """True if the content may use recipients' names or attributes."""
        return self._template is not None and self._template.uses_profiles(self._channel)

    def render(self, user_id: str, locale: str, profile: SealedProfile | None = None) -> Content:
        """Return the content for a recipient; a bare endpoint has neither user id nor locale.

        ``profile``: the recipient's, where ``uses_profiles``. Raises ``DecryptionError`` for
        content, and ``TemplateError``, whose text has no variable's value.
        """
        if not self._sealed:
            raise TemplateError("The content is deleted: its retention is over.")
        if self._missing:
            raise TemplateError("The version of the template is no longer in the database.")
        if self._template is None:
            return self._content
        return self._bulk.render(user_id, locale, profile)

    @cached_property
    def _content(self) -> Content:
        return sealed_content.unseal(self._id, self._sealed)

    @cached_property
    def _bulk(self) -> BulkRenderer:
        assert self._template is not None
        posted = sealed_content.unseal_template(self._id, self._template.version_id, self._sealed)
        variables = posted.variables
        if self._template.uses_links(self._channel, variables):
            self.has_marks = True
            variables = {**variables, LINKS: MARKS}
        return self._template.for_many(self._channel, variables, posted.inbox)


def read(
    ids: Collection[UUID | str], channel: str
) -> tuple[dict[str, NotificationContext], dict[str, ContentRenderer]]:
    """Return these notifications and the renderers of their contents on a channel, both by id."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, ["{" + ",".join(map(str, ids)) + "}"])
        found = [
            (NotificationRow._make(row), version, content) for version, content, *row in cursor
        ]
    contexts = {str(row.id): NotificationContext(row) for row, _, _ in found}
    renderers = {
        str(row.id): ContentRenderer(row.id, channel, version, content)
        for row, version, content in found
    }
    return contexts, renderers
