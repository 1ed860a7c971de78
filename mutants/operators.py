"""Operators that cosmic-ray lacks: they remove a statement, or count the other way."""

from collections.abc import Iterator
from typing import Any, ClassVar

import parso
from cosmic_ray.operators.operator import Example, Operator

#: A node of parso's tree, whose types say neither children nor values.
Node = Any
Span = tuple[tuple[int, int], tuple[int, int]]


class RemoveStatement(Operator):  # type: ignore[misc]  # cosmic-ray has no types
    """Replaces a call whose result is not used, a ``return``, ``raise`` or ``del`` by ``pass``.

    Messages to a log stay.
    """

    def mutation_positions(self, node: Node) -> Iterator[Span]:
        """Yield the place of the statement."""
        if node.type == "simple_stmt":
            statement = node.children[0]
            if statement.type in ("return_stmt", "raise_stmt", "del_stmt") or _is_call(statement):
                yield statement.start_pos, statement.end_pos

    def mutate(self, node: Node, index: int) -> Node:
        """Return the statement without its effect."""
        prefix = node.get_first_leaf().prefix
        node.children[0] = parso.parse(f"{prefix}pass")
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what it does."""
        return (Example("act()", "pass"), Example("def f(): return 1", "def f(): pass"))


class ReverseCount(Operator):  # type: ignore[misc]
    """Replaces ``+=`` by ``-=``, and ``-=`` by ``+=``."""

    OTHER: ClassVar = {"+=": "-=", "-=": "+="}

    def mutation_positions(self, node: Node) -> Iterator[Span]:
        """Yield the place of the operator."""
        if node.type == "operator" and node.value in self.OTHER:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Node, index: int) -> Node:
        """Return the other operator."""
        node.value = self.OTHER[node.value]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Return what it does."""
        return (Example("number += 1", "number -= 1"),)


def _is_call(statement: Node) -> bool:
    if statement.type != "atom_expr" or statement.get_first_leaf().value == "log":
        return False
    last = statement.children[-1]
    return bool(last.type == "trailer" and last.children[0].value == "(")
