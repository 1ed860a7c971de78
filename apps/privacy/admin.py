"""Admin of erasures and of retention, and the button that erases a recipient."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.delivery.admin.recipients import RecipientAdmin
from apps.delivery.maintenance import notifications
from apps.delivery.models import RetentionRule
from apps.operators.audit import Audited
from apps.operators.large_lists import ReadOnly
from apps.operators.panels import Button
from apps.operators.theme import ModelAdmin
from apps.preferences.models import Recipient
from apps.privacy import erasure
from apps.privacy.models import Erasure

admin.site.unregister(Recipient)


@admin.register(Recipient)
class ErasableRecipientAdmin(RecipientAdmin):
    """Recipients, whom operators with the permission to delete them may erase."""

    def buttons(self, request: HttpRequest, row: Recipient) -> Sequence[Button]:
        if not request.user.has_perm("preferences.delete_recipient"):
            return super().buttons(request, row)
        warning = (
            "Everything that names or reaches them is erased, for good. Deliveries and counts "
            "stay, without the person. This is recorded, with your name and without theirs."
        )
        erase = Button("erase", "Erase this person", "bad", warning=warning)
        return [*super().buttons(request, row), erase]

    def do_erase(self, request: HttpRequest, row: Recipient) -> HttpResponse:
        found = erasure.begin(row.user_id, request)
        messages.success(
            request, "Nobody finds or reaches them any more. The rest is erased in the background."
        )
        assert found is not None  # its row is there
        return HttpResponseRedirect(reverse("admin:privacy_erasure_change", args=[found.pk]))


@admin.register(Erasure)
class ErasureAdmin(ReadOnly):
    """Erasures of people, which say of whom no more."""

    list_display = ("id", "state", "deliveries", "requested_at", "finished_at")
    fields = ("id", "state", "deliveries", "requested_at", "finished_at")
    readonly_fields = ("state",)
    ordering = ("-requested_at",)


@admin.register(RetentionRule)
class RetentionRuleAdmin(Audited, ModelAdmin):
    """How long contents and records of a publisher or a category are kept."""

    list_display = ("publisher", "category", "content_days", "record_days", "updated_at")
    list_select_related = ("publisher",)
    fields = ("publisher", "category", "content_days", "record_days")
    ordering = ("category", "publisher__name")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        notifications.rules_changed()

    def delete_model(self, request: HttpRequest, obj: RetentionRule) -> None:
        super().delete_model(request, obj)
        notifications.rules_changed()

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[RetentionRule]") -> None:
        super().delete_queryset(request, queryset)
        notifications.rules_changed()
