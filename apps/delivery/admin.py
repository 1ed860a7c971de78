"""Notifications and deliveries as an operator sees them: read, filter, never edit."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property

from apps.delivery import selectors
from apps.delivery.models import Chunk, Delivery, Notification


class Newest(Paginator):
    """Pages through the first ``MOST`` rows: there may be millions, and no page may count them."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        return self.object_list[: self.MOST].count()


class ReadOnly(admin.ModelAdmin):
    """Rows that only the pipeline writes. Filter to see what lies beyond the newest."""

    paginator = Newest
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Notification)
class NotificationAdmin(ReadOnly):
    """What was posted, and what became of it by channel and state."""

    list_display = ("id", "publisher", "topic", "priority", "created_at", "cancelled_at")
    list_filter = ("priority",)
    list_select_related = ("publisher", "topic")
    ordering = ("-id",)
    exclude = ("content",)
    readonly_fields = ("deliveries",)

    @admin.display(description="deliveries")
    def deliveries(self, row: Notification) -> str:
        return (
            "; ".join(
                f"{channel}: " + ", ".join(f"{number} {state}" for state, number in states.items())
                for channel, states in selectors.counts(row.pk).items()
            )
            or "none yet"
        )


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    """Where each delivery stands and why, with its attempts."""

    list_display = ("id", "notification_id", "channel", "priority", "state", "reason", "provider")
    list_filter = ("state", "channel", "priority")
    ordering = ("-id",)
    raw_id_fields = ("notification", "chunk")
    readonly_fields = ("every_attempt",)

    @admin.display(description="attempts made")
    def every_attempt(self, row: Delivery) -> str:
        return (
            "; ".join(
                f"{a.number}: {a.started_at:%H:%M:%S} {a.provider} {a.outcome} {a.reason}"
                for a in selectors.attempts([row.pk])[row.pk]
            )
            or "none"
        )


@admin.register(Chunk)
class ChunkAdmin(ReadOnly):
    """Slices of audiences; an open one that is overdue is being swept."""

    list_display = ("id", "kind", "channel", "priority", "state", "fence", "due_at")
    list_filter = ("state", "kind", "channel", "priority")
    ordering = ("-id",)
    raw_id_fields = ("notification",)
