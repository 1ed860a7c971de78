"""Code that is not mutated: nothing could fail, or something else is mutated to the same."""

import ast
from dataclasses import dataclass

#: A line (from 1) and a column (from 0).
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Places of a file, from and until, that are left out.

    ``heads``: of functions, for operators alone; ``negated``: conditions that get no ``not``.
    """

    spans: list[tuple[Place, Place]]
    heads: list[tuple[Place, Place]]
    negated: set[Place]

    def contains(self, place: Place, operator: str) -> bool:
        """Return whether an operator's mutation at a place is left out."""
        if operator == "AddNot" and place in self.negated:
            return True
        heads = self.heads if operator.startswith("ReplaceBinaryOperator") else []
        return any(begin <= place < end for begin, end in [*self.spans, *heads])


def left_out(tree: ast.Module) -> LeftOut:
    """Return what is left out of a file.

    - Types: mypy checks them, and they decide nothing.
    - Texts that are not joined: the file cannot be imported.
    - What a dataclass is forbidden (``frozen``, ``slots``), and ``strict`` of ``zip``: nobody does
      what they forbid.
    - The ``*`` among the parameters of a function: it is no multiplication.
    - A condition that is one comparison, or a ``not``: its own operators negate it. And
      ``TYPE_CHECKING``.
    """
    nodes: list[ast.expr | None] = []
    heads: list[tuple[Place, Place]] = []
    negated: list[ast.expr] = []
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign() | ast.arg():
                nodes.append(node.annotation)
            case ast.FunctionDef():
                nodes.append(node.returns)
                body = node.body[0]
                heads.append(((node.lineno, 0), (body.lineno, body.col_offset)))
            case ast.Assign(value=ast.Subscript() | ast.BinOp(op=ast.BitOr())) if _names(node):
                nodes.append(node.value)  # an alias of a type
            case ast.ClassDef():
                nodes += [one for one in node.decorator_list if isinstance(one, ast.Call)]
            case ast.keyword(arg="strict"):
                nodes.append(node.value)
            case ast.BinOp(op=ast.Add()) if _has_text(node):
                nodes.append(node)
            case ast.If() | ast.IfExp() | ast.While() if _is_negated(node.test):
                negated.append(node.test)
    return LeftOut(
        [
            # A decorator begins one column before, with its @.
            ((one.lineno, one.col_offset - 1), (one.end_lineno or 0, one.end_col_offset or 0))
            for one in nodes
            if one is not None
        ],
        heads,
        {(one.lineno, one.col_offset) for one in negated},
    )


def _is_negated(condition: ast.expr) -> bool:
    match condition:
        case ast.Compare(ops=[_]) | ast.UnaryOp() | ast.Name(id="TYPE_CHECKING"):
            return True
    return False


def _names(node: ast.Assign) -> bool:
    """Return whether what is assigned is called as a type is."""
    target = node.targets[0]
    return isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper()


def _has_text(node: ast.expr) -> bool:
    match node:
        case ast.BinOp():
            return _has_text(node.left) or _has_text(node.right)
        case ast.Constant():
            return isinstance(node.value, str)
        case ast.JoinedStr():
            return True
    return False
