"""Preferences of a recipient: what they allow and refuse."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.preferences import selectors, topic_names
from apps.preferences.api.choices import preference_serializers as serializers
from apps.preferences.api.shapes import PostedPreference, ShownPreference
from apps.preferences.consent.services import (
    PreferenceUpdate,
    WouldLiftRefusal,
    lock_preferences,
    merge_preferences,
    replace_preferences,
)
from apps.preferences.contacts import registration
from apps.publishers import audit
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint
from apps.publishers.scopes import Scope

TAG = "Recipients"
READ, WRITE = Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE


class PreferenceList(Endpoint):
    """A recipient's preferences.

    The most specific one decides: a topic beats a category, either beats none, and a channel beats
    any channel.
    """

    required_scopes = {"GET": READ, "PUT": WRITE, "PATCH": WRITE}

    @extend_schema(
        operation_id="read_preferences", tags=[TAG], responses=serializers.PreferencesOut
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Read a recipient's preferences, apart from those for topics you do not see."""
        return Response(_preferences(publisher_of(request).id, selectors.get_recipient(user_id).pk))

    @extend_schema(
        operation_id="replace_preferences",
        tags=[TAG],
        request=serializers.PreferencesIn,
        responses=serializers.PreferencesOut,
        examples=[
            OpenApiExample(
                "no SMS but for one topic",
                {
                    "preferences": [
                        {"channel": "sms", "allowed": False},
                        {"channel": "sms", "topic": "order-updates", "allowed": True},
                    ]
                },
                request_only=True,
            )
        ],
    )
    def put(self, request: Request, user_id: str) -> Response:
        """Replace a recipient's preferences with these.

        Preferences for topics you do not see stay as they are. You can add refusals but not lift
        any (403): the person does that with their own token, or an operator.
        """
        wanted = self.body(request, serializers.PreferencesIn)["preferences"]
        recipient_id, updates = self._updates(request, user_id, wanted)
        with transaction.atomic():
            lock_preferences(recipient_id)
            before = _preferences(publisher_of(request).id, recipient_id)
            hidden = _hidden_topics(publisher_of(request).id, recipient_id)
            with self._lifting_nothing(request, wanted):
                replace_preferences(recipient_id, hidden, updates)
            after = _preferences(publisher_of(request).id, recipient_id)
            audit.record(request, "replace", "preferences", user_id, before=before, after=after)
        return Response(after)

    @extend_schema(
        operation_id="change_preferences",
        tags=[TAG],
        request=serializers.PreferencesChangeIn,
        responses=serializers.PreferencesOut,
        examples=[
            OpenApiExample(
                "one refused, one withdrawn",
                {
                    "preferences": [
                        {"category": "marketing", "allowed": False},
                        {"channel": "sms", "allowed": None},
                    ]
                },
                request_only=True,
            )
        ],
    )
    def patch(self, request: Request, user_id: str) -> Response:
        """Change these preferences and leave the others; `allowed: null` withdraws one.

        You can add refusals but not lift any (403).
        """
        wanted = self.body(request, serializers.PreferencesChangeIn)["preferences"]
        recipient_id, updates = self._updates(request, user_id, wanted)
        with transaction.atomic():
            lock_preferences(recipient_id)
            before = _preferences(publisher_of(request).id, recipient_id)
            with self._lifting_nothing(request, wanted):
                merge_preferences(updates)
            after = _preferences(publisher_of(request).id, recipient_id)
            audit.record(request, "update", "preferences", user_id, before=before, after=after)
        return Response(after)

    def _updates(
        self, request: Request, user_id: str, wanted: Sequence[PostedPreference]
    ) -> tuple[int, list[PreferenceUpdate]]:
        recipient_id = selectors.get_recipient(user_id).pk
        topics = registration.known_topics(publisher_of(request).id, wanted)
        return recipient_id, registration.preference_updates(recipient_id, wanted, topics)

    @contextmanager
    def _lifting_nothing(
        self, request: Request, wanted: Sequence[PostedPreference]
    ) -> Iterator[None]:
        """Turn ``WouldLiftRefusal`` into a problem."""
        try:
            yield
        except WouldLiftRefusal as error:
            [scope] = error.found.values()
            topics = registration.known_topics(publisher_of(request).id, wanted)
            raise registration.refusal_problem(scope, wanted, topics, "/preferences") from None


def _preferences(publisher_id: int, recipient_id: int) -> dict[str, list[ShownPreference]]:
    rows = list(selectors.preferences(recipient_id))
    names = topic_names.names_by_id(publisher_id, [row.topic_id for row in rows if row.topic_id])
    return registration.shown_preferences(rows, names)


def _hidden_topics(publisher_id: int, recipient_id: int) -> list[int]:
    topics = [row.topic_id for row in selectors.preferences(recipient_id) if row.topic_id]
    seen = topic_names.names_by_id(publisher_id, topics)
    return [topic for topic in topics if topic not in seen]
