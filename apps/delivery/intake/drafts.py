"""Drafts: validated notifications, made of requests and stored by ``accept``."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from rest_framework.serializers import ValidationError

from apps.api.problems import MOST_ERRORS, Problem
from apps.delivery.flow import availability
from apps.delivery.intake import (
    categories,
    fallbacks,
    load_shedding,
    named_recipients,
)
from apps.delivery.intake.bodies import AudienceBody, NotificationBody, PublishBody
from apps.delivery.intake.earlier import unreached_audience
from apps.delivery.intake.fallbacks import StepGroups
from apps.delivery.intake.template_validation import TemplateValidator
from apps.delivery.models import NotificationKind
from apps.delivery.sealed_content import TemplateContent
from apps.delivery.state.fallback import Fallback
from apps.delivery.state.steps.plan import Step
from apps.preferences.categories import catalogue
from apps.preferences.categories.catalogue import CategorySnapshot
from apps.preferences.channels import get_channel
from apps.preferences.models import Group
from apps.preferences.selectors import Reached, reached
from apps.publishers.selectors import KeySnapshot
from apps.topics.selectors import TopicSnapshot
from notifier.domain.categories import fold
from notifier.domain.digests import Digest
from notifier.domain.messages import Content
from notifier.domain.priorities import Priority

#: Values of ``local_time_passed``: send at once to people for whom it has passed, or skip them.
SEND, SKIP = "send", "skip"
#: Longest time ahead that ``send_at`` may name.
LONGEST_AHEAD = timedelta(days=366)
#: Number of unknown recipients that the first sentence of an error names.
NAMED = 3


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A wall-clock time, without a zone; ``passed``: ``send`` or ``skip`` where it is past."""

    wall: datetime
    passed: str


class Slice(NamedTuple):
    """A part of an audience on one channel, as the chunk of its ``kind`` has it.

    ``ids``: of recipients if the kind is ``named``; of subscriptions or memberships if ``listed``.
    """

    kind: str
    channel: str
    ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Draft:
    """A validated notification that is not accepted yet.

    - The audience is one of: the subscribers of ``topic``, the members of group ``group_id``,
      ``recipient_ids``, or ``contact_ids``, which are all on one channel.
    - ``slices``: the part of that audience which gets it; all of it if empty.
    - ``replay_of``: the notification that it sends again.
    - ``channels``: the channels to use. A named recipient gets a delivery on each of them, and so
      does a member of a group, unless ``reachable_only`` leaves out channels without an address.
    - ``fallback``: the channel for recipients whom none of these channels reached; or ``steps``.
    - ``digest``: it is told together with others, where it may wait.
    - ``category``: what preferences apply by; ``None`` where the service itself made it.
    - ``category_named``: the request named the category itself.
    - ``reference``, ``metadata``: what the publisher knows it by; nobody is sent them.
    - ``local``: the local time at which each recipient gets it, in place of ``send_at``.
    - ``deduplicate_seconds``: see ``apps.delivery.intake.deduplication``; 0 for never.
    - ``warnings``: returned to the publisher with the acceptance.
    - ``traceparent``: where it belongs in a trace, of what the service itself makes.
    """

    content: Content | TemplateContent
    priority: str
    channels: Sequence[str]
    fallback: Fallback | None = None
    steps: Sequence[Step] = ()
    topic: TopicSnapshot | None = None
    group_id: int | None = None
    reachable_only: bool = False
    recipient_ids: Sequence[int] = field(default_factory=tuple)
    contact_ids: Sequence[int] = field(default_factory=tuple)
    kind: str = NotificationKind.PUBLISHED
    category: CategorySnapshot | None = None
    category_named: bool = False
    collapse_key: str = ""
    ordering_key: str = ""
    reference: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    digest: Digest | None = None
    deduplicate_seconds: int = 0
    send_at: datetime | None = None
    local: LocalTime | None = None
    expires_at: datetime | None = None
    slices: Sequence[Slice] = ()
    replay_of: UUID | None = None
    warnings: Sequence[Mapping[str, str]] = ()
    traceparent: bytes | None = None


#: Makes the draft of the recipients found, which are keyed by ``user_id``. Raises what
#: ``named_draft`` raises.
DraftBuilder = Callable[[Mapping[str, Reached]], Draft]


def draft_builder(key: KeySnapshot, data: NotificationBody) -> DraftBuilder:
    """Return a function that makes the draft once the named recipients are looked up.

    The function makes no query and takes microseconds. The category and the groups of steps are
    looked up here, and a template, which takes longer to validate, is validated here; if the
    channels depend on the recipients, those are looked up here as well.

    Raises what ``named_draft`` raises, and ``Problem`` for an audience that there is not.
    """
    if "audience" in data:
        unreached_people = _unreached_draft(key, data, data["audience"])
        return lambda _: unreached_people
    if "template" not in data:
        category = categories.resolve(key, data)
        step_groups = StepGroups(key.publisher_id)
        fallbacks.plan(step_groups, data)
        return lambda known: named_draft(
            key, data, known, category=category, step_groups=step_groups
        )
    if "channels" not in data:
        draft = named_draft(key, data, reached(data["user_ids"]))
        return lambda _: draft
    draft = _draft(key, data, data["channels"], data.get("priority") or Priority.NORMAL)

    def addressed(known: Mapping[str, Reached]) -> Draft:
        people = _people(data, known)
        warnings = [*_warnings(data, people), *draft.warnings]
        return replace(draft, recipient_ids=_ids(people), warnings=warnings)

    return addressed


def named_draft(
    key: KeySnapshot,
    data: NotificationBody,
    known: Mapping[str, Reached],
    validator: TemplateValidator | None = None,
    category: CategorySnapshot | None = None,
    step_groups: StepGroups | None = None,
) -> Draft:
    """Make a draft for named recipients. ``known`` has those that exist, by ``user_id``.

    ``category``: the one that was resolved; else it is resolved here. ``validator`` and
    ``step_groups``: of a request with several notifications, which share them. Raises ``Problem``
    naming unknown recipients, and what ``_draft`` raises.
    """
    people = _people(data, known)
    chosen = data.get("channels") or named_recipients.reachable_channels(people.values())
    priority = data.get("priority") or Priority.NORMAL
    return _draft(
        key,
        data,
        chosen,
        priority,
        people=people,
        validator=validator,
        category=category,
        step_groups=step_groups,
    )


def _unreached_draft(key: KeySnapshot, data: NotificationBody, audience: AudienceBody) -> Draft:
    """Make a draft for those whom an earlier notification did not reach.

    It has that one's channels and category unless the request names others: who refused it then
    refuses it now.
    """
    earlier = unreached_audience.earlier(key.publisher_id, audience["not_reached_by"])
    ids = unreached_audience.people(earlier, audience.get("states", unreached_audience.NOT_REACHED))
    same = fold(earlier.category)
    if "category" not in data and same and catalogue.find(same) is not None:
        data = {**data, "category": same}
    chosen = data.get("channels") or earlier.channels
    draft = _draft(key, data, chosen, data.get("priority") or Priority.NORMAL)
    return replace(draft, recipient_ids=ids)


def _people(data: NotificationBody, known: Mapping[str, Reached]) -> dict[str, Reached]:
    try:
        return named_recipients.select(data["user_ids"], known)
    except named_recipients.UnknownRecipients as unknown:
        raise _unknown_recipients(unknown.args[0], data["named_in"]) from None


def _ids(people: Mapping[str, Reached]) -> list[int]:
    return [one.id for one in people.values()]


def _warnings(data: PublishBody, people: Mapping[str, Reached]) -> Iterator[dict[str, str]]:
    """Warn of channels that the publisher named and on which recipients have no address."""
    yield from named_recipients.address_warnings(people, data.get("channels", ()), "/channels")
    if "fallback" in data:
        for level in fallbacks.levels(data["fallback"]):
            if not level.to_group:
                yield from named_recipients.address_warnings(
                    people, [level.channel], f"/{level.path}/channel"
                )


def audience_draft(
    key: KeySnapshot,
    data: PublishBody,
    default_priority: str,
    *,
    topic: TopicSnapshot | None = None,
    group: Group | None = None,
) -> Draft:
    """Make a draft for a topic or a group. ``default_priority``: where the request names none."""
    chosen = data.get("channels") or settings.CHANNELS
    priority = data.get("priority") or default_priority
    return _draft(key, data, chosen, priority, topic=topic, group=group)


def _draft(
    key: KeySnapshot,
    data: PublishBody,
    chosen: Iterable[str],
    priority: str,
    *,
    topic: TopicSnapshot | None = None,
    group: Group | None = None,
    people: Mapping[str, Reached] = MappingProxyType({}),
    validator: TemplateValidator | None = None,
    category: CategorySnapshot | None = None,
    step_groups: StepGroups | None = None,
) -> Draft:
    """Validate content or template for the channels, apply load shedding, and make the draft.

    ``key``: the API key of the request, whose publisher owns the template.

    Raises ``ValidationError`` or ``Problem`` that points to the error.
    """
    content: Content | TemplateContent
    plan = fallbacks.plan(step_groups or StepGroups(key.publisher_id), data)
    chosen = [name for name in _sendable(chosen, data, plan) if name not in plan.taken]
    if "template" in data:
        validator = validator or TemplateValidator()
        content, chosen = validator.validate(
            key.publisher_id,
            data["template"],
            chosen,
            named="channels" if "channels" in data else "",
        )
        for level in plan.levels:
            validator.validate(
                key.publisher_id,
                data["template"],
                [level.channel],
                named=f"{level.path}/channel",
            )
    else:
        content = Content(**data["content"])
        later = (one.channel for one in plan.levels)
        check_content(content, list(dict.fromkeys([*chosen, *later])))
    if "digest" in data:
        validator = validator or TemplateValidator()
        validator.validate_digest(key.publisher_id, data["digest"], chosen)
    if category is None:
        version_id = content.version_id if isinstance(content, TemplateContent) else None
        category = categories.resolve(key, data, topic, version_id)
    late = load_shedding.check(
        priority,
        chosen,
        fan_out=topic is not None or group is not None,
        pointer="/channels" if "channels" in data else "",
    )
    return Draft(
        content=content,
        priority=priority,
        channels=chosen,
        fallback=plan.fallback,
        steps=plan.steps,
        topic=topic,
        group_id=group.pk if group else None,
        reachable_only=group is not None and "channels" not in data,
        recipient_ids=_ids(people),
        category=category,
        category_named=bool(data.get("category")),
        collapse_key=data["collapse_key"],
        ordering_key=data["ordering_key"],
        reference=data["reference"],
        metadata=data["metadata"],
        digest=Digest(**data["digest"]) if "digest" in data else None,
        deduplicate_seconds=data.get("deduplicate_seconds", 0),
        send_at=data.get("send_at"),
        local=_local(data),
        expires_at=data.get("expires_at"),
        warnings=[*_warnings(data, people), *late],
    )


def _local(data: PublishBody) -> LocalTime | None:
    if "send_at_local" not in data:
        return None
    return LocalTime(data["send_at_local"], data.get("local_time_passed", SEND))


def _sendable(chosen: Iterable[str], data: PublishBody, plan: fallbacks.Plan) -> list[str]:
    """Return the chosen channels that have a provider.

    Channels without one are dropped only if the request did not name them: their deliveries would
    wait for a provider that may never be set up. Raises ``Problem`` where a named channel has none.
    """
    found = list(chosen)
    if "channels" in data:
        availability.require(found, "/channels")
    for level in plan.levels:
        availability.require([level.channel], f"/{level.path}/channel")
    return availability.available(found)


def check_content(content: Content, chosen: Sequence[str]) -> None:
    """Check each channel's limits. Raises ``ValidationError`` naming channel and field."""
    for name in chosen:
        try:
            get_channel(name).check(content)
        except ValueError as error:
            raise ValidationError(
                {"content": f"On {name}: {error} Or name the channels and leave {name} out."}
            ) from None


def _unknown_recipients(user_ids: Sequence[str], named_in: str) -> Problem:
    listed = user_ids[:MOST_ERRORS]
    first = ", ".join(map(repr, user_ids[:NAMED])) + (", …" if len(user_ids) > NAMED else "")
    return Problem(
        "unknown-recipient",
        f"Unknown recipients: {first}. Register them with PUT /v1/recipients/{{user_id}} first.",
        errors=[
            {"pointer": f"/{named_in}", "detail": f"{user_id!r} is not a recipient."}
            for user_id in listed
        ],
        error_count=len(user_ids),
        user_ids=list(listed),
    )
