"""People and where they are reached, for operators. Addresses are shown masked only."""

from django.contrib import admin
from django.http import HttpRequest

from apps.preferences.models import Contact, Preference, Recipient, Suppression


class LargeTableAdmin(admin.ModelAdmin):
    """A table of millions: nothing counts its rows or loads them into a select box."""

    show_full_result_count = False
    list_per_page = 50


@admin.register(Recipient)
class RecipientAdmin(LargeTableAdmin):
    list_display = ["user_id", "locale", "time_zone", "created_at"]
    search_fields = ["=user_id"]
    readonly_fields = ["user_id", "created_at", "updated_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the API makes the inbox that belongs to everybody


@admin.register(Contact)
class ContactAdmin(LargeTableAdmin):
    list_display = [
        "masked",
        "channel",
        "recipient",
        "publisher",
        "platform",
        "state",
        "disabled_reason",
    ]
    list_filter = ["channel", "state"]
    list_select_related = ["recipient", "publisher"]
    search_fields = ["=recipient__user_id"]
    fields = [
        "recipient",
        "publisher",
        "channel",
        "masked",
        "platform",
        "app",
        "state",
        "disabled_reason",
        "last_active_at",
        "created_at",
        "updated_at",
    ]
    readonly_fields = [name for name in fields if name not in ("state", "disabled_reason")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # an address is encrypted on its way in, by the API

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return False  # deliveries name contacts; disable it instead


@admin.register(Preference)
class PreferenceAdmin(LargeTableAdmin):
    list_display = ["recipient", "channel", "topic_id", "category", "allowed", "updated_at"]
    list_select_related = ["recipient"]
    search_fields = ["=recipient__user_id"]
    raw_id_fields = ["recipient"]


@admin.register(Suppression)
class SuppressionAdmin(LargeTableAdmin):
    list_display = ["masked", "channel", "reason", "created_at"]
    list_filter = ["channel", "reason"]
    fields = ["channel", "masked", "reason", "created_at"]
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
