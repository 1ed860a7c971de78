"""Sample variables for a template, derived from how its texts use them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import TemplateSyntaxError, nodes

from notifier.templates.rendering import is_template, parse
from notifier.templates.translation import LINKS, RECIPIENT, Translation

#: Filters whose value is a number.
_NUMERIC = {"abs", "fixed", "float", "int", "round"}
_ARITHMETIC = (nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow)
_NUMBER = 7


@dataclass(slots=True)
class _Use:
    """The use of a value in texts: its members by name, its items, or as a number."""

    members: "dict[str, _Use]" = field(default_factory=dict)
    item: "_Use | None" = None
    number: bool = False

    def member(self, name: str) -> "_Use":
        return self.members.setdefault(name, _Use())

    def items(self) -> "_Use":
        self.item = self.item or _Use()
        return self.item

    def value(self, name: str) -> Any:
        if self.members:
            return {key: use.value(key) for key, use in self.members.items()}
        if self.item is not None:
            return [self.item.value(name)]
        return _NUMBER if self.number else name


def sample_variables(translations: Iterable[Translation]) -> dict[str, Any]:
    """Return variables with which the texts can be rendered: a text is its own name, a number 7.

    A value that a loop goes through is a list of one. What texts require beyond that, such as a
    date's form, is not known.
    """
    root = _Use()
    for translation in translations:
        for source, html in translation.sources():
            if is_template(source):
                try:
                    tree = parse(source, html)
                except TemplateSyntaxError:  # of an older version's language
                    continue
                _visit(tree, root, {})
    names = root.members.keys() - {RECIPIENT, LINKS}
    return {name: root.members[name].value(name) for name in sorted(names)}


def _visit(node: nodes.Node, root: _Use, scope: Mapping[str, _Use]) -> None:
    """Note the uses below a node. ``scope``: what loops and assignments name there."""
    _use(node, root, scope)
    if isinstance(node, nodes.For):
        scope = {**scope, **_loop(node, root, scope)}
    if isinstance(node, nodes.Filter) and node.name in _NUMERIC and node.node is not None:
        _is_number(node.node, root, scope)
    if isinstance(node, nodes.Compare):
        sides = [node.expr, *(operand.expr for operand in node.ops)]
        if any(isinstance(side, nodes.Const) and _numeric(side.value) for side in sides):
            for side in sides:
                _is_number(side, root, scope)
    if isinstance(node, _ARITHMETIC):
        _is_number(node.left, root, scope)
        _is_number(node.right, root, scope)
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Assign) and isinstance(child.target, nodes.Name):
            _visit(child.node, root, scope)
            scope = {**scope, child.target.name: _Use()}
        else:
            _visit(child, root, scope)


def _loop(node: nodes.For, root: _Use, scope: Mapping[str, _Use]) -> dict[str, _Use]:
    """Return what the names of a loop stand for, and note that its value is a list or a mapping."""
    through, pairs = node.iter, isinstance(node.target, nodes.Tuple)
    while isinstance(through, nodes.Filter) and through.node is not None:
        through = through.node
    value = _use(through, root, scope)
    found = {name.name: _Use() for name in node.target.find_all(nodes.Name)}
    if value is not None and pairs:
        value.member("example")
    elif value is not None and isinstance(node.target, nodes.Name):
        found = {node.target.name: value.items()}
    return {**found, "loop": _Use()}


def _use(node: nodes.Node, root: _Use, scope: Mapping[str, _Use]) -> _Use | None:
    """Return how the value that an expression names is used; ``None`` if it names none."""
    if isinstance(node, nodes.Name):
        return scope.get(node.name) or root.member(node.name) if node.ctx == "load" else None
    if isinstance(node, nodes.Getattr):
        owner = _use(node.node, root, scope)
        return owner.member(node.attr) if owner else None
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        owner = _use(node.node, root, scope)
        if owner is None:
            return None
        return owner.member(node.arg.value) if isinstance(node.arg.value, str) else owner.items()
    return None


def _is_number(node: nodes.Node, root: _Use, scope: Mapping[str, _Use]) -> None:
    if (use := _use(node, root, scope)) is not None:
        use.number = True


def _numeric(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
