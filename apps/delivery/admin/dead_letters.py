"""Admin of dead letters: list them, and redrive selected ones or those that match the filters."""

from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from apps.core.delivery_ids import public_id
from apps.delivery.admin.deliveries import Named, attach_names
from apps.delivery.models import DeadLetter
from apps.delivery.operations import dead_letters, descriptions
from apps.operators import markup
from apps.operators.large_lists import ReadOnly
from apps.operators.list_filters import by_publisher, choice, linked
from apps.preferences.channels import all_channels
from apps.publishers import audit
from apps.topics.models import Topic

#: Permission to redrive dead letters.
PERMISSION = "delivery.change_deadletter"


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnly):
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
    list_display_links = None
    list_filter = (
        by_publisher(),
        linked("topic_id", indexed=False),
        choice("channel", all_channels),
        choice("provider", lambda: settings.PROVIDERS),
        choice("reason", lambda: descriptions.REASONS),
    )
    list_select_related = ("publisher", "topic", "delivery")
    list_before_template = "delivery/redrive.html"
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

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self._redrive_matching))
        return [path("redrive/", view, name="redrive_matching"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {"may_redrive": self.has_redrive_permission(request)}
        return super().changelist_view(request, shown | (extra_context or {}))

    def has_redrive_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    @admin.action(description="Redrive the selected dead letters", permissions=["redrive"])
    def redrive(self, request: HttpRequest, rows: QuerySet[DeadLetter]) -> None:
        done = dead_letters.redrive(None, [public_id(row.pk) for row in rows])
        self._report(request, done)

    @transaction.atomic
    def _redrive_matching(self, request: HttpRequest) -> HttpResponse:
        """Redrive what the list shows under its filters, which are in the query string.

        One call redrives at most ``dead_letters.AT_ONCE``, the oldest first; the message to the
        operator says where more are left.
        """
        if not self.has_redrive_permission(request):
            raise PermissionDenied
        wanted = {
            name: request.GET[name]
            for name in ("publisher_id", "topic_id", "channel", "provider", "reason")
            if name in request.GET
        }
        publisher = wanted.pop("publisher_id", None)
        topic = wanted.pop("topic_id", None)
        known = all(key is None or key.isdecimal() for key in (publisher, topic))
        if not known or any("\0" in value for value in wanted.values()):
            return HttpResponseRedirect("../")
        named = get_object_or_404(Topic, pk=topic) if topic else None
        match = dead_letters.Match(
            topic_id=named.pk if named else None,
            channel=wanted.get("channel"),
            provider=wanted.get("provider"),
            reason=wanted.get("reason"),
        )
        owner = int(publisher) if publisher else None
        done = dead_letters.redrive(owner, match)
        while (
            done.beyond is not None and not done.redriven
        ):  # each search of a part of the table takes about 10 ms
            done = dead_letters.redrive(owner, match, done.beyond)
        shown = {**wanted, "topic": named.name} if named else wanted
        for owner_id, number in done.owners.items():
            audit.record(
                request,
                "redrive",
                "dead_letter",
                "",
                publisher_id=owner_id,
                after={"rows": number, "match": shown},
            )
        self._report(request, done)
        return HttpResponseRedirect(f"../?{request.GET.urlencode()}")

    def _report(self, request: HttpRequest, done: dead_letters.Redriven) -> None:
        more = " More are left: redrive again." if done.more else ""
        messages.success(request, f"Redriven: {done.redriven:,}. They are tried again now.{more}")
        if done.gone:
            messages.warning(
                request,
                f"Not redriven: {len(done.gone):,}. Their content is deleted, as its retention is "
                "over.",
            )


def _named(row: DeadLetter) -> Named:
    """Return the row's delivery, to which ``with_page`` attached user id and masked address."""
    return cast(Named, row.delivery)
