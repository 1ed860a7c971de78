"""A person's own preferences. Unlike a publisher, the person may lift refusals."""

from collections.abc import Mapping

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.problems import Problem
from apps.inbox.authentication import end_user
from apps.inbox.views import InboxEndpoint
from apps.preferences import selectors, topic_names
from apps.preferences.api.choices.preference_serializers import PreferencesIn, PreferencesOut
from apps.preferences.api.shapes import ShownPreference
from apps.preferences.consent.services import lock_preferences, replace_preferences
from apps.preferences.contacts import registration
from apps.publishers import audit

TAG = "Inbox"


class MyPreferences(InboxEndpoint):
    """The preferences of the person whose token it is."""

    @extend_schema(operation_id="read_my_preferences", tags=[TAG], responses=PreferencesOut)
    def get(self, request: Request) -> Response:
        """Read your preferences. The most specific one decides."""
        recipient_id = self.recipient_id(request)
        if recipient_id is None:
            return Response({"preferences": []})
        return Response(_preferences(recipient_id, _topics(recipient_id)))

    @extend_schema(
        operation_id="replace_my_preferences",
        tags=[TAG],
        request=PreferencesIn,
        responses=PreferencesOut,
        examples=[
            OpenApiExample(
                "no offers, and nothing by SMS",
                {
                    "preferences": [
                        {"category": "marketing", "allowed": False},
                        {"channel": "sms", "allowed": False},
                    ]
                },
                request_only=True,
            )
        ],
    )
    def put(self, request: Request) -> Response:
        """Replace your preferences with these; what is left out is neither allowed nor refused.

        You can name topics that you are or were subscribed to.
        """
        wanted = self.body(request, PreferencesIn)["preferences"]
        recipient_id = self.recipient_id(request)
        if recipient_id is None:
            raise Problem("not-found", "Nobody has registered you yet: nothing is sent to you.")
        with transaction.atomic():
            lock_preferences(recipient_id)
            names = _topics(recipient_id)
            ids = {name: key for key, name in names.items()}
            registration.check_topics(wanted, ids, "/preferences", "you are subscribed to")
            before = _preferences(recipient_id, names)
            theirs = {row.topic_id for row in selectors.preferences(recipient_id)}
            hidden = {key for key in theirs if key is not None and key not in names}
            updates = registration.preference_updates(recipient_id, wanted, ids)
            replace_preferences(recipient_id, hidden, updates, may_lift=True)
            after = _preferences(recipient_id, names)
            name = end_user(request).user_id
            audit.record(request, "replace", "preferences", name, before=before, after=after)
        return Response(after)


def _topics(recipient_id: int) -> Mapping[int, str]:
    """Map ids to names, for the topics that the person may name."""
    named = {row.topic_id for row in selectors.preferences(recipient_id) if row.topic_id}
    return topic_names.names_for_recipient(recipient_id, named)


def _preferences(recipient_id: int, names: Mapping[int, str]) -> dict[str, list[ShownPreference]]:
    return registration.shown_preferences(selectors.preferences(recipient_id), names)
