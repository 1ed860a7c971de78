"""Filters of ``large_lists``: their conditions, and whether an index serves them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, TypeAlias, cast

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import ValidationError
from django.db.models import F, Field, Model, Q, QuerySet
from django.db.models.lookups import In
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.operators.theme import ModelAdmin
from apps.publishers.models import Publisher

#: A filter's choices: the text in the URL, and the label.
Lookups: TypeAlias = list[tuple[str, str]]
#: Text in the URL that sets a filter to leave nothing out.
ALL = "all"
#: Publishers in the filter's choices; a link may name any other.
MOST_NAMED = 200


class BoundedFilter(SimpleListFilter):
    """A filter on one field. ``indexed`` is whether an index yields its rows newest first.

    The list applies its ``condition``, and bounds the rows that may be examined for it.
    """

    field = ""
    indexed = False
    #: A sentence about what the list leaves out until the filter is set, or empty.
    left_out = ""

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[Model],
        model_admin: ModelAdmin,
    ) -> None:
        self._model = model
        super().__init__(request, params, model, model_admin)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def condition(self) -> Q | None:
        """Return the condition, ``None`` for all rows. Raises ``IncorrectLookupParameters``."""
        text = self.value()
        if text is None:
            return None
        if "\0" in text:  # PostgreSQL refuses NUL characters
            raise IncorrectLookupParameters(self.parameter_name)
        if self.field.endswith("__isnull"):
            return Q(**{self.field: text == "yes"})
        field = cast("Field[Any, Any]", self._model._meta.get_field(self.field))
        try:
            value = field.to_python(text)
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error
        return Q(**{self.field: value})


def choice(
    field: str, values: Callable[[], Iterable[str]], title: str = "", *, indexed: bool = False
) -> type[BoundedFilter]:
    """Return a filter by one of ``values``, which come from code or settings, not from the rows."""

    class Choice(BoundedFilter):
        def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Lookups:
            return [(value, value.replace("_", " ")) for value in values()]

    return _named(Choice, field, title, indexed)


def usual(
    field: str,
    values: Callable[[], Iterable[str]],
    title: str,
    *,
    shown: Collection[str],
    name: str,
    left_out: str,
    narrowed_by: Collection[str] = (),
    value: Any = None,
) -> type[BoundedFilter]:
    """Return a filter by one of ``values`` that leaves all but ``shown`` out until it is set.

    ``name``: that of what is shown. ``left_out``: a sentence about the rest. Where the list is
    searched, or one of the parameters ``narrowed_by`` is set, nothing is left out. ``value``: an
    expression of what is compared, if that is no field of the row.
    """

    class Usual(BoundedFilter):
        def __init__(self, request: HttpRequest, *rest: Any) -> None:
            super().__init__(request, *rest)
            narrowed = request.GET.get(SEARCH_VAR, "").strip() or {*narrowed_by} & {*request.GET}
            self.left_out = "" if self.value() is not None or narrowed else left_out

        def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Lookups:
            return [(ALL, "all"), *((value, value.replace("_", " ")) for value in values())]

        def choices(self, changelist: Any) -> Iterator[Any]:
            found = super().choices(changelist)
            yield {**next(found), "display": name}
            yield from found

        def condition(self) -> Q | None:
            chosen = self.value()
            if not self.left_out and chosen in (None, ALL):
                return None
            return Q(In(value or F(field), list(shown) if self.left_out else [chosen]))

    return _named(Usual, field, title, False)


def related(
    field: str,
    rows: Callable[[], Iterable[tuple[object, str]]],
    title: str = "",
    *,
    indexed: bool = False,
) -> type[BoundedFilter]:
    """Return a filter by one of a few rows of another table, given as (primary key, name)."""

    class Related(BoundedFilter):
        def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Lookups:
            return [(str(key), name) for key, name in rows()]

    return _named(Related, field, title, indexed)


def publishers_named() -> Iterable[tuple[object, str]]:
    """Return publishers to choose from."""
    return Publisher.objects.order_by("name").values_list("pk", "name")[:MOST_NAMED]


def by_publisher() -> type[BoundedFilter]:
    """Return a filter by publisher; the table needs an index on ``publisher`` and primary key."""
    return related("publisher_id", publishers_named, indexed=True)


def linked(
    field: str, title: str = "", *, indexed: bool = True, of: type[Model] | None = None
) -> type[BoundedFilter]:
    """Return a filter that other pages link to with ``?field=key``; shown only while it is set.

    ``of`` is the model of the key where the field is no foreign key; its row is the label.
    """

    class Linked(BoundedFilter):
        def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Lookups:
            return [(self.value() or "", self._named())] if self.value() else []

        def _named(self) -> str:
            model = of or self._model._meta.get_field(self.field).related_model
            try:
                row = model and model._default_manager.filter(pk=self.value()).first()
            except (ValueError, ValidationError):  # not a valid key; ``condition`` reports it
                row = None
            return str(row or self.value())

        def has_output(self) -> bool:
            return self.value() is not None

    return _named(Linked, field, title, indexed)


def written(
    field: str, lookup: str = "", *, parameter: str = "", label: str = "", type: str = "text"
) -> type[BoundedFilter]:
    """Return a filter whose value is written, for ``field`` and a ``lookup`` such as ``gte``.

    ``type``: that of the HTML field; a ``datetime-local`` is on the clocks of the admin.
    """

    class Written(BoundedFilter):
        template = "operators/written_filter.html"

        def value(self) -> str | None:
            return super().value() or None

        def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Lookups:
            return [("", "")]

        def choices(self, changelist: Any) -> Iterator[Any]:
            others = changelist.get_filters_params()
            others.pop(self.parameter_name, None)
            if changelist.query:
                others[SEARCH_VAR] = [changelist.query]
            yield {
                "label": label or self.title,
                "type": type,
                "value": self.value() or "",
                "others": [(name, values[-1]) for name, values in others.items()],
            }

        def condition(self) -> Q | None:
            text = self.value()
            if text is None or type == "text":
                return super().condition()
            try:
                return Q(**{f"{field}__{lookup}": moment_of(text)})
            except ValueError as error:
                raise IncorrectLookupParameters(error) from error

    found = _named(Written, field, label, False)
    found.parameter_name = parameter or field
    return found


def moment_of(text: str) -> datetime:
    """Return a time that an operator wrote, on the admin's clocks. Raises ``ValueError``."""
    found = parse_datetime(text)
    if found is None:
        raise ValueError(f"{text!r} is no time")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def present(field: str, title: str) -> type[BoundedFilter]:
    """Return a filter by whether a field is set."""

    class Present(BoundedFilter):
        def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Lookups:
            return [("no", "yes"), ("yes", "no")]  # the lookup is "is null"

    return _named(Present, f"{field}__isnull", title, False)


def _named(kind: type[BoundedFilter], field: str, title: str, indexed: bool) -> type[BoundedFilter]:
    kind.field = field
    kind.parameter_name = field
    kind.title = title or field.removesuffix("_id").replace("_", " ")
    kind.indexed = indexed
    return kind
