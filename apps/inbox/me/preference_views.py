"""A person's own preferences. Unlike a publisher, the person may lift refusals."""

from collections.abc import Callable, Mapping, Sequence

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.problems import Problem
from apps.inbox.authentication import registered
from apps.inbox.views import InboxEndpoint
from apps.preferences import selectors, topic_names
from apps.preferences.api.choices.preference_serializers import (
    PreferencesChangeIn,
    PreferencesIn,
    PreferencesOut,
)
from apps.preferences.api.fields import MAX_BULK
from apps.preferences.api.shapes import PostedPreference, ShownPreference
from apps.preferences.consent.services import (
    PreferenceUpdate,
    leaving_everything,
    lock_preferences,
    merge_preferences,
    replace_preferences,
)
from apps.preferences.contacts import registration
from apps.publishers import audit

TAG = "Inbox"
ShownPreferences = dict[str, list[ShownPreference]]


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

        def write(person: int, names: Mapping[int, str]) -> None:
            theirs = {row.topic_id for row in selectors.preferences(person)}
            hidden = {key for key in theirs if key is not None and key not in names}
            replace_preferences(person, hidden, _updates(person, wanted, names), may_lift=True)

        return Response(_changed(request, "replace", write))

    @extend_schema(
        operation_id="change_my_preferences",
        tags=[TAG],
        request=PreferencesChangeIn,
        responses=PreferencesOut,
        examples=[
            OpenApiExample(
                "no offers by mail, and nothing chosen about text messages any more",
                {
                    "preferences": [
                        {"channel": "email", "category": "offers", "allowed": False},
                        {"channel": "sms", "allowed": None},
                    ]
                },
                request_only=True,
            )
        ],
    )
    def patch(self, request: Request) -> Response:
        """Change these of your preferences and leave the others; `allowed: null` withdraws one.

        You can name topics that you are or were subscribed to.
        """
        wanted = self.body(request, PreferencesChangeIn)["preferences"]

        def write(person: int, names: Mapping[int, str]) -> None:
            merge_preferences(_updates(person, wanted, names), may_lift=True)

        return Response(_changed(request, "update", write))


class Leave(InboxEndpoint):
    """Leaving everything."""

    @extend_schema(
        operation_id="leave_everything", tags=[TAG], request=None, responses=PreferencesOut
    )
    def post(self, request: Request) -> Response:
        """Refuse everything that can be refused, and withdraw whatever you have allowed."""

        def write(person: int, names: Mapping[int, str]) -> None:
            merge_preferences(leaving_everything(person), may_lift=True)

        return Response(_changed(request, "update", write))


def _changed(
    request: Request, action: str, write: Callable[[int, Mapping[int, str]], None]
) -> ShownPreferences:
    """Have the person's preferences written, and recorded; return what they are then.

    ``write`` gets the id of the recipient, and names by ids of the topics that they may name.
    """
    person = registered(request)
    with transaction.atomic():
        lock_preferences(person.pk)
        names = _topics(person.pk)
        before = _preferences(person.pk, names)
        write(person.pk, names)
        after = _preferences(person.pk, names)
        if len(after["preferences"]) > max(MAX_BULK, len(before["preferences"])):
            raise Problem(
                "invalid-request",
                f"You can have {MAX_BULK:,} preferences: withdraw some (`allowed: null`) first.",
                errors=[{"pointer": "/preferences", "detail": "There are too many."}],
            )
        if after != before:
            audit.record(request, action, "preferences", person.user_id, before=before, after=after)
    return after


def _updates(
    recipient_id: int, wanted: Sequence[PostedPreference], names: Mapping[int, str]
) -> list[PreferenceUpdate]:
    """Return the updates. Raises a ``Problem`` for topics that the person may not name."""
    ids = {name: key for key, name in names.items()}
    registration.check_topics(wanted, ids, "/preferences", "you are subscribed to")
    return registration.preference_updates(recipient_id, wanted, ids)


def _topics(recipient_id: int) -> Mapping[int, str]:
    """Map ids to names, for the topics that the person may name."""
    named = {row.topic_id for row in selectors.preferences(recipient_id) if row.topic_id}
    return topic_names.names_for_recipient(recipient_id, named)


def _preferences(recipient_id: int, names: Mapping[int, str]) -> ShownPreferences:
    return registration.shown_preferences(selectors.preferences(recipient_id), names)
