"""The notification of a schedule: sealed as it was posted, and validated as one that is posted.

The code that validates it is that of the endpoints that publish. It does so when a schedule is
written, and again for each run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from rest_framework.serializers import ValidationError

from apps.api.problems import Problem
from apps.api.serializers import read
from apps.delivery.intake.bodies import NotificationBody
from apps.delivery.intake.drafts import (
    Draft,
    DraftBuilder,
    LocalTime,
    audience_draft,
    draft_builder,
)
from apps.preferences.selectors import Reached, groups, reached
from apps.preferences.vault import keyring
from apps.publishers.api.permissions import require_high
from apps.publishers.scopes import Scope
from apps.publishers.selectors import KeySnapshot
from apps.schedules.models import Schedule
from apps.schedules.serializers import ScheduledNotificationIn
from apps.topics.selectors import get_topic
from notifier.domain.priorities import Priority

#: Scopes that a schedule keeps of the key that wrote it.
KEPT_SCOPES = (Scope.NOTIFICATIONS_HIGH, Scope.NOTIFICATIONS_CRITICAL)


@dataclass(frozen=True, slots=True)
class Audience:
    """The topic or the group that a schedule names; neither where the notification names people."""

    topic: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Validated:
    """A validated notification: what makes its draft, of the recipients with these ``user_ids``.

    ``gone``: recipients that were named and are no more.
    """

    draft_builder: DraftBuilder
    user_ids: list[str]
    gone: int = 0


def seal(schedule_id: UUID, posted: Mapping[str, object]) -> bytes:
    """Encrypt the notification of the schedule of this id."""
    return keyring().encrypt(orjson.dumps(posted), context(schedule_id))


def unseal(schedule: Schedule) -> dict[str, Any]:
    """Return the notification as it was posted.

    Raises ``notifier.security.crypto.DecryptionError`` where its key is missing.
    """
    plain = keyring().decrypt(bytes(schedule.notification), context(schedule.pk))
    found: dict[str, Any] = orjson.loads(plain)
    return found


def check(
    key: KeySnapshot,
    audience: Audience,
    posted: Mapping[str, object],
    *,
    in_own_zones: bool = False,
) -> None:
    """Validate a notification as if ``key`` posted it now.

    ``in_own_zones``: each recipient is to get it at a local time. Raises what posting it raises:
    ``Problem`` or ``ValidationError``.
    """
    if in_own_zones and posted.get("ordering_key"):
        raise ValidationError(
            {"ordering_key": "Its order is that of acceptance. Leave it out, or choose one zone."}
        )
    validated = validate(key, audience, posted)
    validated.draft_builder(reached(validated.user_ids))


def validate(
    key: KeySnapshot,
    audience: Audience,
    posted: Mapping[str, object],
    *,
    local: LocalTime | None = None,
    expires_at: datetime | None = None,
    without_gone: bool = False,
) -> Validated:
    """Validate a notification that ``key`` posts to ``audience``.

    ``local``: when each recipient gets it, in their own zone. ``expires_at``: its expiry.
    ``without_gone``: leave out recipients that are no more, if any of them is left. Raises
    ``Problem`` or ``ValidationError``, as does the function that makes the draft.
    """
    data: NotificationBody = read(ScheduledNotificationIn, posted)
    if local is not None:
        data["send_at_local"], data["local_time_passed"] = local.wall, local.passed
    if expires_at is not None:
        data["expires_at"] = expires_at
    if audience.topic or audience.group:
        draft = _to_audience(key, audience, data)
        return Validated(lambda _: _permitted(key, draft), [])
    named = len(data["user_ids"])
    if without_gone and (known := reached(data["user_ids"])):
        data["user_ids"] = [user_id for user_id in data["user_ids"] if user_id in known]
    build = draft_builder(key, data)

    def permitted(people: Mapping[str, Reached]) -> Draft:
        return _permitted(key, build(people))

    return Validated(permitted, data["user_ids"], named - len(data["user_ids"]))


def _to_audience(key: KeySnapshot, audience: Audience, data: NotificationBody) -> Draft:
    if audience.group:
        group = groups(key.publisher_id).filter(name=audience.group).first()
        if group is None:
            raise _unknown("invalid-request", f"You have no group {audience.group!r}.", "/group")
        return audience_draft(key, data, Priority.NORMAL, group=group)
    topic = get_topic(audience.topic)
    if topic is None or not topic.visible_to(key.publisher_id):
        detail = f"There is no topic {audience.topic!r} that you own or were granted."
        raise _unknown("unknown-topic", detail, "/topic")
    return audience_draft(key, data, topic.default_priority, topic=topic)


def _unknown(type: str, detail: str, pointer: str) -> Problem:
    return Problem(type, detail, errors=[{"pointer": pointer, "detail": detail}])


def _permitted(key: KeySnapshot, draft: Draft) -> Draft:
    if draft.priority == Priority.HIGH:
        require_high(key)
    return draft


def priority_of(schedule: Schedule) -> str:
    """Return the priority with which a schedule posts."""
    if named := unseal(schedule).get("priority"):
        return str(named)
    topic = get_topic(schedule.topic) if schedule.topic else None
    return topic.default_priority if topic else Priority.NORMAL


def key_of(schedule: Schedule) -> KeySnapshot:
    """Return the key as which a schedule posts: that of its writer, with what it kept of it."""
    return KeySnapshot(
        prefix=schedule.written_by,
        publisher_id=schedule.publisher_id,
        digest="",
        scopes=frozenset(schedule.scopes),
        expires_at=None,
        revoked_at=None,
    )


def audience_of(schedule: Schedule) -> Audience:
    """Return the audience of a schedule."""
    return Audience(schedule.topic, schedule.group)


def context(schedule_id: UUID) -> bytes:
    """Return the context in which the notification of a schedule is encrypted."""
    return b"schedule:" + schedule_id.bytes
