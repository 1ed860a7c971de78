"""Record operators' changes in the admin in the audit trail."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse

from apps.publishers import audit
from apps.publishers.models import Publisher

#: Fields whose values an event does not show, only that they changed.
_SECRET = re.compile("password|secret|token|digest|address|masked|content(?!_days)")
_HIDDEN = "…"
#: Rows of an action that its event names.
MOST_NAMED = 100


if TYPE_CHECKING:
    _ModelAdmin: TypeAlias = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class Audited(_ModelAdmin):
    """A ModelAdmin that records additions, changes, deletions and actions on selected rows.

    An action on selected rows runs in one transaction with its event. Custom views have to call
    ``audit`` themselves.
    """

    def audit(
        self,
        request: HttpRequest,
        action: str,
        row: Model,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        """Record that the operator did ``action`` to ``row``."""
        audit.record(
            request,
            action,
            _kind(self.model),
            _name(row),
            publisher_id=_owner(row),
            before=before,
            after=after,
        )

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        # Django calls this once for each row added or changed, in the transaction of the change.
        row = getattr(form, "instance", None) or form.user  # a password form has no instance
        before, after = _changes(form)
        if add:
            self.audit_added(request, form, row, after)
        elif after:
            self.audit(request, "update", row, before=before, after=after)
        return super().construct_change_message(request, form, formsets, add)

    def audit_added(
        self, request: HttpRequest, form: Any, row: Model, after: dict[str, Any]
    ) -> None:
        """Record that the operator added ``row``; ``after``: what the form's fields have."""
        self.audit(request, "create", row, after=after)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        # Django calls this before every kind of deletion.
        for row in queryset:
            self.audit(request, "delete", row, before=_shown(model_to_dict(row)))
        return super().log_deletions(request, queryset)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *location: Any
    ) -> HttpResponse | None:
        with transaction.atomic():
            self._audit_action(request, queryset)
            return super().response_action(request, queryset, *location)

    def _audit_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Record the selected action; the page has two forms for it, above and below the list.

        Each owner of selected rows gets an event of its own, to find it in its trail.
        """
        chosen = request.POST.getlist("action")
        pushed = request.POST.get("index", "0")
        action = chosen[int(pushed)] if pushed.isdecimal() and int(pushed) < len(chosen) else ""
        ids = request.POST.getlist(ACTION_CHECKBOX_NAME)
        every = request.POST.get("select_across") == "1"
        if action not in self.get_actions(request) or not (ids or every):
            return
        if action == "delete_selected":  # ``log_deletions`` records each row
            return
        names: dict[int | None, list[str]] = defaultdict(list)
        for row in queryset if every else queryset.filter(pk__in=ids):
            names[_owner(row)].append(_name(row))
        for owner, named in names.items():
            audit.record(
                request,
                action,
                _kind(self.model),
                named[0] if len(named) == 1 else "",
                publisher_id=owner,
                after={"rows": len(named), "names": named[:MOST_NAMED]},
            )


def forget(model: type[Model], ids: Collection[int]) -> None:
    """Take the names of rows that are erased out of Django's own log of the admin."""
    kind = ContentType.objects.get_for_model(model)
    rows = LogEntry.objects.filter(content_type=kind, object_id__in=[str(key) for key in ids])
    rows.update(object_repr="", change_message="")


def _changes(form: "forms.ModelForm[Any]") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the changed fields' values before and after, without secrets."""
    before, after = {}, {}
    for name in form.changed_data:
        field = form.fields.get(name)
        before[name] = _named(field, form.initial.get(name))
        after[name] = form.cleaned_data.get(name)
    return _shown(before), _shown(after, hidden="changed")


def _named(field: forms.Field | None, value: object) -> object:
    """Return the row for the primary key of a ``ModelChoiceField``, any other value as it is."""
    if isinstance(field, forms.ModelChoiceField) and not isinstance(value, list):
        return field.queryset.filter(pk=value).first() if field.queryset is not None else value
    return value


def _shown(values: Mapping[str, object], hidden: str = _HIDDEN) -> dict[str, Any]:
    return {
        name: hidden if _SECRET.search(name) else _plain(value) for name, value in values.items()
    }


def _plain(value: object) -> Any:
    """Convert a value to what JSON can represent."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Model):
        return _name(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return _HIDDEN
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Iterable):
        return [_plain(inner) for inner in value]
    return str(value)


def _kind(model: type[Model]) -> str:
    return str(model._meta.verbose_name).replace(" ", "_")


def _name(row: Model) -> str:
    """Return the row's name in the API, or its primary key."""
    for attribute in ("prefix", "name", "user_id", "username"):
        value = getattr(row, attribute, None)
        if isinstance(value, str) and value:
            return value[:200]
    return str(row.pk)


def _owner(row: Model) -> int | None:
    if isinstance(row, Publisher):
        return row.pk
    found = getattr(row, "publisher_id", None)
    return (
        found if found is not None else getattr(getattr(row, "topic", None), "publisher_id", None)
    )
