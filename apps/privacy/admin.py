"""Admin of erasures and of retention, and the button that erases a recipient."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.delivery.admin.recipients import RecipientAdmin
from apps.delivery.maintenance import notification_retention
from apps.delivery.models import RetentionRule
from apps.delivery.operations import retention_periods
from apps.delivery.operations.retention_periods import Kept
from apps.operators import markup
from apps.operators.audit import Audited
from apps.operators.large_lists import ReadOnly
from apps.operators.panels import Button, Panel
from apps.operators.theme import ModelAdmin
from apps.preferences.admin.people import CategoryAdmin
from apps.preferences.models import Category, Recipient
from apps.privacy import erasure
from apps.privacy.models import Erasure
from apps.publishers.admin import PublisherAdmin
from apps.publishers.models import Publisher

for model in (Recipient, Publisher, Category):
    admin.site.unregister(model)  # each is registered below, with more on its pages

#: The text on one-time passwords, to which this applies whatever the rules say.
CRITICAL = (
    "Days count from when a notification was due. The content of a critical one that expires, such "
    "as a one-time password, goes an hour after its expiry, if that is earlier."
)


def _panel(names: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], Kept]]) -> Panel:
    """Render for how many days what is kept, by what ``names`` says."""
    table = markup.table(
        (*names, "content", "record"),
        (
            (*key, f"{found.content_days:,} days", f"{found.record_days:,} days")
            for key, found in rows
        ),
    )
    return Panel("What is kept for how long", markup.lines([table, CRITICAL]), wide=True)


@admin.register(Publisher)
class RetainedPublisherAdmin(PublisherAdmin):
    """Publishers, with how long what they send is kept."""

    def panels(self, request: HttpRequest, row: Publisher) -> Sequence[Panel]:
        rows = {
            (name or "any other",): days for name, days in retention_periods.kept_of(row.pk).items()
        }
        return [*super().panels(request, row), _panel(("category",), rows.items())]


@admin.register(Category)
class RetainedCategoryAdmin(CategoryAdmin):
    """Categories, with how long what is sent in them is kept."""

    def panels(self, request: HttpRequest, row: Category) -> Sequence[Panel]:
        rules = list(RetentionRule.objects.select_related("publisher").order_by("publisher__name"))
        rows = {
            (str(rule.publisher),): retention_periods.kept(rules, rule.publisher_id, row.name)
            for rule in rules
            if rule.publisher is not None and rule.category in ("", row.name)
        }
        rows["any other",] = retention_periods.kept(rules, None, row.name)
        return [*super().panels(request, row), _panel(("publisher",), rows.items())]


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
    """Rules of how long contents and records of a publisher or a category are kept."""

    list_display = ("publisher", "category", "content_days", "record_days", "updated_at")
    list_select_related = ("publisher",)
    list_before_template = "operators/panels.html"
    fields = ("publisher", "category", "content_days", "record_days")
    ordering = ("category", "publisher__name")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        rules = list(RetentionRule.objects.select_related("publisher").order_by(*self.ordering))
        rows: dict[tuple[str, ...], Kept] = {
            (str(rule.publisher or "any"), rule.category or "any"): retention_periods.kept(
                rules, rule.publisher_id, rule.category
            )
            for rule in rules
        }
        rows["any other", "any other"] = retention_periods.kept((), None, "")
        panel = _panel(("publisher", "category"), rows.items())
        return super().changelist_view(request, {"panels": [panel], **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        notification_retention.rules_changed()

    def delete_model(self, request: HttpRequest, obj: RetentionRule) -> None:
        super().delete_model(request, obj)
        notification_retention.rules_changed()

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[RetentionRule]") -> None:
        super().delete_queryset(request, queryset)
        notification_retention.rules_changed()
