"""Topics and subscriptions, for operators."""

from django.contrib import admin
from django.http import HttpRequest

from apps.preferences.admin import LargeTableAdmin
from apps.topics import services
from apps.topics.models import Subscription, Topic


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):
    list_display = ["name", "publisher", "category", "default_priority", "mandatory", "deleted_at"]
    list_filter = ["publisher", "category"]
    list_select_related = ["publisher"]
    search_fields = ["name", "display_name"]
    filter_horizontal = ["granted_to"]
    readonly_fields = ["deleted_at", "created_at", "updated_at"]

    def delete_model(self, request: HttpRequest, topic: Topic) -> None:
        services.delete_topic(topic)  # notifications name the row

    def delete_queryset(self, request: HttpRequest, topics) -> None:
        for topic in topics:
            services.delete_topic(topic)

    def get_deleted_objects(self, topics, request: HttpRequest) -> tuple:
        names = [str(topic) for topic in topics]
        return names, {"topics": len(names)}, set(), []


@admin.register(Subscription)
class SubscriptionAdmin(LargeTableAdmin):
    list_display = ["id", "topic", "channel", "recipient", "contact", "state", "updated_at"]
    list_filter = ["channel", "state"]
    list_select_related = ["topic", "recipient", "contact"]
    search_fields = ["=recipient__user_id"]
    fields = ["topic", "channel", "recipient", "contact", "state", "created_at", "updated_at"]
    readonly_fields = [name for name in fields if name != "state"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
