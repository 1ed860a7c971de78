"""The endpoint that sends a notification again to those who did not get it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.problems import Problem
from apps.api.serializers import Choice, StrictSerializer
from apps.core import clock
from apps.delivery.api import presenters
from apps.delivery.api.publishing.idempotent import answered, fingerprinted, idempotency_key
from apps.delivery.api.publishing.openapi import publishes
from apps.delivery.api.publishing.serializers import TakenOut
from apps.delivery.intake import group_commit, load_shedding
from apps.delivery.intake.earlier import replaying
from apps.delivery.intake.group_commit import AcceptedDraft, PublishRequest
from apps.delivery.intake.idempotency import Answer, Key
from apps.publishers import audit, limits
from apps.publishers.api.caller import key_of, publisher_of
from apps.publishers.api.endpoint import Endpoint
from apps.publishers.api.permissions import require_critical, require_high
from apps.publishers.scopes import Scope
from notifier.domain.priorities import Priority


class ReplayIn(StrictSerializer):
    """A replay: states and channels of the deliveries to send again, and a new expiry."""

    states = serializers.ListField(
        child=Choice([str(state) for state in replaying.STATES]),
        min_length=1,
        required=False,
        help_text="that they ended in; if left out, any but `cancelled`",
    )
    channels = serializers.ListField(
        child=Choice(list(settings.CHANNELS)),
        min_length=1,
        required=False,
        help_text="that they were on; all if left out",
    )
    expires_at = serializers.DateTimeField(
        required=False,
        help_text="not sent after this time; the first one's by default, and needed once that is "
        "past",
    )

    def validate_expires_at(self, expires_at: Any) -> Any:
        if expires_at <= clock.moment():
            raise serializers.ValidationError("It is past already; nothing would be sent.")
        return expires_at


class ReplayView(Endpoint):
    """A replay of a notification."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    @publishes(
        "replay_notification",
        ReplayIn,
        TakenOut,
        OpenApiExample("what died on email", {"states": ["dead"], "channels": ["email"]}),
    )
    def post(self, request: Request, notification_id: UUID) -> HttpResponse:
        """Send a notification again to those who did not get it. 202: it is stored durably.

        It is a new notification with the same content, to those whose deliveries ended in these
        states, on the channels on which they did. Whoever got it on any channel, or in an earlier
        replay, is left out, and so is who unsubscribed or was erased since. 409 while it, or a
        replay of it, is not done, and once it has expired, without another `expires_at`; 410 once
        its content is deleted.
        """
        key = fingerprinted(request, idempotency_key(request))
        body = self.body(request, ReplayIn)
        choice = replaying.Choice(
            body.get("states", replaying.USUAL), body.get("channels", ()), body.get("expires_at")
        )
        load_shedding.refused()  # measures now; the draft is made by the last measurement
        with transaction.atomic():
            return answered(lambda: self._commit(request, key, notification_id, choice))

    def _commit(
        self, request: Request, key: Key | None, notification_id: UUID, choice: replaying.Choice
    ) -> Answer:
        kept = group_commit.replay(key)
        if kept is not None:
            return kept
        try:
            replay = replaying.prepare(publisher_of(request).id, notification_id, choice)
        except Problem:
            # The first request with this key may have been answered meanwhile.
            kept = group_commit.replay(key)
            if kept is None:
                raise
            return kept
        self._require_permitted(request, replay)
        found = PublishRequest(
            publisher_of(request).id, key, (), lambda *_: [replay.draft], _answer_body
        )
        [answer] = group_commit.commit_within([found])
        if isinstance(answer, Exception):
            raise answer
        if not answer.replayed:
            replay.take_over()
            after = {
                "replay": orjson.loads(answer.body)["id"],
                "states": sorted(choice.states),
                "channels": replay.draft.channels,
            }
            audit.record(request, "replay", "notification", str(notification_id), after=after)
        return answer

    def _require_permitted(self, request: Request, replay: replaying.Replay) -> None:
        """Raise ``Problem`` where the key might not post such a notification."""
        category = replay.draft.category
        if category is not None and category.critical:
            require_critical(key_of(request), category.name)
        if replay.draft.priority == Priority.HIGH:
            require_high(key_of(request))
            limits.take_high(publisher_of(request))


def _answer_body(accepted: Sequence[AcceptedDraft]) -> dict[str, object]:
    [one] = accepted
    return presenters.accepted(one.row, warnings=one.draft.warnings)
