"""One text of a template: compiled once, rendered for many recipients."""

import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Template, TemplateSyntaxError, UndefinedError, meta, nodes

from notifier.templates.budget import Budget, fits
from notifier.templates.errors import MissingVariable, TemplateError
from notifier.templates.filters import BUDGET
from notifier.templates.language import WRITTEN, Language, Rewriting, check, heaviest, inside

#: Syntax of Handlebars, Mustache or Go: ``{{#if x}}``, ``{{/if}}``, ``{{{x}}}``, ``{{.X}}``.
_FOREIGN = re.compile(r"\{\{-?\s*[#/^>!&.{]")
#: Most characters of one text. Gmail cuts mails off at 102 KB.
SOURCE_LIMIT = 64 * 1024
#: Characters of the compiled texts that a process caches: up to 60 bytes of memory each, and again
#: where a text is cut into parts, so at most 60 MB. One version of a template has fewer (see
#: ``apps.content.validation``), or its texts would evict each other.
KEPT = 512 * 1024
#: Filters that change no text without characters to escape.
HARMLESS = ("e", "escape", "safe")
#: Characters added for each cached text, since a short one takes mostly fixed memory.
OVERHEAD = 100

_LANGUAGES = {html: Language(html=html) for html in (False, True)}


class Text:
    """A compiled text. ``names``: the variables that it uses."""

    __slots__ = (
        *("_altered", "_heaviest", "_html", "_parts", "_paths", "_plain", "_template", "_whole"),
        "names",
    )

    def __init__(self, source: str, html: bool, tree: nodes.Template | None = None) -> None:
        """Compile ``source``. ``tree``: the parsed source, or a part of it."""
        self._plain = source
        self._html = html
        self._template: Template | None = None
        self._parts: dict[str, list[Text]] = {}
        self._paths: frozenset[str] = frozenset()
        self._whole: frozenset[str] = frozenset()
        self._altered: frozenset[str] = frozenset()
        self._heaviest = 0
        self.names: frozenset[str] = frozenset()
        if not is_template(source):
            return
        language = _LANGUAGES[html]
        tree = tree or language.parse(source)
        check(tree)
        self.names = frozenset(meta.find_undeclared_variables(tree))
        self._paths = frozenset(_paths(tree))
        self._whole = frozenset(_whole(tree))
        self._altered = frozenset(_altered(tree))
        self._heaviest = heaviest(tree)
        code = language.compile(Rewriting().visit(tree))
        self._template = Template.from_code(language, code, language.globals)

    def render(self, variables: Mapping[str, Any], budget: Budget) -> str:
        """Render with ``variables`` (JSON values). Raises ``TemplateError``."""
        if self._template is None:
            return self._plain
        budget.written = self._heaviest
        context = self._template.new_context({**variables, BUDGET: budget}, shared=True)
        pieces: list[str] = []
        size = 0
        try:
            for piece in self._template.root_render_func(context):
                size += len(piece)
                fits(size)
                pieces.append(piece)
        except UndefinedError as error:
            raise self._missing(error) from None
        except TemplateError as error:
            error.line = _line_of(error)
            raise error from None
        except Exception as error:
            raise TemplateError(_sentence(error), _line_of(error)) from None
        return "".join(pieces)

    def uses_more(self, variable: str, members: Collection[str]) -> bool:
        """Return whether it uses anything of a variable but these members of it."""
        if variable not in self.names:
            return False
        known = {f"{variable}.{member}" for member in members}
        return variable in self._whole or any(
            path.count(".") == 1 and path.startswith(f"{variable}.") and path not in known
            for path in self._paths
        )

    def alters(self, variable: str) -> bool:
        """Return whether it does anything with a variable but print and test members of it."""
        return variable in self._altered

    def prefilled(self, variables: Mapping[str, Any], but: str, budget: Budget) -> "Prefilled":
        """Render every part that does not use the variable ``but``. Raises ``TemplateError``."""
        return Prefilled(
            [
                part if but in part.names else part.render(variables, budget)
                for part in self._parted(but)
            ]
        )

    def _parted(self, by: str) -> "list[Text]":
        """Return the text cut at its top level into parts that use the variable or do not.

        A text that sets variables is not cut, since a later part may need them.
        """
        if by not in self._parts:
            self._parts[by] = [self]
            tree = _LANGUAGES[self._html].parse(self._plain) if by in self.names else None
            if tree and not any(isinstance(node, nodes.Assign) for node in tree.body):
                self._parts[by] = [
                    Text(self._plain, self._html, _tree(tree, part)) for part in _cut(tree, by)
                ]
        return self._parts[by]

    def _missing(self, error: UndefinedError) -> MissingVariable:
        """Return an error with the full path of the missing variable, as the text writes it."""
        name = str(error)
        if name.startswith("."):
            found = sorted(path for path in self._paths if path.endswith(name))
            name = " or ".join(found) or name[1:]
        return MissingVariable(name, _line_of(error))


class Prefilled:
    """A text of which only the parts that use one variable are still to be rendered."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: "Sequence[str | Text]") -> None:
        self._pieces = pieces

    def render(self, variables: Mapping[str, Any], budget: Budget) -> str:
        """Render the rest and return the whole text. Raises ``TemplateError``."""
        whole = "".join(
            [
                piece if isinstance(piece, str) else piece.render(variables, budget)
                for piece in self._pieces
            ]
        )
        fits(len(whole))
        return whole


def is_template(source: str) -> bool:
    """Return whether a source contains template syntax."""
    return any(opening in source for opening in ("{{", "{%", "{#"))


def _cut(tree: nodes.Template, by: str) -> list[list[nodes.Node]]:
    found: list[list[nodes.Node]] = []
    mentioned = None
    for node in tree.body:
        for one in node.nodes if isinstance(node, nodes.Output) else [node]:
            part = nodes.Output([one], lineno=one.lineno) if isinstance(node, nodes.Output) else one
            mentions = by in meta.find_undeclared_variables(_tree(tree, [part]))
            if mentions != mentioned:
                found.append([])
            found[-1].append(part)
            mentioned = mentions
    return found


def _tree(whole: nodes.Template, body: list[nodes.Node]) -> nodes.Template:
    tree = nodes.Template(body, lineno=1)
    tree.set_environment(whole.environment)  # type: ignore[arg-type]
    return tree


class TextCache(dict[tuple[str, bool], Text]):
    """A cache of compiled texts of at most ``characters``; the oldest goes first."""

    def __init__(self, characters: int) -> None:
        self._room = characters
        self._lock = threading.Lock()

    def keep(self, source: str, html: bool, one: Text) -> None:
        with self._lock:
            if (source, html) in self:
                return
            self[source, html] = one
            self._room -= OVERHEAD + len(source)
            while self._room < 0:
                oldest = next(iter(self))
                del self[oldest]
                self._room += OVERHEAD + len(oldest[0])


_cache = TextCache(KEPT)


def text(source: str, html: bool = False) -> Text:
    """Compile a text, or take it from this process's cache. Raises ``TemplateError``."""
    found = _cache.get((source, html))
    if found is None:
        found = _compiled(source, html)
        _cache.keep(source, html, found)
    return found


def parse(source: str, html: bool = False) -> nodes.Template:
    """Parse a text. Raises ``jinja2.TemplateSyntaxError``."""
    return _LANGUAGES[html].parse(source)


def _compiled(source: str, html: bool) -> Text:
    if len(source) > SOURCE_LIMIT:
        raise TemplateError(f"The text has {len(source):,} characters, at most {SOURCE_LIMIT:,}.")
    try:
        return Text(source, html)
    except TemplateError:
        raise
    except TemplateSyntaxError as error:
        message = (error.message or "It cannot be read").rstrip(".")
        hint = f" {WRITTEN}" if _FOREIGN.search(source) else ""
        raise TemplateError(f"{message[0].upper()}{message[1:]}.{hint}", error.lineno) from None
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise TemplateError(_sentence(error)) from None


def _paths(tree: nodes.Template) -> Iterator[str]:
    """Iterate over the chains of members that a text uses, such as ``order.id``."""
    for node in inside(tree):
        names: list[str] = []
        while isinstance(node, nodes.Getattr):
            names.insert(0, node.attr)
            node = node.node
        if isinstance(node, nodes.Name) and names:
            yield ".".join([node.name, *names])


def _whole(tree: nodes.Template) -> Iterator[str]:
    """Iterate over the names that a text uses other than for a member, such as ``order``."""
    owners = {id(node.node) for node in inside(tree) if isinstance(node, nodes.Getattr)}
    for node in inside(tree):
        if isinstance(node, nodes.Name) and id(node) not in owners:
            yield node.name


def _altered(tree: nodes.Template) -> Iterator[str]:
    """Iterate over the names of which a text does more than print or test a member."""
    kept = set()
    for node in inside(tree):
        used: list[nodes.Node] = []
        if isinstance(node, nodes.Output):
            used = list(node.nodes)
        elif isinstance(node, nodes.If):
            used = [node.test]
        for one in used:
            while isinstance(one, nodes.Filter) and one.name in HARMLESS and one.node:
                one = one.node
            if isinstance(one, nodes.Getattr):
                kept.add(id(one.node))
    for node in inside(tree):
        if isinstance(node, nodes.Name) and id(node) not in kept:
            yield node.name


def _line_of(error: Exception) -> int | None:
    """Return the template's line that an exception came from."""
    line, trace = None, error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


def _sentence(error: Exception) -> str:
    """Describe an exception of a render without the values that caused it."""
    match error:
        case ZeroDivisionError():
            return "Something is divided by zero."
        case OverflowError():
            return "A number is too large."
        case RecursionError() | MemoryError() | SyntaxError():
            return "The text is nested too deeply."
        case ValueError():
            return "A value cannot be read as what it should be."
    return "A value is of the wrong type for what is done with it."
