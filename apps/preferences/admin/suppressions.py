"""Admin pages of suppressions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apps.operators import markup
from apps.operators.bulk import ActsOnAll, BulkButton
from apps.operators.large_lists import ReadOnly
from apps.operators.list_filters import choice, publishers_named, related, written
from apps.operators.panels import LONGEST_REASON, Button, Panel, Panelled, reason_of
from apps.operators.theme import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget
from apps.preferences import audit_trail, selectors, vault
from apps.preferences.admin.people import changes_table, opt_outs_table
from apps.preferences.api.fields import PLATFORMS
from apps.preferences.api.suppression_serializers import SuppressedChannelField, SuppressionIn
from apps.preferences.channels import EMAIL, all_channels, get_channel
from apps.preferences.consent import opt_outs, spellings, suppressions
from apps.preferences.consent.suppressions import Blocked
from apps.preferences.models import Suppression, SuppressionReason

#: Reasons of suppressions that operators choose from.
REASONS = {
    SuppressionReason.MANUAL: "manual: we decided so",
    SuppressionReason.OPTED_OUT: "opted_out: the owner wants nothing more",
    SuppressionReason.COMPLAINT: "complaint: the owner called a message spam",
    SuppressionReason.HARD_BOUNCE: "hard_bounce: messages to it come back",
    SuppressionReason.DEAD_ADDRESS: "dead_address: not in use; ends when it is registered again",
}

if TYPE_CHECKING:
    _Form: TypeAlias = forms.ModelForm[Suppression]
else:
    _Form = forms.ModelForm


class NewSuppressionForm(_Form):
    """An address to suppress, and why."""

    FIELDS = ("channel", "address", "platform", "reason", "why")
    #: ``causes`` of the suppression that the address has already, if any.
    before: dict[str, Any] | None = None

    channel = forms.ChoiceField(
        choices=lambda: [(name, name) for name in SuppressedChannelField().choices],
        widget=UnfoldAdminSelectWidget,
    )
    address = forms.CharField(
        widget=UnfoldAdminTextInputWidget,
        help_text="in any spelling; nothing is sent to it any more, whoever posts",
    )
    platform = forms.ChoiceField(
        choices=[("", "---------"), *((name, name) for name in PLATFORMS)],
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="of a device's token",
    )
    reason = forms.ChoiceField(
        choices=list(REASONS.items()),
        initial=SuppressionReason.MANUAL,
        widget=UnfoldAdminSelectWidget,
    )
    why = forms.CharField(
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget,
        help_text="who asked for it, and where; kept with the change, with your name",
    )

    class Meta:
        model = Suppression
        fields = ("channel", "reason")

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return typed
        posted = {name: typed[name] for name in ("channel", "address", "reason")}
        if typed["platform"]:
            posted["platform"] = typed["platform"]
        body = SuppressionIn(data=posted)
        if not body.is_valid():
            for name, said in body.errors.items():
                self.add_error(name, [str(one) for one in said])
            return typed
        typed["address"] = body.validated_data["address"]
        rows = selectors.suppression_of(typed["channel"], typed["address"])
        held = rows.select_related("publisher").first()
        if held is not None:
            self.before = causes(held)
            if not suppressions.changes(held, typed["reason"]):
                self.add_error("address", f"It is suppressed already: {held.reason}.")
        return typed

    def blocked(self) -> Blocked:
        """Return what to suppress."""
        channel, address = self.cleaned_data["channel"], self.cleaned_data["address"]
        if channel == EMAIL:
            spellings.adopt([address])
        return Blocked(
            channel,
            vault.index_of(channel, address),
            get_channel(channel).mask(address)[:100],
            self.cleaned_data["reason"],
        )


def causes(row: Suppression) -> dict[str, Any]:
    """Return what speaks against an address, as the audit trail has it."""
    return {
        "reason": row.reason,
        "publisher": None if row.publisher is None else row.publisher.name,
        "beside": None if row.other_cause is None else row.other_cause["reason"],
    }


@admin.register(Suppression)
class SuppressionAdmin(Panelled, ActsOnAll, ReadOnly):
    """Suppressions: added here, by the API and by providers; lifted with a reason.

    All that a filter matches are lifted together, but what owners of addresses said themselves.
    """

    form = NewSuppressionForm

    list_display = (
        "masked",
        "channel",
        "reason",
        "provider",
        "error",
        "publisher",
        "created_at",
    )
    list_select_related = ("publisher",)
    list_filter = (
        choice("channel", all_channels),
        choice("reason", lambda: SuppressionReason.values),
        choice("provider", lambda: settings.PROVIDERS),
        written("error", label="error"),
        related("publisher_id", publishers_named),
        written("created_at", "gte", parameter="since", label="from", type="datetime-local"),
        written("created_at", "lt", parameter="until", label="to", type="datetime-local"),
    )
    bulk = BulkButton(
        "lift",
        "Lift",
        ["preferences.delete_suppression", "delivery.change_deadletter"],
        filtered=True,
    )
    fields = (
        "channel",
        "masked",
        "reason",
        "provider",
        "error",
        "publisher",
        "beside",
        "created_at",
    )
    readonly_fields = ("beside",)
    search_fields = ("masked",)
    search_help_text = "An address"

    def find(self, term: str) -> Q:
        address = term.strip()
        before = Q(channel=EMAIL, exact=True, address_index__in=list(spellings.former(address)))
        return selectors.spelt(address) | before

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("preferences.add_suppression")

    def get_fields(self, request: HttpRequest, obj: Suppression | None = None) -> Any:
        return NewSuppressionForm.FIELDS if obj is None else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Suppression | None = None) -> Any:
        return () if obj is None else self.readonly_fields

    def save_model(
        self, request: HttpRequest, obj: Suppression, form: NewSuppressionForm, change: bool
    ) -> None:
        typed = form.cleaned_data
        suppressions.suppress([form.blocked()], typed["why"])
        obj.pk = selectors.suppression_of(typed["channel"], typed["address"]).get().pk
        obj.refresh_from_db()

    def audit_added(
        self, request: HttpRequest, form: Any, row: Model, after: dict[str, Any]
    ) -> None:
        if form.before is None:
            super().audit_added(request, form, row, after)
        else:
            now = after | causes(cast(Suppression, row))
            self.audit(request, "update", row, before=form.before, after=now)

    @admin.display(description="holds after a START")
    def beside(self, row: Suppression) -> str:
        return row.other_cause["reason"].replace("_", " ") if row.other_cause else ""

    def panels(self, request: HttpRequest, row: Suppression) -> Sequence[Panel]:
        changes = audit_trail.of_address(row.channel, bytes(row.address_index))
        stopped = opt_outs.of_address(row.channel, bytes(row.address_index))
        return [
            *([Panel("STOP and START", opt_outs_table(stopped))] if stopped else ()),
            Panel("Changes of this address", changes_table(changes), wide=True),
        ]

    def buttons(self, request: HttpRequest, row: Suppression) -> Sequence[Button]:
        if not request.user.has_perm("preferences.delete_suppression"):
            return ()
        return [Button("lift", "Lift it", "bad", asks="Why may it be sent to again?")]

    def do_lift(self, request: HttpRequest, row: Suppression) -> HttpResponse:
        why = reason_of(request)
        before = {"channel": row.channel, "address": row.masked, "reason": row.reason}
        self.audit(request, "delete", row, before=before, after={"why": why})
        suppressions.lift([row], why)
        messages.success(request, f"{row.masked} is sent to again.")
        return HttpResponseRedirect(markup.page("preferences_suppression_changelist"))
