"""Validated bodies of the endpoints that publish, as their serializers return them."""

from collections.abc import Mapping
from datetime import datetime
from typing import NotRequired, TypedDict
from uuid import UUID

from notifier.domain.messages import InboxAttributes


class ContentBody(TypedDict):
    """``content``: see ``notifier.domain.messages.Content``."""

    title: str
    body: str
    data: Mapping[str, object]
    actions: Mapping[str, str]
    severity: str
    display_type: str
    source: str


class TemplateBody(TypedDict):
    """``template``. ``version``: the newest if left out; ``inbox``: what ``content`` has beside it.

    ``inbox`` is left out where all of it is the default.
    """

    name: str
    version: NotRequired[int]
    variables: Mapping[str, object]
    inbox: NotRequired[InboxAttributes]


class FallbackBody(TypedDict):
    """``fallback``, or one of its further steps.

    ``after``: seconds after the step before, or after the other channels. ``then``: the next step.
    """

    channel: str
    after: int
    unless: NotRequired[str]
    group: NotRequired[str]
    then: NotRequired["FallbackBody"]


class DigestBody(TypedDict):
    """``digest``: see ``notifier.domain.digests.Digest``. It has either ``window`` or ``at``."""

    key: str
    window: NotRequired[int]
    at: NotRequired[str]
    template: NotRequired[str]


class AudienceBody(TypedDict):
    """``audience``. ``states``: if left out, ``unreached_audience.NOT_REACHED``."""

    not_reached_by: UUID
    states: NotRequired[list[str]]


class PublishBody(TypedDict):
    """A notification to a topic or a group. It has either ``content`` or ``template``.

    ``send_at_local`` has no zone.
    """

    content: NotRequired[ContentBody]
    template: NotRequired[TemplateBody]
    category: NotRequired[str]
    priority: NotRequired[str]
    channels: NotRequired[list[str]]
    fallback: NotRequired[FallbackBody]
    digest: NotRequired[DigestBody]
    send_at: NotRequired[datetime]
    send_at_local: NotRequired[datetime]
    local_time_passed: NotRequired[str]
    expires_at: NotRequired[datetime]
    collapse_key: str
    ordering_key: str
    reference: str
    metadata: Mapping[str, str]
    deduplicate_seconds: NotRequired[int]


class NotificationBody(PublishBody):
    """A notification to recipients. ``named_in``: the field that named them.

    ``audience``: those whom an earlier one did not reach; ``user_ids`` is empty then.
    """

    user_ids: list[str]
    named_in: str
    audience: NotRequired[AudienceBody]
