"""Admin pages of publishers, API keys and the audit trail."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, cast

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html

from apps.core import clock
from apps.operators import markup, system_pages  # noqa: F401  # registers its pages
from apps.operators.audit import Audited
from apps.operators.large_lists import ReadOnly
from apps.operators.list_filters import by_publisher, choice, linked
from apps.operators.panels import Button, Panel, Panelled
from apps.operators.theme import ModelAdmin, UnfoldAdminCheckboxSelectMultipleWidget
from apps.publishers import audit, services
from apps.publishers.audit import OPERATOR, PUBLISHER, SYSTEM
from apps.publishers.models import ApiKey, AuditEvent, Publisher
from apps.publishers.scopes import MEANINGS, PUBLISHING, Scope


@admin.register(Publisher)
class PublisherAdmin(Audited, Panelled):
    """Publishers. They are disabled and not deleted, since what they own refers to them."""

    list_display = ("name", "display_name", "status", "created_at")
    search_fields = ("name", "display_name")
    readonly_fields = ("is_active", "created_at")

    @admin.display(description="state")
    def status(self, row: Publisher) -> str:
        return markup.badge("active" if row.is_active else "disabled")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def panels(self, request: HttpRequest, row: Publisher) -> Sequence[Panel]:
        keys = markup.table(
            ("key", "name", "made by", "last used", "state"),
            (
                (
                    markup.link(markup.page("publishers_apikey_change", key.pk), key),
                    key.name,
                    key.made_by,
                    markup.moment(key.last_used_at),
                    markup.badge("disabled" if key.revoked_at else "active"),
                )
                for key in row.api_keys.order_by("-pk")[:20]
            ),
            "It has no keys.",
        )
        if request.user.has_perm("publishers.add_apikey"):
            make = markup.page("publishers_apikey_add", publisher=row.pk)
            keys = markup.lines([keys, markup.link(make, "Make a key")])
        lists = {
            "Its notifications": "delivery_notification_changelist",
            "Its dead letters": "delivery_deadletter_changelist",
            "What it changed": "publishers_auditevent_changelist",
        }
        links = markup.lines(
            markup.link(markup.page(name, publisher_id=row.pk), text)
            for text, name in lists.items()
        )
        return [Panel("Keys", keys), Panel("More", links)]

    def buttons(self, request: HttpRequest, row: Publisher) -> Sequence[Button]:
        if not self.has_change_permission(request, row):
            return ()
        if row.is_active:
            warning = "Every request of this publisher is refused from now on."
            return [Button("disable", "Disable this publisher", "bad", warning)]
        return [Button("enable", "Enable this publisher")]

    def do_disable(self, request: HttpRequest, row: Publisher) -> None:
        self._set(request, row, False)
        messages.success(request, f"{row.name} is refused from now on.")

    def do_enable(self, request: HttpRequest, row: Publisher) -> None:
        self._set(request, row, True)
        messages.success(request, f"{row.name} may publish again.")

    def _set(self, request: HttpRequest, row: Publisher, is_active: bool) -> None:
        self.audit(
            request,
            "enable" if is_active else "disable",
            row,
            before={"is_active": row.is_active},
            after={"is_active": is_active},
        )
        row.is_active = is_active
        row.save(update_fields=["is_active"])


#: ``made_by`` of keys that operators make here; publishers see it.
HERE = "admin"
#: Scopes that only superusers give: a key with them does what no role may do.
OF_SUPERUSERS = (Scope.DIRECTORY_PERSONAL, Scope.NOTIFICATIONS_CRITICAL)


class _New(Protocol):
    """A key that was just made, with its text."""

    text: str


if TYPE_CHECKING:
    _KeyForm: TypeAlias = forms.ModelForm[ApiKey]
else:
    _KeyForm = forms.ModelForm


class ApiKeyForm(_KeyForm):
    """An API key, which must not outlive the keys that made it."""

    def clean_expires_at(self) -> datetime | None:
        end: datetime | None = self.cleaned_data["expires_at"]
        last = services.latest_end(self.instance)
        if last is not None and (end is None or end > last):
            raise forms.ValidationError(
                f"The key that made it ends at {last:%Y-%m-%d %H:%M} UTC. Choose an earlier time."
            )
        return end


def _scopes(withheld: Collection[Scope] = (), said: str = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        choices=[
            (scope.value, format_html("<b>{}</b> {}", scope, meaning))
            for scope, meaning in MEANINGS.items()
            if scope not in withheld
        ],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=f"As few as the service needs. As chosen here, it posts notifications.{said}",
    )


class NewKeyForm(_KeyForm):
    """A new API key: whose, what it may do, and until when."""

    scopes = _scopes()

    class Meta:
        model = ApiKey
        fields = ("publisher", "name", "scopes", "expires_at")
        help_texts: ClassVar[dict[str, str]] = {
            "name": "what it is for: the service, the job",
            "expires_at": "UTC; empty: it works until somebody revokes it",
        }

    def clean_expires_at(self) -> datetime | None:
        end: datetime | None = self.cleaned_data["expires_at"]
        if end is not None and end <= clock.moment():
            raise forms.ValidationError("Choose a time in the future.")
        return end


class LimitedKeyForm(NewKeyForm):
    """A new API key without the scopes that only superusers give."""

    scopes = _scopes(OF_SUPERUSERS, f" Superusers also give {' and '.join(OF_SUPERUSERS)}.")


@admin.register(ApiKey)
class ApiKeyAdmin(Audited, ModelAdmin):
    """API keys: made here, by the API or by ``create_publisher``; limited and revoked."""

    form = ApiKeyForm
    list_display = (
        "prefix",
        "publisher",
        "name",
        "made_by",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    list_select_related = ("publisher",)
    search_fields = ("prefix", "publisher__name", "made_by")
    readonly_fields = (
        "publisher",
        "prefix",
        "scopes",
        "made_by",
        "created_at",
        "revoked_at",
        "last_used_at",
    )
    exclude = ("digest",)
    actions = ("revoke", "revoke_family")

    def get_form(
        self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **options: Any
    ) -> "type[_KeyForm]":
        if obj is None:
            options |= {"form": NewKeyForm if request.user.is_superuser else LimitedKeyForm}
        return super().get_form(request, obj, change, **options)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return NewKeyForm.Meta.fields if obj is None else super().get_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return () if obj is None else self.readonly_fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        # Last: a link to the form must not tick others.
        return super().get_changeform_initial_data(request) | {"scopes": list(PUBLISHING)}

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # the row of a revoked key shows whose it was

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        # The next page is the key's, and nothing else.
        only = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, only | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: ApiKey, form: _KeyForm, change: bool) -> None:
        if not change:
            made = services.create_key(
                obj.publisher_id, obj.scopes, name=obj.name, expires_at=obj.expires_at, made_by=HERE
            )
            obj.pk = made.row.pk
            obj.refresh_from_db()
            cast(_New, obj).text = made.text
            return
        super().save_model(request, obj, form, change)
        if "expires_at" in form.changed_data:
            services.shorten_families(obj)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key, once, on a page that is not cached: nothing that is stored has it."""
        answer = render(
            request,
            "publishers/new_key.html",
            self.admin_site.each_context(request)
            | {"title": "A new API key", "key": obj, "text": cast(_New, obj).text},
        )
        add_never_cache_headers(answer)
        return answer

    @admin.action(
        description="Revoke the selected keys and the keys that they made", permissions=["change"]
    )
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        self._revoke(request, keys, family=False)

    @admin.action(
        description="Revoke the selected keys' families, replacements included",
        permissions=["change"],
    )
    def revoke_family(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        self._revoke(request, keys, family=True)

    def _revoke(self, request: HttpRequest, keys: QuerySet[ApiKey], *, family: bool) -> None:
        chosen = {key.prefix for key in keys}
        ended = 0
        for key in keys:
            with transaction.atomic():
                prefixes = services.revoke_key(key, family=family)
                # The action's own event names the selected keys.
                others = [prefix for prefix in prefixes if prefix not in chosen]
                audit.record_revocations(request, key.publisher_id, others, key.prefix)
            ended += len(prefixes)
        self.message_user(request, f"{ended} keys are revoked.")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    """The audit trail: who changed what, when and from where, with values before and after."""

    list_display = ("when", "who", "action", "object_type", "object_name", "publisher", "changed")
    list_filter = (
        by_publisher(),
        choice("actor_kind", lambda: (OPERATOR, PUBLISHER, SYSTEM), "who"),
        linked("object_type", "kind of object", indexed=False),
    )
    list_select_related = ("publisher",)
    search_fields = ("object_name",)
    search_help_text = "An object, as kind:name (topic:news)"
    moment = "at"

    def find(self, term: str) -> Q:
        kind, _, name = term.strip().partition(":")
        return Q(object_type=kind, object_name=name)

    @admin.display(description="when")
    def when(self, row: AuditEvent) -> str:
        return markup.moment(row.at)

    @admin.display(description="who")
    def who(self, row: AuditEvent) -> str:
        return format_html(
            '{} <small class="n-muted">{} {}</small>',
            row.actor,
            row.actor_kind,
            row.remote_address or "",
        )

    @admin.display(description="change")
    def changed(self, row: AuditEvent) -> str:
        before, after = (json.dumps(value) if value else "" for value in (row.before, row.after))
        said = f"{before} → {after}" if before and after else before or after
        return format_html('<span class="n-code">{}</span>', said[:200])
