"""Lists of tables with millions of rows: newest first by primary key, never counted.

A page is found by key (``before`` and ``after``), and a filter that no index serves looks through
``LOOK_THROUGH`` rows for a page and then says so, with a link to look further. So every page costs
about the same, whatever the size of the table.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from apps.operators.audit import Audited
from apps.operators.list_filters import Narrowing

#: Rows that one page looks through for a filter that no index serves.
LOOK_THROUGH = 100_000
BEFORE, AFTER = "before", "after"


class NewestList(ChangeList):
    """One page. ``looked_through`` says where the search for it ended, if not at a full page."""

    class paginator:  # what unfold shows below the list
        template_name = "operators/newest.html"

    older: str | None = None
    newer: str | None = None
    looked_through: Any = None

    @property
    def most(self) -> int:
        return LOOK_THROUGH

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in (BEFORE, AFTER)}

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet:
        """The rows an action may be done to; a page's are narrowed down in ``get_results``."""
        self.filter_specs, self.has_filters, rest, _, self.has_active_filters = self.get_filters(
            request
        )
        if rest:
            raise IncorrectLookupParameters(f"no such filter: {', '.join(rest)}")
        self.clear_all_filters_qs = self.get_query_string(
            remove=[*self.get_filters_params(), BEFORE, AFTER]
        )
        return self.apply_select_related(self.root_queryset)

    def get_results(self, request: HttpRequest) -> None:
        before, after = self._key(BEFORE), self._key(AFTER)
        if after is not None:
            rows, further = self._look(after, forwards=True)
            rows.reverse()
            if rows or further:
                self._link(rows, older=True, newer=further, edge=after)
                return
        rows, further = self._look(before, forwards=False)
        self._link(rows, older=further, newer=before is not None, edge=before)

    def _look(self, start: Any, *, forwards: bool) -> tuple[list[Model], Any]:
        """A page of rows from ``start`` on, and whether there may be more: true, or the key where
        the search ended."""
        base, condition = self._conditions()
        rows = self.queryset.filter(base)
        if start is not None:
            rows = rows.filter(**{"pk__gt" if forwards else "pk__lt": start})
        rows = rows.order_by("pk" if forwards else "-pk")
        edge = None
        if condition:
            edge = _at(rows.select_related(None).values_list("pk", flat=True), LOOK_THROUGH - 1)
            if edge is not None:
                rows = rows.filter(**{"pk__lte" if forwards else "pk__gte": edge})
            rows = rows.filter(condition)
        found = list(rows[: self.list_per_page + 1])
        if len(found) > self.list_per_page:
            return found[:-1], True
        if edge is not None:
            self.looked_through = self._moment(edge)
        return found, edge

    def _conditions(self) -> tuple[Q, Q]:
        """What an index serves, one filter at most, and what rows are looked through for."""
        base, condition = Q(), Q()
        if self.query and self.search_fields:
            base = self.model_admin.find(self.query)
        for spec in self.filter_specs:
            assert isinstance(spec, Narrowing), f"{spec} may scan the whole table"
            wanted = spec.condition()
            if wanted is not None and spec.indexed and not base:
                base = wanted
            elif wanted is not None:
                condition &= wanted
        return base, condition

    def _link(self, rows: list[Model], *, older: Any, newer: Any, edge: Any) -> None:
        self.result_list = self.model_admin.with_page(rows)
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.show_admin_actions = True
        if older:
            last = rows[-1].pk if older is True and rows else older
            self.older = self._link_to(BEFORE, edge if last is True else last)
        if newer:
            first = rows[0].pk if newer is True and rows else newer
            self.newer = self._link_to(AFTER, edge if first is True else first)

    def _link_to(self, direction: str, key: Any) -> str:
        return self.get_query_string({direction: key}, remove=[BEFORE, AFTER])

    def _key(self, direction: str) -> Any:
        if direction not in self.params:
            return None
        try:
            return self.model._meta.pk.to_python(self.params[direction])
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error

    def _moment(self, key: Any) -> Any:
        return self.model.objects.values_list(self.model_admin.moment, flat=True).get(pk=key)


def _at(keys: QuerySet, position: int) -> Any:
    return next(iter(keys[position : position + 1]), None)


class NewestAdmin(Audited, ModelAdmin):
    """The admin of such a table. Its ``list_filter`` has ``Narrowing`` only.

    ``moment``: the field that says when a row came to be.
    """

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_select_related: Sequence[str] = ()
    list_disable_select_all = True
    sortable_by = ()
    moment = "created_at"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NewestList]:
        return NewestList

    def find(self, term: str) -> Q:
        """What somebody who typed ``term`` looks for; an index must serve it."""
        raise NotImplementedError

    def with_page(self, rows: list[Any]) -> list[Any]:
        """The rows of one page with what its columns show, read for all of them at once."""
        return rows

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> HttpResponseBase | None:
        if request.POST.get("select_across") == "1":  # nobody knows how many that would be
            messages.error(request, "Select rows: an action cannot be done to a whole table.")
            return None
        return super().response_action(request, queryset)


class ReadOnly(NewestAdmin):
    """Rows that only the pipeline writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
