"""Where people are reached and what they want, for operators. Addresses are masked; revealing one
takes a permission and is audited. A recipient's own page is in ``apps.delivery.admin``: it shows
what became of what was sent to them."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import add_never_cache_headers

from apps.preferences import selectors, vault
from apps.preferences.channels import all_channels
from apps.preferences.models import (
    Contact,
    ContactState,
    Group,
    Recipient,
    Suppression,
    SuppressionReason,
)
from apps.publishers.operators import markup
from apps.publishers.operators.narrowing import choice, linked
from apps.publishers.operators.newest import NewestAdmin, ReadOnly
from apps.publishers.operators.panels import Button, Panel, Panelled
from notifier.crypto import DecryptionError

#: Why a contact is disabled that an operator disabled.
OPERATOR = "operator"
#: As many of a group's members are shown; it may have millions.
MEMBERS_SHOWN = 20


def of_person(user_id: str) -> Q:
    """The rows of the recipient of this very ``user_id``."""
    found = Recipient.objects.filter(user_id=user_id.strip()).values_list("pk", flat=True)
    return Q(recipient_id__in=list(found))


@admin.register(Contact)
class ContactAdmin(Panelled, ReadOnly):
    """They are disabled and not deleted: deliveries name them. The API writes them."""

    list_display = ("masked", "channel", "recipient", "publisher", "platform", "standing")
    list_filter = (
        linked("recipient_id", "recipient"),
        choice("channel", all_channels),
        choice("state", lambda: ContactState.values),
    )
    list_select_related = ("recipient", "publisher")
    search_fields = ("recipient",)
    search_help_text = "A recipient's user_id"
    fields = (
        "recipient",
        "publisher",
        "channel",
        "masked",
        "platform",
        "app",
        "state",
        "disabled_reason",
        "disabled_by",
        "disabled_error",
        "disabled_at",
        "last_active_at",
        "created_at",
        "updated_at",
    )

    def find(self, term: str) -> Q:
        return of_person(term)

    @admin.display(description="state")
    def standing(self, row: Contact) -> str:
        return markup.words(markup.badge(row.state), row.disabled_reason.replace("_", " "))

    def buttons(self, request: HttpRequest, row: Contact) -> Sequence[Button]:
        found = []
        if request.user.has_perm("preferences.reveal_contact"):
            warning = "This is recorded, with your name."
            found.append(Button("reveal", "Reveal the address", warning=warning))
        if request.user.has_perm("preferences.change_contact"):
            if row.state == ContactState.ACTIVE:
                found.append(Button("disable", "Disable", "bad"))
            else:
                found.append(Button("enable", "Enable"))
        return found

    def do_reveal(self, request: HttpRequest, row: Contact) -> HttpResponse:
        """The address in clear, on a page that nobody keeps."""
        try:
            address = vault.open(bytes(row.address), bytes(row.address_index))
        except DecryptionError:
            address = ""
        self.audit(request, "reveal", row)
        answer = render(
            request,
            "preferences/reveal.html",
            self.admin_site.each_context(request)
            | {"title": "An address", "contact": row, "address": address},
        )
        add_never_cache_headers(answer)
        return answer

    def do_disable(self, request: HttpRequest, row: Contact) -> None:
        self._set(request, row, ContactState.DISABLED, OPERATOR)
        messages.success(request, "Nothing is sent there any more.")

    def do_enable(self, request: HttpRequest, row: Contact) -> None:
        self._set(request, row, ContactState.ACTIVE, "")
        messages.success(request, "It is sent to again.")

    def _set(self, request: HttpRequest, row: Contact, state: str, reason: str) -> None:
        before = {"state": row.state, "disabled_reason": row.disabled_reason}
        row.state, row.disabled_reason = state, reason
        row.save(update_fields=["state", "disabled_reason", "updated_at"])
        after = {"state": state, "disabled_reason": reason}
        self.audit(request, "update", row, before=before, after=after)


@admin.register(Suppression)
class SuppressionAdmin(NewestAdmin):
    """Deleting one lifts it."""

    list_display = ("masked", "channel", "reason", "created_at")
    list_filter = (
        choice("channel", all_channels),
        choice("reason", lambda: SuppressionReason.values),
    )
    fields = readonly_fields = ("channel", "masked", "reason", "provider", "error", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # an address is encrypted on its way in, by the API

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Group)
class GroupAdmin(Panelled, NewestAdmin):
    """The API makes them, and says who is in them."""

    list_display = ("name", "publisher", "display_name", "created_at")
    list_select_related = ("publisher",)
    search_fields = ("name",)
    search_help_text = "A group's name"
    fields = ("name", "publisher", "display_name", "created_at", "updated_at")
    readonly_fields = ("name", "publisher", "created_at", "updated_at")

    def find(self, term: str) -> Q:
        return Q(name=term.strip())

    def panels(self, request: HttpRequest, row: Group) -> Sequence[Panel]:
        newest = selectors.members(row.pk).order_by("-id")[:MEMBERS_SHOWN]
        members = markup.table(
            ("recipient", "since"),
            (
                (
                    markup.link(
                        markup.page("preferences_recipient_change", member.recipient_id),
                        member.recipient,
                    ),
                    markup.moment(member.created_at),
                )
                for member in newest
            ),
            empty="Nobody is in it.",
        )
        return [Panel("Its newest members", members)]

    def get_deleted_objects(self, groups: Any, request: HttpRequest) -> tuple:
        names = [str(group) for group in groups]  # and not every member by name
        return names, {"groups": len(names)}, set(), []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
