"""Admin of dead letters: list them, and redrive selected ones or those that match the filters."""

from typing import cast

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.core.delivery_ids import public_id
from apps.delivery.admin.deliveries import Named, attach_names
from apps.delivery.models import DeadLetter
from apps.delivery.operations import dead_letters, descriptions
from apps.operators import markup
from apps.operators.bulk import ActsOnAll, BulkButton
from apps.operators.large_lists import ReadOnly
from apps.operators.list_filters import by_publisher, choice, linked
from apps.operators.people import HidesPeople
from apps.preferences.channels import all_channels

#: Permission to redrive dead letters.
PERMISSION = "delivery.change_deadletter"


@admin.register(DeadLetter)
class DeadLetterAdmin(HidesPeople, ActsOnAll, ReadOnly):
    """List of dead letters: deliveries that are dead and were not redriven."""

    list_display = (
        "what",
        "died",
        "publisher",
        "topic",
        "person",
        "address",
        "channel",
        "provider",
        "why",
    )
    of_people = ("person", "address")
    list_display_links = None
    list_filter = (
        by_publisher(),
        linked("topic_id", indexed=False),
        choice("channel", all_channels),
        choice("provider", lambda: settings.PROVIDERS),
        choice("reason", lambda: descriptions.REASONS),
    )
    list_select_related = ("publisher", "topic", "delivery")
    bulk = BulkButton(
        "redrive",
        "Redrive",
        [PERMISSION],
    )
    actions = ("redrive",)
    moment = "died_at"

    def with_page(self, rows: list[DeadLetter]) -> list[DeadLetter]:
        attach_names(row.delivery for row in rows)
        return rows

    @admin.display(description="delivery")
    def what(self, row: DeadLetter) -> SafeString:
        url = markup.page("delivery_delivery_change", row.delivery_id)
        return markup.link(url, public_id(row.delivery_id))

    @admin.display(description="died")
    def died(self, row: DeadLetter) -> SafeString | str:
        return markup.moment(row.died_at)

    @admin.display(description="recipient")
    def person(self, row: DeadLetter) -> str:
        return _named(row).user_id

    @admin.display(description="address")
    def address(self, row: DeadLetter) -> str:
        return _named(row).masked

    @admin.display(description="reason")
    def why(self, row: DeadLetter) -> str:
        return row.reason.replace("_", " ")

    def has_redrive_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    @admin.action(description="Redrive the selected dead letters", permissions=["redrive"])
    def redrive(self, request: HttpRequest, rows: QuerySet[DeadLetter]) -> None:
        done = dead_letters.redrive(None, [public_id(row.pk) for row in rows])
        self._report(request, done)

    def _report(self, request: HttpRequest, done: dead_letters.Redriven) -> None:
        messages.success(request, f"Redriven: {done.redriven:,}. They are tried again now.")
        if done.gone:
            messages.warning(
                request,
                f"Not redriven: {len(done.gone):,}. Their content is deleted, as its retention is "
                "over.",
            )
        if done.busy:
            messages.warning(
                request,
                f"Not redriven: {len(done.busy):,}, which something else was changing. Redrive "
                "them again.",
            )


def _named(row: DeadLetter) -> Named:
    """Return the row's delivery, to which ``with_page`` attached user id and masked address."""
    return cast(Named, row.delivery)
