"""Endpoints that publish: to recipients, in batches, to topics and to groups."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from apps.api.pagination import read_query
from apps.api.problems import Problem
from apps.core import tracing
from apps.delivery.api import notification_lists, presenters
from apps.delivery.api.notification_serializers import NotificationOut, NotificationsQuery
from apps.delivery.api.notification_views import NOTIFICATIONS
from apps.delivery.api.publishing.batch import Batch
from apps.delivery.api.publishing.contents import CONTENT_LIMIT
from apps.delivery.api.publishing.idempotent import answered, fingerprinted, idempotency_key
from apps.delivery.api.publishing.openapi import (
    BATCH,
    IN_ORDER,
    NEWS,
    NOT_REACHED,
    OTP,
    publishes,
)
from apps.delivery.api.publishing.serializers import (
    BATCH_LIMIT,
    BatchIn,
    BatchOut,
    NotifyIn,
    PublishIn,
    TakenOut,
)
from apps.delivery.intake import group_commit, load_shedding
from apps.delivery.intake.bodies import NotificationBody, PublishBody
from apps.delivery.intake.drafts import Draft, DraftBuilder, audience_draft, draft_builder
from apps.delivery.intake.group_commit import AcceptedDraft, PublishRequest
from apps.delivery.intake.idempotency import Answer, Key
from apps.delivery.intake.load_shedding import PostedSummary
from apps.preferences.models import Group
from apps.preferences.selectors import Reached, get_group
from apps.publishers import limits
from apps.publishers.api.caller import key_of, publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.api.permissions import require_high
from apps.publishers.scopes import Scope
from apps.topics.selectors import TopicSnapshot, get_topic, visible_topic
from notifier.domain.priorities import Priority

#: Bytes of a batch request: each of its notifications may have content of its own.
BATCH_BODY = BATCH_LIMIT * (CONTENT_LIMIT + 1024)


class PublishingView(Endpoint):
    """Base of the endpoints that publish: it reads what is posted before validation."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    def posted(self, request: Request) -> Sequence[PostedSummary]:
        """Read the priority and channels of each posted notification, before validation."""
        return _summaries([request.data])

    def require_permitted(self, request: Request) -> None:
        """Raise ``Problem`` where high priority is posted and the API key may not."""
        _require_high(request, set(self.posted(request)))

    def high_posted(self, request: Request) -> int:
        """Count the posted notifications of high priority, which have a rate limit of their own."""
        needed = {Scope.NOTIFICATIONS_WRITE, Scope.NOTIFICATIONS_HIGH}
        if request.method != "POST" or not needed <= key_of(request).scopes:
            return 0  # a request that will be refused does not use up the rate
        try:
            posted = self.posted(request)
        except Exception:  # it is reported by validation, after the permission checks
            return 0
        return sum(summary.priority == Priority.HIGH for summary in posted)

    def begin(self, request: Request) -> Key | None:
        """Run the cheap checks and return the request's idempotency key, ``None`` without one.

        Raises ``Problem`` where the key is not usable, where high priority is not permitted or over
        its rate, and where load shedding refuses everything that is posted.
        """
        key = idempotency_key(request)
        posted = self.posted(request)
        distinct = set(posted)
        _require_high(request, distinct)
        if self.allowance is not None and not self.allowance.high and _all_high(posted):
            raise limits.high_exceeded(publisher_of(request), self.allowance)
        load_shedding.refuse_if_overloaded(distinct)
        return fingerprinted(request, key)


class Validated(NamedTuple):
    """A validated notification: what makes its draft, of the recipients with these ``user_ids``."""

    draft_builder: DraftBuilder
    user_ids: Sequence[str] = ()


class SingleView(PublishingView):
    """Base of the endpoints that take one notification."""

    def read(self, request: Request) -> Validated:
        """Read the notification. Raises ``Problem``, ``ValidationError`` or ``Http404``."""
        raise NotImplementedError

    def to_audience(
        self,
        request: Request,
        default_priority: str,
        *,
        topic: TopicSnapshot | None = None,
        group: Group | None = None,
    ) -> Validated:
        """Read a notification to a topic or a group."""
        data: PublishBody = self.body(request, PublishIn)
        draft = audience_draft(key_of(request), data, default_priority, topic=topic, group=group)
        return Validated(lambda _: draft)

    def publish(self, request: Request) -> HttpResponse:
        """Commit the notification that was posted, in a group with others.

        With a key, errors of the request are raised only once the key is known to be new: a replay
        gets the first answer, even if its topic has been deleted or its expiry is past by now.
        """
        key = self.begin(request)
        try:
            validated = self.read(request)
        except (Problem, ValidationError, Http404) as error:
            if key is None:
                raise
            validated = Validated(_raising(error))
        begun = tracing.within_request()
        publish_request = PublishRequest(
            publisher_of(request).id,
            key,
            validated.user_ids,
            lambda people, _: [validated.draft_builder(people)],
            _answer_body,
            begun.place if begun is not None else None,
        )
        return answered(lambda: group_commit.commit(publish_request), begun)


class NotifyView(SingleView):
    """Base of the endpoints that take one notification for named recipients."""

    def read(self, request: Request) -> Validated:
        data: NotificationBody = self.body(request, NotifyIn)
        return Validated(draft_builder(key_of(request), data), data["user_ids"])


class NotificationsView(NotifyView, ListEndpoint):
    """Notifications: notify named recipients, and list what was posted."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE, "GET": Scope.NOTIFICATIONS_READ}
    ordering = "-id"

    @publishes("notify", NotifyIn, TakenOut, OTP, IN_ORDER, NOT_REACHED)
    def post(self, request: Request) -> HttpResponse:
        """Notify 1 to 1,000 recipients. 202: it is stored durably.

        Or, with an `audience`, up to 100,000 whom an earlier notification did not reach.
        """
        return self.publish(request)

    @extend_schema(
        operation_id="list_notifications",
        parameters=[NotificationsQuery],
        responses={200: NotificationOut(many=True)},
        tags=[NOTIFICATIONS],
    )
    def get(self, request: Request) -> Response:
        """List your notifications, newest first, or those that meet all of the criteria.

        With `user_id` they are in the order in which their first delivery to that person was made;
        what has not been sent to them yet is not listed.
        """
        query = read_query(request, NotificationsQuery)
        return notification_lists.page(self, request, query)


class BatchView(PublishingView):
    """Many different notifications in one call."""

    max_body = BATCH_BODY

    def posted(self, request: Request) -> Sequence[PostedSummary]:
        data = request.data
        posted = data.get("notifications") if isinstance(data, dict) else None
        return _summaries(posted if isinstance(posted, list) else [])

    @publishes("notify_batch", BatchIn, BatchOut, BATCH)
    def post(self, request: Request) -> HttpResponse:
        """Notify with up to 1,000 different notifications; each has its own result.

        Those with errors are left out, and the others are accepted together.
        """
        key = self.begin(request)
        begun = tracing.within_request()
        place = begun.place if begun is not None else None

        def commit() -> Answer:
            # A replay skips the validation of up to a thousand notifications.
            kept = group_commit.replay(key)
            if kept is not None:
                return kept
            checked = self.body(request, BatchIn)["notifications"]
            batch = Batch(publisher_of(request), key_of(request), checked, self.allowance)
            return group_commit.commit(batch.publish_request(key, place), together=False)

        return answered(commit, begun)


class PublishView(SingleView):
    """Publish to a topic."""

    def posted(self, request: Request) -> Sequence[PostedSummary]:
        known = get_topic(self.kwargs["name"])
        default_priority = known.default_priority if known else Priority.NORMAL
        return _summaries([request.data], default_priority)

    @publishes("publish", PublishIn, TakenOut, NEWS)
    def post(self, request: Request, name: str) -> HttpResponse:
        """Notify everybody subscribed to the topic. 202: it is stored durably."""
        return self.publish(request)

    def read(self, request: Request) -> Validated:
        topic = visible_topic(self.kwargs["name"], publisher_of(request).id)
        return self.to_audience(request, topic.default_priority, topic=topic)


class GroupNotifyView(SingleView):
    """Notify a group."""

    @publishes("notify_group", PublishIn, TakenOut, NEWS)
    def post(self, request: Request, name: str) -> HttpResponse:
        """Notify everybody in a group of yours. 202: it is stored durably.

        Without `channels`, each member is notified on every channel they can be reached on that has
        a provider.
        """
        return self.publish(request)

    def read(self, request: Request) -> Validated:
        group = get_group(self.kwargs["name"], publisher_of(request).id)
        return self.to_audience(request, Priority.NORMAL, group=group)


def _summaries(
    posted: Iterable[object], default_priority: str = Priority.NORMAL
) -> list[PostedSummary]:
    """Read priority and channels of posted notifications that are not validated yet.

    ``default_priority`` is the priority where none is given.
    """
    return [
        PostedSummary(
            _priority(item.get("priority"), default_priority), _channels(item.get("channels"))
        )
        for item in posted
        if isinstance(item, dict)
    ]


def _all_high(posted: Sequence[PostedSummary]) -> bool:
    return bool(posted) and all(summary.priority == Priority.HIGH for summary in posted)


def _priority(named: object, default_priority: str) -> str:
    return named if isinstance(named, str) else default_priority


def _channels(named: object) -> tuple[str, ...]:
    if not isinstance(named, list):
        return tuple(settings.CHANNELS)
    known = tuple(channel for channel in settings.CHANNELS if channel in named)
    return known or tuple(settings.CHANNELS)


def _raising(error: Exception) -> DraftBuilder:
    """Return a function that raises the error where a draft is made."""

    def build(_: Mapping[str, Reached]) -> Draft:
        raise error

    return build


def _answer_body(accepted: Sequence[AcceptedDraft]) -> dict[str, object]:
    [one] = accepted
    return presenters.accepted(one.row, one.repeated, one.draft.warnings)


def _require_high(request: Request, posted: Collection[PostedSummary]) -> None:
    """Raise ``Problem`` where a notification has high priority and the API key may not post it."""
    if any(one.priority == Priority.HIGH for one in posted):
        require_high(key_of(request))
