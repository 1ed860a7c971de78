"""Admin pages of subscriptions and preferences.

Topics are in ``apps.delivery.admin``, since their pages show their notifications.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.operators import markup
from apps.operators.large_lists import NewestAdmin
from apps.operators.list_filters import choice, linked
from apps.operators.panels import LONGEST_REASON, Button, Panelled, reason_of
from apps.preferences import audit_trail
from apps.preferences.admin.people import PROFILE, of_person
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.channels import all_channels
from apps.preferences.consent.services import describe, scope_of
from apps.preferences.models import Preference
from apps.topics.models import Subscription, SubscriptionState, Topic
from apps.topics.selectors import names_of_topics

if TYPE_CHECKING:
    _Form: TypeAlias = forms.ModelForm[Preference]
else:
    _Form = forms.ModelForm  # cannot be subscripted at run time


class _Named(Protocol):
    """A preference in the list, with the name of its topic."""

    topic_id: int | None
    topic: str


@admin.register(Subscription)
class SubscriptionAdmin(NewestAdmin):
    """Subscriptions, to be viewed and deleted. The API writes them."""

    list_display = ("id", "topic", "channel", "recipient", "contact", "status", "updated_at")
    list_filter = (
        linked("topic_id"),
        linked("recipient_id", "recipient"),
        choice("channel", all_channels),
        choice("state", lambda: SubscriptionState.values),
    )
    list_select_related = ("topic", "recipient", "contact")
    unread = PROFILE
    search_fields = ("recipient",)
    search_help_text = "A recipient's user_id"
    fields = ("topic", "channel", "recipient", "contact", "state", "created_at", "updated_at")
    readonly_fields = fields

    def find(self, term: str) -> Q:
        return of_person(term)

    @admin.display(description="state")
    def status(self, row: Subscription) -> str:
        return markup.badge(row.state)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class PreferenceForm(_Form):
    """A preference with its topic by name."""

    topic = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget, help_text="a topic's name, or empty"
    )

    reason = forms.CharField(
        required=False,
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget,
        help_text="why; needed where it allows what the person refused",
    )

    class Meta:
        model = Preference
        fields = ("recipient", "channel", "topic", "category", "allowed")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        topic_id = self.instance.topic_id
        self.initial["topic"] = names_of_topics([topic_id]).get(topic_id, "") if topic_id else ""

    def clean_topic(self) -> str:
        name: str = self.cleaned_data["topic"].strip()
        if name == self.initial["topic"]:  # unchanged: accept it even if it was deleted meanwhile
            return name
        found = Topic.objects.filter(name=name, deleted_at=None).first() if name else None
        if name and found is None:
            raise forms.ValidationError(f"There is no topic {name}.")
        self.instance.topic_id = found.pk if found else None
        return name

    def clean(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().clean() or self.cleaned_data
        was = Preference.objects.filter(pk=self.instance.pk).first()
        if not fields.get("reason") and (fields.get("allowed") or (was and not was.allowed)):
            raise forms.ValidationError(
                {"reason": "Say why: this may allow what the person refused."}
            )
        if not self.errors and self._others(fields).exists():
            raise forms.ValidationError("The person has a preference for this already: change it.")
        return fields

    def _others(self, fields: Mapping[str, Any]) -> QuerySet[Preference]:
        """Return the recipient's other preferences for the same topic, else the same category."""
        about: dict[str, Any] = {"topic_id": self.instance.topic_id}
        if self.instance.topic_id is None:
            about = {"topic_id": None, "category": fields["category"]}
        held = Preference.objects.filter(recipient=fields["recipient"], channel=fields["channel"])
        return held.filter(**about).exclude(pk=self.instance.pk)


@admin.register(Preference)
class PreferenceAdmin(Panelled, NewestAdmin):
    """Preferences. A button withdraws one, with a reason."""

    form = PreferenceForm
    list_display = ("recipient", "channel", "topic", "category", "allowed", "updated_at")
    list_filter = (linked("recipient_id", "recipient"), choice("channel", all_channels))
    list_select_related = ("recipient",)
    unread = PROFILE
    search_fields = ("recipient",)
    search_help_text = "A recipient's user_id"
    raw_id_fields = ("recipient",)
    moment = "updated_at"

    def find(self, term: str) -> Q:
        return of_person(term)

    def with_page(self, rows: list[_Named]) -> list[_Named]:
        names = names_of_topics(row.topic_id for row in rows)
        for row in rows:
            row.topic = names.get(row.topic_id, "") if row.topic_id else ""
        return rows

    @admin.display(description="topic")
    def topic(self, row: _Named) -> str:
        return row.topic

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # not without a reason

    def buttons(self, request: HttpRequest, row: Preference) -> Sequence[Button]:
        if not request.user.has_perm("preferences.delete_preference"):
            return ()
        return [Button("withdraw", "Withdraw it", "bad", asks="Why?")]

    def do_withdraw(self, request: HttpRequest, row: Preference) -> HttpResponse:
        why = reason_of(request)
        before = {"allowed": row.allowed, "channel": row.channel, "category": row.category}
        self.audit(request, "delete", row, before=before, after={"why": why})
        self._trail(row, Change.WITHDRAWN, why)
        row.delete()
        messages.success(request, "The preference is withdrawn.")
        return HttpResponseRedirect(markup.page("preferences_preference_changelist"))

    def save_model(
        self, request: HttpRequest, obj: Preference, form: PreferenceForm, change: bool
    ) -> None:
        before = Preference.objects.filter(pk=obj.pk).first() if change else None
        why = form.cleaned_data["reason"]
        obj.by_link = False  # what an operator refuses, no link takes back
        super().save_model(request, obj, form, change)
        if before is not None and scope_of(before) != scope_of(obj):
            self._trail(before, Change.WITHDRAWN, why)
        self._trail(obj, Change.ALLOWED if obj.allowed else Change.REFUSED, why)

    def _trail(self, row: Preference, change: Change, why: str) -> None:
        about = describe(scope_of(row))
        detail = ": ".join(word for word in (about, why) if word)
        audit_trail.record([Entry(change, row.recipient_id, row.channel, detail=detail)])
