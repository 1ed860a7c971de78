"""A person's own settings, and the catalogue as they read it."""

import logging

from django.conf import settings
from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.inbox.authentication import end_user, registered
from apps.inbox.me.serializers import MeChangeIn, MeOut, MyCategoriesOut, MyTopicsOut
from apps.inbox.views import InboxEndpoint
from apps.preferences import profiles, selectors, topic_names
from apps.preferences.categories import catalogue
from apps.preferences.categories.catalogue import CategorySnapshot
from apps.preferences.consent import opt_outs, options
from apps.preferences.consent.refusals import PreferenceScope
from apps.preferences.consent.services import scope_of
from apps.preferences.contacts import services
from apps.preferences.contacts.services import Person
from apps.preferences.digests import choices
from apps.preferences.digests import services as digests
from apps.preferences.frequency import caps
from apps.preferences.frequency import services as frequency
from apps.preferences.models import Recipient
from apps.preferences.pages import languages
from apps.preferences.quiet_hours import schedules
from apps.publishers import audit
from notifier.security.crypto import DecryptionError

log = logging.getLogger(__name__)
TAG = "Inbox"


class Me(InboxEndpoint):
    """The person whose token it is."""

    @extend_schema(operation_id="read_me", tags=[TAG], responses=MeOut)
    def get(self, request: Request) -> Response:
        """Read your settings: language, time zone and how often you want to hear."""
        return Response(_shown(registered(request)))

    @extend_schema(
        operation_id="change_me",
        tags=[TAG],
        request=MeChangeIn,
        responses=MeOut,
        examples=[
            OpenApiExample(
                "in German, in Vienna",
                {"locale": "de-AT", "time_zone": "Europe/Vienna"},
                request_only=True,
            ),
            OpenApiExample(
                "two pushes a day at most, and one offer by mail a week",
                {
                    "frequency_caps": [
                        {"channel": "push", "limit": 2, "per": "day"},
                        {"channel": "email", "category": "offers", "limit": 1, "per": "week"},
                    ]
                },
                request_only=True,
            ),
            OpenApiExample(
                "offers once a week, and whatever else may wait once a day",
                {
                    "digests": [
                        {"category": "offers", "cadence": "weekly"},
                        {"cadence": "daily"},
                    ]
                },
                request_only=True,
            ),
        ],
    )
    def patch(self, request: Request) -> Response:
        """Change your settings. What is left out stays as it is."""
        wanted = self.body(request, MeChangeIn)
        person = registered(request)
        before = _shown(person)
        own_caps = wanted.pop("frequency_caps", None)
        cadences = wanted.pop("digests", None)
        with transaction.atomic():
            services.upsert_recipients([Person(person.user_id, **wanted)])
            if own_caps is not None:
                frequency.replace(person.pk, own_caps)
                wanted["frequency_caps"] = caps.shown(person.pk)
            if cadences is not None:
                digests.replace(person.pk, digests.by_category(cadences))
                wanted["digests"] = choices.shown(person.pk)
            before = {name: before[name] for name in wanted}
            audit.record(
                request, "update", "recipient", person.user_id, before=before, after=wanted
            )
        return Response(_shown(registered(request)))


class MyCategories(InboxEndpoint):
    """The categories that a person may choose from."""

    @extend_schema(operation_id="list_my_categories", tags=[TAG], responses=MyCategoriesOut)
    def get(self, request: Request) -> Response:
        """List the categories in your language, and on which channels you get each."""
        person = selectors.find_recipient(end_user(request).user_id)
        locale, chosen = "", {}
        if person is not None:
            locale, chosen = person.locale, _chosen(person)
        shown = []
        for category in map(catalogue.snapshot, catalogue.rows()):
            shown.append(
                {
                    "name": category.name,
                    "display_name": category.title(locale),
                    "description": category.meaning(locale),
                    "kind": category.kind,
                    "channels": _channels(category, chosen),
                }
            )
        return Response({"categories": shown})


class MyTopics(InboxEndpoint):
    """The topics that a person is subscribed to."""

    @extend_schema(operation_id="list_my_topics", tags=[TAG], responses=MyTopicsOut)
    def get(self, request: Request) -> Response:
        """List what you are subscribed to, and on which channels you get each."""
        person = selectors.find_recipient(end_user(request).user_id)
        if person is None:
            return Response({"topics": []})
        chosen = _chosen(person)
        shown = []
        for topic in topic_names.of_recipient(person.pk):
            always = options.is_always_sent(topic)
            shown.append(
                {
                    "name": topic.name,
                    "display_name": topic.title,
                    "publisher": topic.publisher,
                    "category": topic.category,
                    "always_sent": always,
                    "channels": {
                        option.channel: option.on
                        for option in options.of_topic(topic, chosen, always=always)
                    },
                }
            )
        return Response({"topics": shown})


def _chosen(person: Recipient) -> dict[PreferenceScope, bool]:
    return {scope_of(row): row.allowed for row in selectors.preferences(person.pk)}


def _channels(category: CategorySnapshot, chosen: dict[PreferenceScope, bool]) -> dict[str, bool]:
    found = options.of_category(category, settings.CHANNELS, chosen)
    everywhere = dict.fromkeys(settings.CHANNELS, True)
    return {option.channel: option.on for option in found} or everywhere


def _shown(person: Recipient) -> dict[str, object]:
    try:
        name = profiles.of_row(person).open().name
    except DecryptionError as error:
        log.error("the profile of a recipient cannot be read: %s", error)
        name = ""
    reached = selectors.reached([person.user_id])[person.user_id].channels
    channels = [channel for channel in settings.CHANNELS if channel in reached]
    return {
        "user_id": person.user_id,
        "name": name,
        "locale": person.locale,
        "time_zone": person.time_zone,
        "frequency_caps": caps.shown(person.pk),
        "digests": choices.shown(person.pk),
        "channels": channels,
        "quiet_channels": [one for one in channels if schedules.may_disturb(one)],
        "locales": [
            {"locale": locale, "name": called}
            for locale, called in languages.offered(person.locale)
            if locale
        ],
        "sms_stopped": bool(opt_outs.stopped_numbers(person.pk)),
    }
