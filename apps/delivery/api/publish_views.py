"""Endpoints that publish: to recipients, in batches, to topics and to groups."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from django.conf import settings
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from apps.api.negotiation import JSON
from apps.api.pagination import PageQuery
from apps.api.problems import Problem
from apps.delivery import selectors
from apps.delivery.api import presenters
from apps.delivery.api.batch import Batch
from apps.delivery.api.notification_serializers import NotificationOut
from apps.delivery.api.notification_views import NOTIFICATIONS
from apps.delivery.api.publish_openapi import BATCH, IDEMPOTENCY_KEY, IN_ORDER, NEWS, OTP, REFUSALS
from apps.delivery.api.publish_serializers import (
    BATCH_LIMIT,
    CONTENT_LIMIT,
    BatchIn,
    BatchOut,
    NotificationIn,
    PublishIn,
    TakenOut,
)
from apps.delivery.intake import group_commit, idempotency, load_shedding
from apps.delivery.intake.bodies import NotificationBody, PublishBody
from apps.delivery.intake.drafts import Draft, DraftBuilder, audience_draft, draft_builder
from apps.delivery.intake.group_commit import AcceptedDraft, PublishRequest
from apps.delivery.intake.idempotency import Answer
from apps.delivery.intake.load_shedding import PostedSummary
from apps.delivery.intake.lookups import Key
from apps.preferences.selectors import Reached, get_group
from apps.publishers import limits
from apps.publishers.api.caller import key_of, publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.api.permissions import require
from apps.publishers.scopes import Scope
from apps.topics.selectors import get_topic, visible_topic
from notifier.domain.priorities import Priority

#: Bytes of a batch request: each of its notifications may have content of its own.
BATCH_BODY = BATCH_LIMIT * (CONTENT_LIMIT + 1024)


class PublishingView(Endpoint):
    """Base of the endpoints that publish: it reads what is posted before validation."""

    def posted(self, request: Request) -> Sequence[PostedSummary]:
        """Read the priority and channels of each posted notification, before validation."""
        return _summaries([request.data])

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
        key = _idempotency_key(request)
        posted = self.posted(request)
        distinct = set(posted)
        _require_high(request, distinct)
        if self.allowance is not None and not self.allowance.high and _all_high(posted):
            raise limits.high_exceeded(publisher_of(request), self.allowance)
        load_shedding.refuse_if_overloaded(distinct)
        if key is None:
            return None
        return Key(
            publisher_of(request).id, key, idempotency.fingerprint(request.path, request.data)
        )


class NotificationsView(PublishingView, ListEndpoint):
    """Notifications: notify named recipients, and list what was posted."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE, "GET": Scope.NOTIFICATIONS_READ}
    ordering = "-id"

    @extend_schema(
        operation_id="notify",
        request=NotificationIn,
        responses={202: TakenOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[OTP, IN_ORDER],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request) -> HttpResponse:
        """Notify 1 to 1,000 recipients. 202: it is stored durably."""
        key = self.begin(request)

        def read() -> tuple[DraftBuilder, Sequence[str]]:
            data: NotificationBody = self.body(request, NotificationIn)
            return draft_builder(publisher_of(request).id, data), data["user_ids"]

        return _single(request, key, read)

    @extend_schema(
        operation_id="list_notifications",
        parameters=[PageQuery],
        responses={200: NotificationOut(many=True)},
        tags=[NOTIFICATIONS],
    )
    def get(self, request: Request) -> Response:
        """List your notifications, newest first."""
        rows = selectors.notifications(publisher_of(request).id)
        return self.paginate(request, rows, NotificationOut, prepare=presenters.with_progress)


class BatchView(PublishingView):
    """Many different notifications in one call."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}
    max_body = BATCH_BODY

    def posted(self, request: Request) -> Sequence[PostedSummary]:
        data = request.data
        posted = data.get("notifications") if isinstance(data, dict) else None
        return _summaries(posted if isinstance(posted, list) else [])

    @extend_schema(
        operation_id="notify_batch",
        request=BatchIn,
        responses={202: BatchOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[BATCH],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request) -> HttpResponse:
        """Notify with up to 1,000 different notifications; each has its own result.

        Those with errors are left out, and the others are accepted together.
        """
        key = self.begin(request)

        def commit() -> Answer:
            # A replay skips the validation of up to a thousand notifications.
            kept = group_commit.replay(key)
            if kept is not None:
                return kept
            checked = self.body(request, BatchIn)["notifications"]
            batch = Batch(publisher_of(request), checked, self.allowance)
            return group_commit.commit(batch.publish_request(key), together=False)

        return _answered(commit)


class PublishView(PublishingView):
    """Publish to a topic."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    def posted(self, request: Request) -> Sequence[PostedSummary]:
        known = get_topic(self.kwargs["name"])
        default_priority = known.default_priority if known else Priority.NORMAL
        return _summaries([request.data], default_priority)

    @extend_schema(
        operation_id="publish",
        request=PublishIn,
        responses={202: TakenOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[NEWS],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request, name: str) -> HttpResponse:
        """Notify everybody subscribed to the topic. 202: it is stored durably."""
        key = self.begin(request)

        def read() -> tuple[DraftBuilder, Sequence[str]]:
            topic = visible_topic(name, publisher_of(request).id)
            data: PublishBody = self.body(request, PublishIn)
            default_priority = topic.default_priority
            draft = audience_draft(publisher_of(request).id, data, default_priority, topic=topic)
            return lambda _: draft, ()

        return _single(request, key, read)


class GroupNotifyView(PublishingView):
    """Notify a group."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    @extend_schema(
        operation_id="notify_group",
        request=PublishIn,
        responses={202: TakenOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[NEWS],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request, name: str) -> HttpResponse:
        """Notify everybody in a group of yours. 202: it is stored durably.

        Without `channels`, each member is notified on every channel they can be reached on that has
        a provider.
        """
        key = self.begin(request)

        def read() -> tuple[DraftBuilder, Sequence[str]]:
            group = get_group(name, publisher_of(request).id)
            data: PublishBody = self.body(request, PublishIn)
            draft = audience_draft(publisher_of(request).id, data, Priority.NORMAL, group=group)
            return lambda _: draft, ()

        return _single(request, key, read)


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


def _single(
    request: Request, key: Key | None, read: Callable[[], tuple[DraftBuilder, Sequence[str]]]
) -> HttpResponse:
    """Commit the notification that ``read`` makes of the request, in a group with others.

    With a key, errors of the request are raised only once the key is known to be new: a replay gets
    the first answer, even if its topic has been deleted or its expiry is past by now.
    """
    draft_builder: DraftBuilder
    try:
        draft_builder, user_ids = read()
    except (Problem, ValidationError, Http404) as error:
        if key is None:
            raise
        invalid, user_ids = error, ()

        def draft_builder(_: Mapping[str, Reached]) -> Draft:
            raise invalid

    publish_request = PublishRequest(
        publisher_of(request).id,
        key,
        user_ids,
        lambda people, _: [draft_builder(people)],
        _answer_body,
    )
    return _answered(lambda: group_commit.commit(publish_request))


def _answer_body(accepted: Sequence[AcceptedDraft]) -> dict[str, object]:
    [one] = accepted
    return presenters.accepted(one.row, one.repeated, one.draft.warnings)


def _answered(commit: Callable[[], Answer]) -> HttpResponse:
    """Turn the answer of ``commit`` into a response. Raises ``Problem`` for a key that clashes."""
    try:
        answer = commit()
    except idempotency.KeyReused:
        raise Problem(
            "idempotency-mismatch",
            "This Idempotency-Key was used for a different request. Use a new key.",
        ) from None
    except idempotency.StillInFlight:
        raise Problem(
            "idempotency-in-flight",
            "The first request with this Idempotency-Key is still under way. Try again soon.",
            headers={"Retry-After": "1"},
        ) from None
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return HttpResponse(answer.body, JSON, answer.status, headers=headers)


def _require_high(request: Request, posted: Collection[PostedSummary]) -> None:
    """Raise ``Problem`` where a notification has high priority and the API key may not post it."""
    if any(one.priority == Priority.HIGH for one in posted):
        require(
            key_of(request),
            Scope.NOTIFICATIONS_HIGH,
            "High priority, which a topic may have where none is named,",
        )


def _idempotency_key(request: Request) -> str | None:
    """Read the request's idempotency key, or ``None``. Raises ``Problem`` where it is malformed."""
    named: set[str] = {
        request.META[name]
        for name in ("HTTP_IDEMPOTENCY_KEY", "HTTP_X_IDEMPOTENCY_KEY")
        if name in request.META
    }
    if not named:
        return None
    if len(named) > 1:
        raise Problem(
            "invalid-idempotency-key",
            "Idempotency-Key and X-Idempotency-Key differ. Send one of the headers.",
        )
    [key] = named
    if not idempotency.KEY.fullmatch(key):
        raise Problem(
            "invalid-idempotency-key",
            f"An Idempotency-Key has 1 to {idempotency.LONGEST_KEY} printable ASCII characters; "
            "a random UUID will do.",
        )
    return key
