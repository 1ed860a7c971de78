"""The filters of the template language: those of Jinja whose cost can be computed."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import Undefined, filters, pass_context
from jinja2.runtime import Context
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

from notifier.templates.budget import Budget, bounded, fits
from notifier.templates.errors import TemplateError

#: The budget's key in a render's context; no template can write a name with a space.
BUDGET = " budget"
#: Most characters that escaping makes of one: & becomes &amp;.
ESCAPED = 5
DECIMALS = 9
#: Most members that an ``attribute`` may name; each is looked up in each item.
MOST_MEMBERS = 10


class WrongValue(TemplateError):
    """A filter or operator got a value of the wrong type."""


def printed(value: Any) -> Any:
    """Return a value as a text shows it: null as nothing, true and false as in JSON."""
    if isinstance(value, str) or type(value) in (int, float):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Undefined):
        return str(value)  # raises
    raise WrongValue("A list or an object cannot be printed. Print its parts, or use tojson.")


def text(value: Any) -> str:
    """Return the value as text; ``Markup`` stays ``Markup``."""
    value = printed(value)
    return value if isinstance(value, str) else str(value)


def joined(context: Context, values: Iterable[Any], by: str = "") -> str:
    """Join values to one text with ``by`` between them, escaped where the text is HTML."""
    parts = [text(value) for value in values]
    between = len(by) * max(0, len(parts) - 1)
    if not context.eval_ctx.autoescape:
        fits(between + sum(map(len, parts)))
        return by.join(parts)
    fits(ESCAPED * between + sum(map(len, parts)))
    return Markup(escape(by)).join(parts)


def _join(context: Context, value: Any, d: Any = "", attribute: str | None = None) -> str:
    return joined(context, _attributes(context, value, attribute), text(d))


def _replace(_: Context, value: Any, old: Any, new: Any) -> str:
    value, old, new = text(value), text(old), text(new)
    if isinstance(value, Markup):  # its own replace() would escape the arguments
        old, new = escape(old), escape(new)
    fits(len(value) + value.count(old) * len(new))
    replaced: str = value.replace(old, new)
    return replaced


def _sort(
    context: Context,
    value: Any,
    reverse: bool = False,
    case_sensitive: bool = False,
    attribute: str | int | None = None,
) -> list[Any]:
    values = _listed(value)
    _pay_for_members(context, values, attribute)
    return filters.do_sort(context.environment, values, reverse, case_sensitive, attribute)


def _sum(context: Context, value: Any, attribute: str | None = None) -> float:
    numbers = _attributes(context, value, attribute)
    if not all(isinstance(number, (int, float)) for number in numbers):
        raise WrongValue("sum adds numbers, and there is something else among them.")
    total: float = sum(numbers)
    return total


def _attributes(context: Context, value: Any, attribute: str | int | None) -> list[Any]:
    values = _listed(value)
    if attribute is None:
        return values
    _pay_for_members(context, values, attribute)
    return list(map(filters.make_attrgetter(context.environment, attribute), values))


def _pay_for_members(context: Context, values: list[Any], attribute: str | int | None) -> None:
    members = 1 + sum(map(attribute.count, ".,")) if isinstance(attribute, str) else 1
    if members > MOST_MEMBERS:
        raise WrongValue(f"An attribute names at most {MOST_MEMBERS} members.")
    budget: Budget = context.parent[BUDGET]
    budget.spend(members * len(values) if attribute is not None else 0)


def _listed(value: Any) -> list[Any]:
    """Return the items of a list or an object.

    A text is refused: a list of its characters would be charged as a posted value, and be larger.
    """
    if not isinstance(value, (list, tuple, dict)):
        raise WrongValue("This filter takes a list or an object.")
    return list(value)


def _truncate(context: Context, value: Any, length: int = 255, killwords: bool = False) -> str:
    if length < 1:
        raise WrongValue("truncate takes the number of characters to keep.")
    value = text(value)
    return filters.do_truncate(context.environment, value, length, killwords, "…", 0)


def _round(_: Context, value: float, precision: int = 0, method: str = "common") -> float:
    if not 0 <= precision <= DECIMALS:
        raise WrongValue(f"round keeps 0 to {DECIMALS} decimals.")
    if method not in ("common", "ceil", "floor"):
        raise WrongValue("round knows common, ceil and floor.")
    return filters.do_round(value, precision, method)  # type: ignore[arg-type]


def _fixed(_: Context, value: float, decimals: int = 2) -> str:
    if not 0 <= decimals <= DECIMALS:
        raise WrongValue(f"fixed writes 0 to {DECIMALS} decimals.")
    return f"{value:.{decimals}f}"


def _int(_: Context, value: Any) -> int:
    return math.trunc(float(value))


def _dictsort(_: Context, value: Mapping[str, Any], by: str = "key") -> list[tuple[str, Any]]:
    return filters.do_dictsort(value, False, by)  # type: ignore[arg-type]


#: Filters by name. Each gets the context, the value and the filter's arguments.
FILTERS: dict[str, Callable[..., Any]] = {
    "abs": lambda _, value: abs(value),
    "capitalize": lambda _, value: text(value).capitalize(),
    "count": lambda _, value: len(value),
    "dictsort": _dictsort,
    "e": lambda _, value: escape(text(value)),
    "escape": lambda _, value: escape(text(value)),
    "first": lambda context, value: filters.do_first(context.environment, value),
    "fixed": _fixed,
    "float": lambda _, value: float(value),
    "int": _int,
    "items": lambda _, value: list(value.items()),
    "join": _join,
    "last": lambda context, value: filters.do_last(context.environment, value),
    "length": lambda _, value: len(value),
    "lower": lambda _, value: text(value).lower(),
    "max": lambda context, value: filters.do_max(context.environment, _listed(value)),
    "min": lambda context, value: filters.do_min(context.environment, _listed(value)),
    "replace": _replace,
    "reverse": lambda _, value: value[::-1],
    "round": _round,
    "safe": lambda _, value: Markup(text(value)),
    "sort": _sort,
    "string": lambda _, value: text(value),
    "sum": _sum,
    "tojson": lambda _, value: htmlsafe_json_dumps(value),
    "trim": lambda _, value: text(value).strip(),
    "truncate": _truncate,
    "upper": lambda _, value: text(value).upper(),
    "urlencode": lambda _, value: filters.do_urlencode(text(value)),
}


def charged(work: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a filter: charge the budget before it runs, and check the size of its result."""

    @pass_context
    def run(context: Context, value: Any, *options: Any, **named: Any) -> Any:
        if isinstance(value, Undefined):
            str(value)  # raises
        budget: Budget = context.parent[BUDGET]
        budget.charge(value)
        for option in (*options, *named.values()):
            budget.charge(option)
        return bounded(work(context, value, *options, **named))

    return run
