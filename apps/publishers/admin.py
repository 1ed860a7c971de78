"""Publishers and keys, for operators."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.publishers import services
from apps.publishers.models import ApiKey, Publisher


@admin.register(Publisher)
class PublisherAdmin(admin.ModelAdmin):
    list_display = ["name", "display_name", "is_active", "created_at"]
    search_fields = ["name", "display_name"]


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """Keys are made by the API or ``create_publisher``; here they are seen and revoked."""

    list_display = ["prefix", "publisher", "name", "expires_at", "revoked_at", "last_used_at"]
    search_fields = ["prefix", "publisher__name"]
    readonly_fields = ["publisher", "prefix", "scopes", "created_at", "revoked_at", "last_used_at"]
    exclude = ["digest"]
    actions = ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            services.revoke_key(key)
        self.message_user(request, f"{len(keys)} keys are revoked.")
