"""Deliveries out of attempts."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.utils.safestring import SafeString

from apps.delivery import words
from apps.delivery.admin.deliveries import name
from apps.delivery.models import DeadLetter, public_id
from apps.preferences.channels import all_channels
from apps.publishers.models import Publisher
from apps.publishers.operators import markup
from apps.publishers.operators.narrowing import choice, linked, related
from apps.publishers.operators.newest import ReadOnly


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnly):
    """They stay until somebody redrives them."""

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
    list_display_links = None
    list_filter = (
        related("publisher_id", lambda: Publisher.objects.values_list("pk", "name"), indexed=True),
        linked("topic_id", indexed=False),
        choice("channel", all_channels),
        choice("provider", lambda: settings.PROVIDERS),
        choice("reason", lambda: words.REASONS),
    )
    list_select_related = ("publisher", "topic", "delivery")
    moment = "died_at"

    def with_page(self, rows: list[Any]) -> list[Any]:
        name(row.delivery for row in rows)
        return rows

    @admin.display(description="delivery")
    def what(self, row: Any) -> SafeString:
        url = markup.page("delivery_delivery_change", row.delivery_id)
        return markup.link(url, public_id(row.delivery_id))

    @admin.display(description="died")
    def died(self, row: DeadLetter) -> SafeString | str:
        return markup.moment(row.died_at)

    @admin.display(description="recipient")
    def person(self, row: Any) -> str:
        return row.delivery.user_id

    @admin.display(description="address")
    def address(self, row: Any) -> str:
        return row.delivery.masked

    @admin.display(description="reason")
    def why(self, row: Any) -> str:
        return row.reason.replace("_", " ")
