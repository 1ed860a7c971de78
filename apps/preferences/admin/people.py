"""Admin pages of contacts, categories, groups and the directory's trail.

Addresses are masked; revealing one needs a permission and is audited. A recipient's own page is in
``apps.delivery.admin``, since it shows their deliveries.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.operators import markup
from apps.operators.audit import Audited
from apps.operators.large_lists import NewestAdmin, ReadOnly
from apps.operators.list_filters import choice, linked
from apps.operators.panels import Button, Panel, Panelled
from apps.preferences import selectors, vault
from apps.preferences.audit_trail import Change
from apps.preferences.categories import catalogue
from apps.preferences.categories.services import CategoryKept, delete_category, why_kept
from apps.preferences.channels import all_channels
from apps.preferences.contacts import services
from apps.preferences.models import (
    Category,
    Contact,
    ContactState,
    DirectoryChange,
    Group,
    OptOut,
    Recipient,
)
from apps.publishers.audit import ACTORS
from notifier.security.crypto import DecryptionError

#: Members of a group that its page shows; it may have millions.
MEMBERS_SHOWN = 20
#: Contacts of one address that a search finds.
MOST_SHARING = 200
#: Columns that lists of recipients' rows leave unread: wide, and encrypted.
PROFILE = ("recipient__name", "recipient__attributes")


def of_person(user_id: str) -> Q:
    """Return the condition for the rows of the recipient with exactly this ``user_id``."""
    found = Recipient.objects.filter(user_id=user_id.strip()).values_list("pk", flat=True)
    return Q(recipient_id__in=list(found))


def who_changed(row: DirectoryChange) -> SafeString:
    """Render who made a change of the directory, and from which address."""
    return format_html(
        '{} <small class="n-muted">{} {}</small>',
        row.actor,
        row.actor_kind,
        row.remote_address or "",
    )


def changes_table(changes: Iterable[DirectoryChange]) -> SafeString:
    """Render changes of the directory as a table for a panel."""
    return markup.table(
        ("when", "who", "what", "channel", "address", ""),
        (
            (
                markup.link(
                    markup.page("preferences_directorychange_change", row.pk),
                    markup.moment(row.at),
                ),
                who_changed(row),
                row.change.replace("_", " "),
                row.channel,
                row.masked,
                row.detail,
            )
            for row in changes
        ),
    )


def opt_outs_table(rows: Iterable[OptOut]) -> SafeString:
    """Render who wrote STOP to which sender, and since when, as a table for a panel."""
    return markup.table(
        ("address", "wrote STOP to", "on", "undone"),
        (
            (
                row.masked,
                row.sender,
                markup.moment(row.opted_out_at),
                markup.moment(row.resumed_at) if row.resumed_at else "no",
            )
            for row in rows
        ),
    )


@admin.register(Contact)
class ContactAdmin(Panelled, ReadOnly):
    """Contacts, written by the API. They are disabled and not deleted: deliveries refer to them."""

    list_display = ("masked", "channel", "recipient", "publisher", "platform", "status")
    list_filter = (
        linked("recipient_id", "recipient"),
        choice("channel", all_channels),
        choice("state", lambda: ContactState.values),
    )
    list_select_related = ("recipient", "publisher")
    unread = PROFILE
    search_fields = ("recipient",)
    search_help_text = "A recipient's user_id, or else an address"
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
        if found := selectors.recipient_ids([term.strip()]):
            return Q(recipient_id__in=list(found.values()))
        at = selectors.contacts_of_address(term.strip()).values_list("pk", flat=True)
        return Q(pk__in=list(at[:MOST_SHARING]))

    @admin.display(description="state")
    def status(self, row: Contact) -> str:
        return markup.words(markup.badge(row.state), row.disabled_reason.replace("_", " "))

    def buttons(self, request: HttpRequest, row: Contact) -> Sequence[Button]:
        found = []
        if request.user.has_perm("preferences.reveal_contact"):
            warning = "This is recorded, with your name."
            found.append(Button("reveal", "Reveal the address", warning=warning))
        if request.user.has_perm("preferences.change_contact"):
            if row.state == ContactState.ACTIVE:
                warning = "Nothing is sent there, whatever is posted, until somebody enables it."
                found.append(Button("disable", "Disable", "bad", warning))
            else:
                found.append(Button("enable", "Enable"))
        return found

    def do_reveal(self, request: HttpRequest, row: Contact) -> HttpResponse:
        """Show the address in clear, on a page that is not cached."""
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
        self._set(request, row, services.disable_contact)
        messages.success(request, "Nothing is sent there any more.")

    def do_enable(self, request: HttpRequest, row: Contact) -> None:
        self._set(request, row, services.enable_contact)
        messages.success(request, "It is sent to again.")

    def _set(self, request: HttpRequest, row: Contact, change: Callable[[Contact], None]) -> None:
        before = {"state": row.state, "disabled_reason": row.disabled_reason}
        change(row)
        after = {"state": row.state, "disabled_reason": row.disabled_reason}
        self.audit(request, "update", row, before=before, after=after)


@admin.register(Category)
class CategoryAdmin(Audited, Panelled):
    """The catalogue of categories. One that something is in cannot be deleted."""

    list_display = ("name", "reads", "kind", "position", "updated_at")
    list_filter = ("kind",)
    ordering = ("position", "name")
    search_fields = ("name",)
    fields = (
        "name",
        "kind",
        "default_locale",
        "display_name",
        "description",
        "defaults",
        "position",
        "frequency_caps",
        "digest",
        "created_at",
        "updated_at",
    )
    readonly_fields = ("created_at", "updated_at")

    @admin.display(description="people read")
    def reads(self, row: Category) -> str:
        return catalogue.snapshot(row).title()

    def get_readonly_fields(self, request: HttpRequest, obj: Category | None = None) -> Any:
        return self.readonly_fields if obj is None else ("name", *self.readonly_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not why_kept(obj))

    def delete_model(self, request: HttpRequest, obj: Category) -> None:
        try:
            delete_category(obj)
        except CategoryKept as error:  # since the page was opened
            raise PermissionDenied(str(error)) from None

    def get_actions(self, request: HttpRequest) -> Any:
        return {}  # deleting several would not ask what is in them


@admin.register(DirectoryChange)
class DirectoryChangeAdmin(ReadOnly):
    """The directory's trail: who changed a person's contacts or preferences, and when."""

    list_display = ("when", "who", "change", "recipient", "channel", "masked", "detail")
    list_filter = (
        linked("recipient_id", "recipient"),
        choice("actor_kind", lambda: ACTORS, "who"),
        choice("change", lambda: [change.value for change in Change]),
        choice("channel", all_channels),
    )
    list_select_related = ("recipient",)
    unread = PROFILE
    search_fields = ("recipient",)
    search_help_text = "A recipient's user_id"
    fields = (
        "at",
        "actor_kind",
        "actor",
        "publisher",
        "remote_address",
        "change",
        "recipient",
        "channel",
        "masked",
        "detail",
    )
    moment = "at"

    def find(self, term: str) -> Q:
        return of_person(term)

    @admin.display(description="when")
    def when(self, row: DirectoryChange) -> str:
        return markup.moment(row.at)

    @admin.display(description="who")
    def who(self, row: DirectoryChange) -> str:
        return who_changed(row)


@admin.register(Group)
class GroupAdmin(Panelled, NewestAdmin):
    """Groups. The API creates them and writes their members."""

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

    def get_deleted_objects(
        self, groups: Iterable[object], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        names = [str(group) for group in groups]  # without listing every member
        return names, {"groups": len(names)}, set(), []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
