"""Admin of status webhooks: their health and attempts, test calls, and enable."""

from collections.abc import Sequence
from typing import Protocol, cast
from uuid import UUID

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.delivery.admin.deliveries import attempts_table
from apps.delivery.models import StatusWebhook
from apps.delivery.status_webhooks import health as webhook_health
from apps.delivery.status_webhooks.health import Health
from apps.operators import markup
from apps.operators.large_lists import ReadOnly
from apps.operators.list_filters import linked
from apps.operators.panels import Button, Panel, Panelled
from apps.preferences.contacts import services
from apps.preferences.models import ContactState

#: Number of newest messages whose attempts are shown.
NEWEST = 20


class _WithHealth(Protocol):
    """A row with what ``with_page`` sets."""

    health: Health


@admin.register(StatusWebhook)
class StatusWebhookAdmin(Panelled, ReadOnly):
    """Status webhooks are read-only here: publishers create them through the API."""

    list_display = ("publisher", "url", "told_of", "status", "success", "failure")
    list_filter = (linked("publisher_id"),)
    list_select_related = ("publisher", "contact")
    search_fields = ("publisher",)
    search_help_text = "A publisher's name"
    fields = ("publisher", "url", "told_of", "created_at")
    readonly_fields = ("url", "told_of")

    def find(self, term: str) -> Q:
        return Q(publisher__name=term.strip())

    def with_page(self, rows: list[StatusWebhook]) -> list[StatusWebhook]:
        known = webhook_health.health(rows)
        for row in rows:
            cast(_WithHealth, row).health = known[row.pk]
        return rows

    @admin.display(description="URL")
    def url(self, row: StatusWebhook) -> str:
        return row.contact.masked

    @admin.display(description="events")
    def told_of(self, row: StatusWebhook) -> str:
        return ", ".join(row.events)

    @admin.display(description="state")
    def status(self, row: StatusWebhook) -> SafeString:
        return markup.words(
            markup.badge(row.contact.state), row.contact.disabled_reason.replace("_", " ")
        )

    @admin.display(description="last success")
    def success(self, row: StatusWebhook) -> SafeString | str:
        return markup.moment(_health(row).last_success_at) or "–"

    @admin.display(description="last error")
    def failure(self, row: StatusWebhook) -> SafeString | str:
        return markup.moment(_health(row).last_error_at) or "–"

    def panels(self, request: HttpRequest, row: StatusWebhook) -> Sequence[Panel]:
        self.with_page([row])
        health = _health(row)
        status = [
            self.status(row),
            markup.words("Last success:", self.success(row)),
            markup.words("Last error:", self.failure(row), health.last_error),
        ]
        keys = webhook_health.deliveries(row).order_by("-pk").values_list("pk", flat=True)
        newest = attempts_table(list(keys[:NEWEST]))
        return [
            Panel("Health", markup.lines(status)),
            Panel("Attempts of its newest messages", newest, wide=True),
        ]

    def buttons(self, request: HttpRequest, row: StatusWebhook) -> Sequence[Button]:
        if not request.user.has_perm("delivery.change_statuswebhook"):
            return ()
        if row.contact.state == ContactState.ACTIVE:
            return [Button("test", "Send a test call", "main")]
        return [Button("enable", "Enable")]

    def do_test(self, request: HttpRequest, row: StatusWebhook) -> None:
        posted = webhook_health.send_test(row)
        self.audit(request, "test", row)
        # After the commit: until then no worker sees it.
        transaction.on_commit(lambda: _report_test(request, posted))

    def do_enable(self, request: HttpRequest, row: StatusWebhook) -> None:
        services.enable_contact(row.contact)
        self.audit(request, "enable", row)
        messages.success(request, "It receives events again from now on.")


def _health(row: StatusWebhook) -> Health:
    return cast(_WithHealth, row).health


def _report_test(request: HttpRequest, posted: UUID) -> None:
    tested = webhook_health.wait_for_test(posted)
    if tested.outcome == "accepted":
        messages.success(request, f"It arrived, after {tested.duration_ms} ms.")
    elif tested.outcome == webhook_health.PENDING:
        messages.warning(request, "No answer yet. Its attempts will be listed below.")
    else:
        messages.error(request, f"It did not arrive: {tested.error}.")
