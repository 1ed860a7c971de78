"""Exchanging the code of functions that are in memory, where a mutant changes nothing else."""

import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from inspect import CO_OPTIMIZED
from types import CodeType, FunctionType

from stack.supervision.process import ROOT


def changed(path: str, source: str) -> Mapping[str, CodeType] | None:
    """Return the functions by qualified name whose code a mutant of a file changes.

    ``None`` where it changes what is executed at import.
    """
    file = str(ROOT / path)
    before = compile((ROOT / path).read_text(), file, "exec")
    after = compile(source, file, "exec")
    if not _same(before, after, nested=_same_at_import):
        return None
    old = dict(_functions(before))
    return {name: code for name, code in _functions(after) if not _same(old[name], code)}


def exchange(path: str, codes: Mapping[str, CodeType]) -> None:
    """Give the functions of a file these codes, whatever they are wrapped in."""
    file = str(ROOT / path)
    found = set()
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename == file:
            name = one.__code__.co_qualname
            if name in codes:
                one.__code__ = codes[name]
                found.add(name)
    if missing := codes.keys() - found:
        raise LookupError(f"{', '.join(missing)} of {path} is not in {len(sys.modules)} modules")


def _functions(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    """Yield the functions of a module and of its classes."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            if one.co_flags & CO_OPTIMIZED:
                yield one.co_qualname, one
            else:  # the body of a class
                yield from _functions(one)


def _same_at_import(before: CodeType, after: CodeType) -> bool:
    """Return whether two nested codes do the same at import: a function's does nothing."""
    if before.co_flags & CO_OPTIMIZED:
        # A lambda or a comprehension is called, or may be, by the statement that contains it.
        named = "<" not in before.co_name
        return before.co_qualname == after.co_qualname and (named or _same(before, after))
    return _same(before, after, nested=_same_at_import)


def _same(
    before: CodeType,
    after: CodeType,
    nested: Callable[[CodeType, CodeType], bool] | None = None,
) -> bool:
    """Return whether two codes are the same but for the lines that they are on."""
    nested = nested or _same
    if _described(before) != _described(after) or len(before.co_consts) != len(after.co_consts):
        return False
    for one, other in zip(before.co_consts, after.co_consts, strict=True):
        if isinstance(one, CodeType) and isinstance(other, CodeType):
            if not nested(one, other):
                return False
        elif type(one) is not type(other) or repr(one) != repr(other):
            return False
    return True


def _described(code: CodeType) -> tuple[object, ...]:
    return (
        *(code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
        *(code.co_flags, code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount),
        *(code.co_exceptiontable, code.co_qualname),
    )
