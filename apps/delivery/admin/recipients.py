"""Admin of recipients: contacts, subscriptions, preferences, suppressions and deliveries."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db import connection
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.core import clock
from apps.delivery.admin import digests
from apps.delivery.admin.deliveries import attach_names
from apps.delivery.models import Delivery
from apps.operators import markup
from apps.operators.large_lists import NewestAdmin
from apps.operators.panels import Panel, Panelled
from apps.preferences import audit_trail
from apps.preferences.admin.people import changes_table
from apps.preferences.frequency import caps
from apps.preferences.models import Contact, Preference, Recipient, Suppression
from apps.preferences.quiet_hours import schedules
from apps.preferences.quiet_hours.services import quiet_hours_changed
from apps.topics import selectors
from apps.topics.models import Subscription

#: Rows in each panel.
MOST = 20

#: Topics whose newest notifications are shown, of those that they subscribe to or have left.
MOST_TOPICS = 100

# The newest notifications of each of these topics, received or not.
_POSTED = """
SELECT n.id, n.created_at, s.topic_id
  FROM unnest(%(topics)s::bigint[]) AS s (topic_id),
       LATERAL (SELECT id, created_at FROM delivery_notification
                 WHERE topic_id = s.topic_id ORDER BY id DESC LIMIT 5) n
 ORDER BY n.id DESC LIMIT %(most)s
"""


@admin.register(Recipient)
class RecipientAdmin(Panelled, NewestAdmin):
    """Recipients cannot be added here: the API creates them together with their inbox."""

    list_display = ("user_id", "locale", "time_zone", "created_at")
    unread = ("name", "attributes")
    search_fields = ("user_id",)
    search_help_text = "The exact user_id"
    readonly_fields = ("user_id", "created_at", "updated_at")

    def find(self, term: str) -> Q:
        return Q(user_id=term.strip())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # deliveries name their contacts

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if {"quiet_hours", "time_zone"} & set(form.changed_data):
            quiet_hours_changed.send(Recipient, recipient_ids=[obj.pk])

    def panels(self, request: HttpRequest, row: Recipient) -> Sequence[Panel]:
        contacts = list(
            Contact.objects.filter(recipient=row).defer("address", "secret").order_by("id")[:100]
        )
        return [
            Panel("Contacts", _contacts(contacts)),
            Panel("Subscriptions", _subscriptions(row)),
            Panel("Preferences", _preferences(row)),
            Panel("Frequency caps", _frequency_caps(row)),
            Panel("Digests", digests.of_person(row.pk)),
            Panel("Suppressions", _suppressions(contacts)),
            Panel("Quiet hours", _quiet_hours(row)),
            Panel("Changes of contacts and refusals", _changes(row), wide=True),
            Panel("Newest deliveries", _deliveries(row), wide=True),
            Panel("Newest notifications of their topics", _posted(row), wide=True),
        ]


def _contacts(contacts: Sequence[Contact]) -> SafeString:
    return markup.table(
        ("channel", "address", "state", "since"),
        (
            (
                contact.channel,
                markup.link(
                    markup.page("preferences_contact_change", contact.pk),
                    contact.masked or contact.platform,
                ),
                markup.lines([markup.badge(contact.state), contact.disabled_reason]),
                markup.moment(contact.updated_at),
            )
            for contact in contacts
        ),
    )


def _subscriptions(person: Recipient) -> SafeString:
    rows = Subscription.objects.filter(recipient=person).select_related("topic").order_by("-pk")
    return markup.table(
        ("topic", "channel", "state", "since"),
        (
            (
                markup.link(markup.page("topics_topic_change", row.topic_id), row.topic),
                row.channel,
                markup.badge(row.state),
                markup.moment(row.updated_at),
            )
            for row in rows[:MOST]
        ),
    )


def _preferences(person: Recipient) -> SafeString:
    rows = list(Preference.objects.filter(recipient=person).order_by("-pk")[:MOST])
    topics = selectors.names_of_topics(row.topic_id for row in rows)
    return markup.table(
        ("about", "channel", "", "since"),
        (
            (
                topics.get(row.topic_id or 0) or row.category or "everything",
                row.channel or "every channel",
                "wanted" if row.allowed else "refused",
                markup.moment(row.updated_at),
            )
            for row in rows
        ),
    )


def _frequency_caps(person: Recipient) -> SafeString:
    return markup.table(
        ("about", "channel", "at most"),
        (
            (cap["category"] or "everything", cap["channel"], f"{cap['limit']} per {cap['per']}")
            for cap in caps.shown(person.pk)
        ),
        "They have set none of their own.",
    )


def _suppressions(contacts: Sequence[Contact]) -> SafeString:
    found = Q(pk__in=[])
    for contact in contacts:
        found |= Q(channel=contact.channel, address_index=contact.address_index)
    return markup.table(
        ("channel", "address", "reason", "since"),
        (
            (
                row.channel,
                markup.link(markup.page("preferences_suppression_change", row.pk), row.masked),
                row.reason.replace("_", " "),
                markup.moment(row.created_at),
            )
            for row in Suppression.objects.filter(found)
        ),
    )


def _quiet_hours(person: Recipient) -> SafeString:
    """Render the windows that apply to a person, and whether it is quiet now."""
    quiet = schedules.of(person)
    found = quiet.stretch(clock.now())
    whose = "The company's" if person.quiet_hours is None else "Their own"
    where = f"{whose}, on {', '.join(quiet.schedule.channels)}, in {quiet.zone.key}."
    until = markup.at(datetime.fromtimestamp(found.ends, UTC)) if found.quiet else ""
    return markup.lines(
        [
            markup.table(
                ("begins on", "from", "to"),
                (
                    (", ".join(window["days"]), window["from"], window["to"])
                    for window in quiet.schedule.as_json()["windows"]
                ),
                "They have none.",
            ),
            where,
            f"It is quiet until {until}." if until else "",
        ]
    )


def _changes(person: Recipient) -> SafeString:
    every = markup.page("preferences_directorychange_changelist", recipient_id=person.pk)
    newest = audit_trail.of_person(person.pk)[: audit_trail.MOST_SHOWN]
    return markup.lines([changes_table(newest), markup.link(every, "All of them")])


def _deliveries(person: Recipient) -> SafeString:
    rows = list(Delivery.objects.filter(recipient_id=person.pk).order_by("-pk")[:MOST])
    named = attach_names(rows)
    more = markup.page("delivery_delivery_changelist", recipient_id=person.pk)
    return markup.lines(
        [
            markup.table(
                ("delivery", "created", "channel", "address", "state", "reason", ""),
                (
                    (
                        markup.link(markup.page("delivery_delivery_change", row.pk), row.public_id),
                        markup.moment(row.created_at),
                        row.channel,
                        names.masked,
                        markup.badge(row.state),
                        row.reason.replace("_", " "),
                        _why(person, row.notification_id),
                    )
                    for row, names in zip(rows, named, strict=True)
                ),
                "They have no deliveries.",
            ),
            markup.link(more, "All of them") if len(rows) == MOST else "",
        ]
    )


def _posted(person: Recipient) -> SafeString:
    topics = selectors.topics_of_recipient(person.pk, MOST_TOPICS)
    with connection.cursor() as cursor:
        cursor.execute(_POSTED, {"topics": list(topics), "most": MOST})
        posted = cursor.fetchall()
    states: dict[UUID, list[str]] = {}
    found = Delivery.objects.filter(
        recipient_id=person.pk, notification_id__in=[key for key, *_ in posted]
    )
    for delivery in found.order_by("pk"):
        states.setdefault(delivery.notification_id, []).append(
            markup.lines([f"{delivery.channel} ", markup.badge(delivery.state)])
        )
    return markup.table(
        ("posted", "topic", "notification", "received", ""),
        (
            (
                markup.moment(created_at),
                topics[topic_id],
                markup.link(markup.page("delivery_notification_change", key), key),
                markup.lines(states[key]) if key in states else "nothing",
                _why(person, key),
            )
            for key, created_at, topic_id in posted
        ),
    )


def _why(person: Recipient, notification: UUID) -> SafeString:
    return markup.link(
        markup.page("why", user_id=person.user_id, notification=notification), "Why?"
    )
