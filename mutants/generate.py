"""Mutants of a file: what changes where, and what is left out."""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names

from mutants.left_out import left_out
from mutants.operators import RemoveStatement, ReverseCount
from stack.supervision.process import ROOT

#: The replacements of an operator that are tried: another one of the same operator nearly always
#: fails the same tests. Of a comparison, its opposite, and its bound in or out.
REPLACED = {
    *("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_Mul"),
    *("LShift_RShift", "RShift_LShift", "BitOr_BitAnd", "BitAnd_BitOr", "BitXor_BitAnd"),
    *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is"),
    *("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file. ``first``, ``last``: lines of the statement that it changes."""

    path: str
    name: str
    source: str
    difference: str
    line: int
    first: int
    last: int

    @property
    def key(self) -> str:
        """The mutant's name and change: another one once the file was edited."""
        return f"{self.name}\n{self.difference}"


def mutants(path: Path) -> Iterator[Mutant]:
    """Yield the mutants of a file in the order of its lines."""
    source = path.read_text()
    tree = ast.parse(source)
    without = left_out(tree)
    seen = {source}
    nodes = list(ast_nodes(get_ast(source)))
    found = [
        (span[0], name, occurrence, operator)
        for name, operator in _operators()
        for occurrence, span in enumerate(
            span for node in nodes for span in operator.mutation_positions(node)
        )
    ]
    for place, name, occurrence, operator in sorted(found, key=lambda one: one[:3]):
        if without.contains(place, name):
            continue
        mutated = mutate_code(source, operator, occurrence)
        if mutated in seen or not _is_python(mutated):
            continue
        seen.add(mutated)
        line, column = place
        first, last = _statement(tree, line)
        where = str(path.relative_to(ROOT))
        yield Mutant(
            where,
            f"{where}:{line}:{column} {name}.{occurrence}",
            mutated,
            _difference(source, mutated),
            line,
            first,
            last,
        )


def _operators() -> Iterator[tuple[str, Operator]]:
    for name in operator_names():
        short = name.partition("/")[2]
        kind, _, replacement = short.partition("Operator_")
        operator = get_operator(name)
        wanted = kind not in ("ReplaceBinary", "ReplaceComparison") or replacement in REPLACED
        if wanted and not operator.arguments():
            yield short, operator()
    yield "RemoveStatement", RemoveStatement()
    yield "ReverseCount", ReverseCount()


def _is_python(source: str) -> bool:
    """Return whether it can be parsed: ``not`` before ``a := b`` cannot."""
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _statement(tree: ast.Module, line: int) -> tuple[int, int]:
    """Return the lines of the innermost statement at ``line``; of a compound one, its head."""
    first, last = line, line
    size = None
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if body else node.end_lineno or node.lineno
            end = max(end, node.lineno)
            if node.lineno <= line <= end and (size is None or end - node.lineno < size):
                first, last, size = node.lineno, end, end - node.lineno
    return first, last


def _difference(source: str, mutated: str) -> str:
    lines = difflib.unified_diff(source.splitlines(), mutated.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in list(lines)[2:] if not line.startswith("@@"))
