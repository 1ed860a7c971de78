"""Admin of chunks, read-only: slices of audiences that are still to be claimed or cut."""

from django.contrib import admin
from django.db.models import Q

from apps.delivery.models import Chunk, ChunkKind, ChunkState
from apps.operators import markup
from apps.operators.large_lists import ReadOnly
from apps.operators.list_filters import choice
from apps.preferences.channels import all_channels
from notifier.domain.priorities import Priority


@admin.register(Chunk)
class ChunkAdmin(ReadOnly):
    """List of chunks, newest first."""

    list_display = ("id", "kind", "channel", "priority", "status", "fence", "due_at", "ready_at")
    list_filter = (
        choice("state", lambda: ChunkState.values),
        choice("kind", lambda: ChunkKind.values),
        choice("channel", all_channels),
        choice("priority", lambda: Priority),
    )
    moment = "ready_at"
    fields = (
        "notification_id",
        "kind",
        "channel",
        "priority",
        "state",
        "fence",
        "ready_at",
        "due_at",
        "low_id",
        "high_id",
    )
    readonly_fields = ("notification_id",)

    @admin.display(description="state")
    def status(self, row: Chunk) -> str:
        return markup.badge(row.state)

    def find(self, term: str) -> Q:
        return Q(pk=int(term)) if term.isdecimal() else Q(pk__in=[])
