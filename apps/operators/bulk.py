"""The button above a list that does something to all that its filters match."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse

from apps.operators.theme import ModelAdmin


class BulkButton(NamedTuple):
    """A button that begins a bulk action (``apps.bulk``) with the list's own filter.

    ``label`` is followed by "all", or by "all that match". A page of its own asks before it begins.
    ``filtered``: shown only where the list is filtered or searched.
    """

    action: str
    label: str
    permissions: Sequence[str]
    filtered: bool = False


class ActsOnAll(ModelAdmin):
    """A ModelAdmin with such a button above its list."""

    list_before_template = "operators/bulk.html"
    bulk: BulkButton

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = request.user.has_perms(self.bulk.permissions)
        shown = {"bulk": self.bulk if may else None}
        return super().changelist_view(request, shown | (extra_context or {}))
