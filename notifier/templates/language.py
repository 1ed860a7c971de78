"""The template language: the part of Jinja whose cost can be computed.

``ALLOWED`` lists what a template may contain, and everything else is refused when it is compiled:
there are no calls, hence no methods and macros, no other templates, no lists made from values. The
rest is rewritten so that everything that takes time is charged (``notifier.templates.budget``)
before it is done. An attribute is a member of a JSON object and never one of Python's, which the
sandbox below (``ImmutableSandboxedEnvironment``) would refuse too.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import StrictUndefined, Undefined, nodes, pass_context, tests
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

from notifier.templates.budget import MOST, Budget, bounded
from notifier.templates.errors import TemplateError
from notifier.templates.filters import BUDGET, FILTERS, WrongValue, charged, joined, printed

#: Most nodes of a text, each counted once per level of its depth, since compiling takes time in
#: proportion (well under a second for all). A long mail has several thousand.
MOST_PARTS = 50_000
#: Most levels of nesting.
DEEPEST = 40
#: Most nodes of a list or an object that is written in a template.
MOST_LISTED = 100

ALLOWED = (
    *(nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.With, nodes.Assign),
    *(nodes.Name, nodes.Const, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword),
    *(nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Getitem, nodes.Getattr, nodes.Concat),
    *(nodes.Compare, nodes.Operand, nodes.Not, nodes.And, nodes.Or, nodes.Neg, nodes.Pos),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
)
#: Nodes that a list or an object written in a template may contain.
LITERAL = (nodes.Const, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Neg, nodes.Pos)
REFUSED = {
    nodes.Call: "Nothing can be called. Use a filter: {{ name|upper }}.",
    nodes.Include: "Templates cannot include others.",
    nodes.Import: "Templates cannot import others.",
    nodes.FromImport: "Templates cannot import others.",
    nodes.Extends: "Templates cannot extend others.",
    nodes.Block: "There are no blocks, since templates cannot extend others.",
    nodes.Macro: "There are no macros.",
    nodes.CallBlock: "There are no macros to call.",
    nodes.FilterBlock: "A filter is written behind a value: {{ name|upper }}.",
    nodes.AssignBlock: "{% set %} takes a value: {% set name = value %}.",
    nodes.Pow: "There are no powers (**).",
    nodes.Slice: "There are no slices. Use truncate, or loop.index to stop early.",
}
#: Words of statements, which ``{{ }}`` would take for variables.
STATEMENTS = frozenset(("if", "elif", "else", "endif", "for", "endfor"))
#: The syntax in short, for authors who know another template language.
WRITTEN = (
    "Templates are Jinja: {{ name }}, {% if name %}…{% else %}…{% endif %}, "
    "{% for item in items %}…{% endfor %}."
)
KNOWN_FILTERS = frozenset(FILTERS) | {"default", "d"}
TESTS: dict[str, Any] = {
    name: tests.TESTS[name]
    for name in ("boolean", "defined", "false", "mapping", "none", "number", "sequence", "string")
    + ("true", "undefined")
}
TESTS |= {
    # Jinja's own tests would take a text, and % would format it: "%999999999d" is odd.
    "divisibleby": lambda value, by: _whole(value) % _whole(by) == 0,
    "even": lambda value: _whole(value) % 2 == 0,
    "odd": lambda value: _whole(value) % 2 == 1,
}
LOOP = frozenset(
    ("depth", "depth0", "first", "index", "index0", "last", "length", "nextitem", "previtem")
    + ("revindex", "revindex0")
)
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
#: Characters that no JSON can carry but an escape in a template can make: "\\0", surrogates.
UNWRITTEN = re.compile("[\x00\ud800-\udfff]")
#: Nodes of a loop's body that cost one more step in each iteration.
NODES_A_STEP = 8
# Filters that ``Rewriting`` inserts; no template can write a name with a space.
COUNTED, WEIGHED, CONCAT = " counted", " weighed", " concat"


class Attributes(dict[str, Any]):
    """A recipient's own values, of which nobody knows the names when a text is checked.

    A missing one is printed as nothing, and is ``undefined`` to tests and to ``default``.
    """

    @classmethod
    def of(cls, value: Any) -> Any:
        """Return a JSON value with every object in it as ``Attributes``."""
        if isinstance(value, Mapping):
            return cls((name, cls.of(inner)) for name, inner in value.items())
        return [cls.of(inner) for inner in value] if isinstance(value, list) else value


class Blank(Undefined):
    """A missing attribute: nothing when it is printed, false when it is tested."""

    @property
    def _undefined_message(self) -> str:
        return f".{self._undefined_name}"


class Missing(StrictUndefined):
    """A missing variable. The error's text is its name, with a leading dot if it is a member."""

    @property
    def _undefined_message(self) -> str:
        member = self._undefined_obj is not missing
        return f"{'.' if member else ''}{self._undefined_name}"


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise WrongValue("odd, even and divisibleby are asked of whole numbers.")
    return value


@pass_context
def _counted(context: Context, value: Any, steps: int) -> Iterator[Any]:
    """Iterate over a loop's items, charging ``steps`` for each."""
    if isinstance(value, Undefined):
        yield from iter(value)  # raises, but for a missing attribute
        return
    if not isinstance(value, (list, tuple, dict, str)):
        raise WrongValue("A loop runs over a list or an object.")
    budget: Budget = context.parent[BUDGET]
    for item in value:
        budget.spend(steps)
        yield item


@pass_context
def _weighed(context: Context, value: Any) -> Any:
    """Return one side of a comparison after charging for it."""
    context.parent[BUDGET].charge(value)
    return value


@pass_context
def _concat(context: Context, *values: Any) -> str:
    budget: Budget = context.parent[BUDGET]
    for value in values:
        budget.charge(value)
    text: str = bounded(joined(context, values))
    return text


@pass_context
def _finalize(context: Context, value: Any) -> Any:
    """Return what ``{{ }}`` prints after charging for it."""
    context.parent[BUDGET].charge(value)
    return printed(value)


class Language(ImmutableSandboxedEnvironment):
    """The environment that templates are compiled in; with ``html`` it escapes for HTML."""

    intercepted_binops = frozenset(OPERATORS)

    def __init__(self, *, html: bool) -> None:
        super().__init__(
            undefined=Missing,
            autoescape=html,
            finalize=_finalize,
            optimized=False,  # nothing is computed while compiling
            cache_size=0,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.globals.clear()
        self.filters = {name: charged(work) for name, work in FILTERS.items()}
        self.filters |= {COUNTED: _counted, WEIGHED: _weighed, CONCAT: _concat}
        self.tests = dict(TESTS)
        # Not wrapped like the others, since it accepts missing variables.
        self.filters["default"] = self.filters["d"] = _default

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext):
            if attribute in LOOP:
                return getattr(obj, attribute)
        elif isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        elif isinstance(obj, (Attributes, Blank)):
            return Blank(name=attribute)
        elif isinstance(obj, Undefined):
            str(obj)  # raises
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        if isinstance(obj, (list, tuple, str)) and isinstance(argument, int):
            if -len(obj) <= argument < len(obj):
                return obj[argument]
        elif isinstance(obj, Blank):
            return obj
        elif isinstance(obj, Undefined):
            str(obj)  # raises
        return self.undefined(obj=obj, name=str(printed(argument)))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        budget: Budget = context.parent[BUDGET]
        budget.charge(left)
        budget.charge(right)
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        texts = operator == "+" and isinstance(left, str) and isinstance(right, str)
        if not (numbers or texts):
            for value in (left, right):
                if isinstance(value, Undefined):
                    str(value)  # raises
            raise WrongValue(f"{operator} takes numbers. Use ~ to join texts.")
        return bounded(OPERATORS[operator](left, right))


@pass_context
def _default(context: Context, value: Any, instead: Any = "", empty: bool = False) -> Any:
    context.parent[BUDGET].spend(1)
    return instead if isinstance(value, Undefined) or (empty and not value) else value


def check(tree: nodes.Template) -> None:
    """Raise ``TemplateError`` for the first construct that the language does not have."""
    for node in inside(tree):
        kind = type(node)
        if kind in REFUSED:
            raise TemplateError(REFUSED[kind], node.lineno)
        if kind not in ALLOWED:
            raise TemplateError(f"There is no {kind.__name__.lower()} here.", node.lineno)
        if isinstance(node, nodes.For) and node.recursive:
            raise TemplateError("Loops cannot be recursive.", node.lineno)
        if isinstance(node, nodes.Name) and node.name == "self":
            raise TemplateError("A variable cannot be called self.", node.lineno)
        if isinstance(node, nodes.Name) and node.name in STATEMENTS:
            raise TemplateError(f"{node.name} stands in {{% %}}. {WRITTEN}", node.lineno)
        if isinstance(node, nodes.Filter) and node.name not in KNOWN_FILTERS:
            known = ", ".join(sorted(KNOWN_FILTERS))
            raise TemplateError(f"There is no filter {node.name}. Known are: {known}.", node.lineno)
        if isinstance(node, nodes.Const) and UNWRITTEN.search(str(node.value)):
            raise TemplateError("There is a character that no message can carry.", node.lineno)
        if isinstance(node, nodes.Const) and isinstance(node.value, int) and node.value >= MOST:
            raise TemplateError("There is a number that is too large.", node.lineno)
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            known = ", ".join(sorted(TESTS))
            raise TemplateError(f"There is no test {node.name}. Known are: {known}.", node.lineno)
        if isinstance(node, (nodes.List, nodes.Dict, nodes.Pair)) or (
            isinstance(node, nodes.Tuple) and node.ctx == "load"
        ):
            if sum(1 for _ in inside(node)) > MOST_LISTED:
                raise TemplateError(
                    f"A list written in a template has at most {MOST_LISTED} parts.", node.lineno
                )
            # Lists nested in lists with variables could become larger than all that was posted, and
            # computed values larger than what is written: the budget would not cover them.
            if not all(isinstance(child, LITERAL) for child in inside(node)):
                raise TemplateError(
                    "A list written in a template holds no variables, only texts and numbers.",
                    node.lineno,
                )


def heaviest(tree: nodes.Template) -> int:
    """Return the bytes, about those of its JSON, of the largest list or object in a text."""
    return max((_bytes(node) for node in inside(tree) if _is_container(node)), default=0)


def _is_container(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Const):  # Jinja folds lists into constants when it looks for names
        return isinstance(node.value, (list, tuple, dict))
    return isinstance(node, (nodes.List, nodes.Tuple, nodes.Dict))


def _bytes(node: nodes.Node) -> int:
    constants = [one for one in (node, *inside(node)) if isinstance(one, nodes.Const)]
    return sum(4 + len(str(one.value).encode()) for one in constants)


def inside(node: nodes.Node) -> Iterator[nodes.Node]:
    """Iterate over all nodes below one. Raises ``TemplateError`` if they are too many or deep."""
    parts = 0
    waiting = [iter(node.iter_child_nodes())]
    while waiting:
        child = next(waiting[-1], None)
        if child is None:
            waiting.pop()
            continue
        if len(waiting) > DEEPEST:
            raise TemplateError("This is nested too deeply.", child.lineno)
        parts += len(waiting)
        if parts > MOST_PARTS:
            raise TemplateError("The text is too complicated: it has too many parts.", child.lineno)
        yield child
        waiting.append(iter(child.iter_child_nodes()))


class Rewriting(NodeTransformer):
    """Inserts the filters that charge for loops, comparisons and ``~``."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        steps = 1 + sum(1 for _ in inside(node)) // NODES_A_STEP
        self.generic_visit(node)
        node.iter = _filter(COUNTED, node.iter, [nodes.Const(steps)])
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _filter(WEIGHED, node.expr)
        for operand in node.ops:
            operand.expr = _filter(WEIGHED, operand.expr)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        first, *rest = node.nodes
        return _filter(CONCAT, first, rest)


def _filter(name: str, value: nodes.Node, options: Sequence[Any] = ()) -> nodes.Filter:
    return nodes.Filter(
        value,
        name,
        list(options),
        [],
        None,
        None,
        lineno=value.lineno,
        environment=value.environment,
    )
