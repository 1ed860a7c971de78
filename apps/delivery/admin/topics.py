"""Admin of topics: deliveries by state and hour, pause and resume."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol, cast

from django.contrib import admin, messages
from django.contrib.admin.widgets import (
    AutocompleteMixin,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
)
from django.db.models import ForeignKey, ManyToManyField
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.core import clock
from apps.delivery import selectors
from apps.delivery.admin.charts import drawing
from apps.delivery.admin.charts.ranges import HOUR, Axis
from apps.delivery.models import Notification
from apps.delivery.monitoring import statistics
from apps.operators import markup
from apps.operators.audit import Audited
from apps.operators.panels import Button, Panel, Panelled
from apps.operators.theme import ChangeList
from apps.topics import services
from apps.topics.models import Topic

#: Newest notifications on a topic's page.
NEWEST = 10


class _Listed(Protocol):
    """A topic of the list, with what ``TopicList`` sets: its deliveries by state in a day."""

    states: Mapping[str, int]


class TopicList(ChangeList):
    """A page of topics with their counts, which are read together."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Topic] = list(self.result_list)
        counts = statistics.last_day_of_topics([row.pk for row in rows])
        for row in rows:
            cast(_Listed, row).states = counts.get(row.pk, {})
        self.result_list = rows


class _KeysOnly(AutocompleteMixin):
    """Leave out what is no key: Django's widgets have the database look for whatever is posted."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if str(one).isdecimal()], attr)


class _One(_KeysOnly, AutocompleteSelect): ...


class _Several(_KeysOnly, AutocompleteSelectMultiple): ...


@admin.register(Topic)
class TopicAdmin(Audited, Panelled):
    """List of topics, with deleted ones, whose rows stay for the notifications that name them."""

    list_display = ("name", "publisher", "category", "default_priority", "status", "last_day")
    list_filter = ("publisher", "mandatory")
    list_select_related = ("publisher",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("name", "display_name")
    ordering = ("name",)
    autocomplete_fields = ("publisher", "granted_to")
    readonly_fields = ("paused_at", "deleted_at", "created_at", "updated_at")

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **options: Any
    ) -> Any:
        if db_field.name in self.autocomplete_fields:
            options["widget"] = _One(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **options: Any
    ) -> Any:
        if db_field.name in self.autocomplete_fields:
            options["widget"] = _Several(db_field, self.admin_site)
        return super().formfield_for_manytomany(db_field, request, **options)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[TopicList]:
        return TopicList

    @admin.display(description="state")
    def status(self, row: Topic) -> SafeString | str:
        if row.deleted_at:
            return markup.badge("deleted")
        return markup.badge("paused" if row.paused_at else "active")

    @admin.display(description="deliveries of the last 24 hours")
    def last_day(self, row: _Listed) -> SafeString:
        return markup.bar(row.states)

    def panels(self, request: HttpRequest, row: Topic) -> Sequence[Panel]:
        now = statistics.now_of_topic(row.pk)
        lists = {
            "delivery_notification_changelist": "Its notifications",
            "topics_subscription_changelist": "Its subscriptions",
            "delivery_deadletter_changelist": "Its dead letters",
        }
        if not request.user.has_perm("topics.view_subscription"):
            del lists["topics_subscription_changelist"]
        status = markup.lines(
            [
                markup.badge("paused" if row.paused_at else "active"),
                ", ".join(f"{number:,} {what}" for what, number in now.items()),
                *(
                    markup.link(markup.page(name, topic_id=row.pk), label)
                    for name, label in lists.items()
                ),
            ]
        )
        return [
            Panel("Deliveries now", status),
            Panel("By hour, last two days", _hours(row.pk)),
            Panel("Newest notifications", _newest(row.pk), wide=True),
        ]

    def buttons(self, request: HttpRequest, row: Topic) -> Sequence[Button]:
        if row.deleted_at or not self.has_change_permission(request, row):
            return ()
        if row.paused_at:
            return [Button("resume", "Resume this topic")]
        warning = "Notifications to it are accepted, and held back until it is resumed."
        return [Button("pause", "Pause this topic", "bad", warning)]

    def do_pause(self, request: HttpRequest, row: Topic) -> None:
        services.pause(row)
        self.audit(request, "pause", row)
        messages.warning(request, f"Notifications to {row.name} are held back.")

    def do_resume(self, request: HttpRequest, row: Topic) -> None:
        services.resume(row)
        self.audit(request, "resume", row)
        messages.success(request, f"{row.name} is resumed.")

    def delete_model(self, request: HttpRequest, topic: Topic) -> None:
        services.delete_topic(topic)  # notifications name the row

    def delete_queryset(self, request: HttpRequest, topics: Collection[Topic]) -> None:
        for topic in topics:
            services.delete_topic(topic)

    def get_deleted_objects(
        self, topics: Collection[Topic], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        names = [str(topic) for topic in topics]
        return names, {"topics": len(names)}, set(), []


def _hours(topic_id: int) -> SafeString:
    until = clock.moment().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    since = until - timedelta(days=2)
    hours = statistics.hours_of_topic(topic_id, since, until)
    return drawing.counts(
        "Deliveries by hour",
        Axis(since, until, HOUR, 6 * HOUR),
        {
            what: {hour: counts[what] for hour, counts in hours.items()}
            for what in ("sent", "failed", "suppressed")
        },
    )


def _newest(topic_id: int) -> SafeString:
    rows = list(
        Notification.objects.filter(topic_id=topic_id).defer("content").order_by("-pk")[:NEWEST]
    )
    counts = selectors.state_counts(row.pk for row in rows)
    return markup.table(
        ("posted", "notification", "priority", "deliveries"),
        (
            (
                markup.moment(row.created_at),
                markup.link(markup.page("delivery_notification_change", row.pk), row.pk),
                row.priority,
                markup.bar(counts.get(row.pk, {})),
            )
            for row in rows
        ),
        "Nothing was published to it.",
    )
