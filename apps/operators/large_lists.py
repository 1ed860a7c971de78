"""Admin lists of tables with millions of rows: newest first by primary key, never counted.

A page is found by key (``before`` and ``after``). A filter that no index serves examines at most
``MOST_EXAMINED`` rows per page; the page then says so and links to the next ones. Every page costs
about the same, whatever the size of the table.
"""

from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from apps.core.row_windows import row_window
from apps.operators.audit import Audited
from apps.operators.list_filters import ALL, BoundedFilter
from apps.operators.theme import ChangeList, ModelAdmin

#: Rows that one page examines for a filter that no index serves.
MOST_EXAMINED = 100_000
BEFORE, AFTER = "before", "after"


class Search(NamedTuple):
    """The condition of what is searched that an index serves, and that of the rest.

    Only so many rows are examined for the rest, as for a filter. ``cut`` says where the search
    ended before all was looked through.
    """

    base: Q
    rest: Q = Q()
    cut: str = ""


class NewestList(ChangeList):
    """A page of the list.

    ``examined_to`` is the time of the last row examined, if the search ended before the page was
    full. ``cut`` says where a search ended before all was looked through. ``older`` and ``newer``
    are the links to the neighbouring pages.
    """

    class paginator:  # unfold renders this template below the list
        template_name = "operators/newest.html"

    older: str | None = None
    newer: str | None = None
    examined_to: datetime | None = None
    cut: str = ""
    model_admin: "NewestAdmin"

    @property
    def most(self) -> int:
        return MOST_EXAMINED

    @property
    def left_out(self) -> str:
        """Return a sentence about what the list leaves out, or an empty one."""
        return " ".join(spec.left_out for spec in self._leaving_out())

    @property
    def everything(self) -> str:
        """Return the link to the list that leaves out nothing."""
        shown = {spec.parameter_name: ALL for spec in self._leaving_out()}
        return self.get_query_string(shown, remove=[BEFORE, AFTER])

    def _leaving_out(self) -> list[Any]:
        return [spec for spec in self.filter_specs if getattr(spec, "left_out", "")]

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in (BEFORE, AFTER)}

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        """Return the rows that actions apply to; ``get_results`` restricts them to a page."""
        self.filter_specs, self.has_filters, rest, _, self.has_active_filters = self.get_filters(
            request
        )
        if rest:
            raise IncorrectLookupParameters(f"no such filter: {', '.join(rest)}")
        self.clear_all_filters_qs = self.get_query_string(
            remove=[*self.get_filters_params(), BEFORE, AFTER]
        )
        return self.apply_select_related(self.root_queryset).defer(*self.model_admin.unread)

    def get_results(self, request: HttpRequest) -> None:
        before, after = self._key(BEFORE), self._key(AFTER)
        if after is not None:
            rows, further = self._look(request, after, forwards=True)
            rows.reverse()
            if rows or further:
                self._link(rows, older=True, newer=further, edge=after)
                return
        rows, further = self._look(request, before, forwards=False)
        self._link(rows, older=further, newer=before is not None, edge=before)

    def _look(
        self, request: HttpRequest, start: object, *, forwards: bool
    ) -> tuple[list[Model], object]:
        """Return a page of rows beyond ``start``, and whether there may be more.

        That is ``True`` if there are, the key at which the search ended if there may be, or
        ``None``.
        """
        base, condition = self._conditions(request)
        rows = self.queryset.filter(base)
        if start is not None:
            rows = rows.filter(**{"pk__gt" if forwards else "pk__lt": start})
        ordering = f"{'' if forwards else '-'}{self.model._meta.pk.attname}"
        edge = None
        if condition:
            rows, edge = row_window(rows, ordering, MOST_EXAMINED)
            rows = rows.filter(condition)
        found = list(rows.order_by(ordering)[: self.list_per_page + 1])
        if len(found) > self.list_per_page:
            return found[:-1], True
        if edge is not None:
            self.examined_to = self._moment(edge)
        return found, edge

    def _conditions(self, request: HttpRequest) -> tuple[Q, Q]:
        """Return the one condition that an index serves, and those of all other filters."""
        base, condition = Q(), Q()
        if self.query and self.search_fields:
            base, condition, self.cut = self.model_admin.search(request, self.query)
        for spec in self.filter_specs:
            assert isinstance(spec, BoundedFilter), f"{spec} may scan the whole table"
            wanted = spec.condition()
            if wanted is not None and spec.indexed and not base:
                base = wanted
            elif wanted is not None:
                condition &= wanted
        return base, condition

    def _link(self, rows: list[Model], *, older: object, newer: object, edge: object) -> None:
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

    def _link_to(self, direction: str, key: object) -> str:
        return self.get_query_string({direction: key}, remove=[BEFORE, AFTER])

    def _key(self, direction: str) -> object:
        if direction not in self.params:
            return None
        try:
            return self.model._meta.pk.to_python(self.params[direction])
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error

    def _moment(self, key: object) -> datetime:
        times = self.model._default_manager.values_list(self.model_admin.moment, flat=True)
        time: datetime = times.get(pk=key)
        return time


class NewestAdmin(Audited, ModelAdmin):
    """A ModelAdmin for such a table. Its ``list_filter`` must consist of ``BoundedFilter``.

    ``moment`` is the field with the time of a row's creation. ``unread``: wide fields that the list
    does not show.
    """

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_select_related: ClassVar[bool | list[str] | tuple[str, ...]] = ()
    list_disable_select_all = True
    sortable_by = ()
    moment = "created_at"
    unread: ClassVar[tuple[str, ...]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NewestList]:
        return NewestList

    def find(self, term: str) -> Q:
        """Return the condition for a search term; an index must serve it."""
        raise NotImplementedError

    def search(self, request: HttpRequest, term: str) -> Search:
        """Return what a search term finds. ``request`` says who searches: some may not find all."""
        return Search(self.find(term))

    def with_page(self, rows: list[Any]) -> list[Any]:
        """Return the rows of one page with what its columns need, fetched for all rows at once."""
        return rows

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *location: Any
    ) -> HttpResponse | None:
        if request.POST.get("select_across") == "1":  # could be any number of rows
            messages.error(request, "Select rows: an action cannot be applied to a whole table.")
            return None
        return super().response_action(request, queryset, *location)


class ReadOnly(NewestAdmin):
    """A table that operators can only read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
