"""A translation: a template's texts on one channel in one locale."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from notifier.domain import links
from notifier.domain.messages import Content
from notifier.templates.budget import RENDER_STEPS, Budget
from notifier.templates.errors import TemplateError
from notifier.templates.rendering import Prefilled, Text, is_template, text
from notifier.transport.json_pointer import escaped
from notifier.transport.mail import CONTROL

#: Limits of rendered content, in characters and bytes: those of a notification's content.
TITLE_LIMIT = 500
CONTENT_LIMIT = 64 * 1024
#: The variable with the recipient's own values, which publishers do not post.
RECIPIENT = "recipient"
#: The variable with the recipient's own links, unless the publisher posts one of that name.
LINKS = "links"
#: Its members that every delivery has at hand.
AT_HAND = ("user_id", "locale")
UNKNOWN = "…"
#: Turns a compiled text into the final one.
Fill = Callable[[Text], str]


@dataclass(frozen=True, slots=True)
class Translation:
    """Texts as the publisher wrote them.

    Every text in ``data``, and every URL in ``actions``, is a template of its own. Variables are
    escaped for HTML in ``html`` and nowhere else.
    """

    title: str = ""
    body: str = ""
    html: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> frozenset[str]:
        """Return the variables that its texts use, ``recipient`` included."""
        return frozenset[str]().union(*(one.names for one in self._texts()))

    def sources(self) -> list[tuple[str, bool]]:
        """Return its texts as they were written, each with whether it is HTML."""
        texts = [(self.title, False), (self.body, False), (self.html, True)]
        return texts + [(one, False) for one in (*_strings(self.data), *self.actions.values())]

    def mentions_profile(self) -> bool:
        """Return whether its texts use the recipient's name or attributes.

        Only texts in which the word stands are compiled. One that does not compile may use them.
        """
        return any(
            _uses_profile(source, html)
            for source, html in self.sources()
            if RECIPIENT in source and is_template(source)
        )

    def mentions_links(self) -> bool:
        """Return whether its texts use ``links``. Only texts with the word are compiled."""
        return any(LINKS in one.names for _, one in self._with_links())

    def check_links(self) -> None:
        """Raise ``TemplateError`` where a text does more with ``links`` than print or test one.

        They are filled in after rendering, so no filter would see them.
        """
        for at, one in self._with_links():
            if one.alters(LINKS):
                raise _over(
                    at,
                    "A link is written as it is, {{ links.unsubscribe }} or "
                    "{{ links.preferences }}, without a filter, or tested with {% if %}.",
                )

    def _with_links(self) -> Iterator[tuple[str, Text]]:
        """Iterate over the fields and compiled texts in which the word stands."""
        texts = [("title", self.title, False), ("body", self.body, False)]
        texts.append(("html", self.html, True))
        texts += [("data", one, False) for one in _strings(self.data)]
        texts += [(f"actions/{escaped(name)}", url, False) for name, url in self.actions.items()]
        for at, source, html in texts:
            if LINKS in source and is_template(source):
                try:
                    yield at, text(source, html)
                except TemplateError:  # of an older version's language; rendering it says so
                    continue

    def size(self) -> int:
        """Return the number of characters that its author wrote."""
        rest = orjson.dumps([self.data, self.actions])
        return len(self.title) + len(self.body) + len(self.html) + len(rest)

    def texts(self) -> int:
        """Return the number of its texts that contain template syntax."""
        data, actions = _strings(self.data), self.actions.values()
        return sum(map(is_template, (self.title, self.body, self.html, *data, *actions)))

    def outline(self) -> Content:
        """Return the content without variables, ``UNKNOWN`` in place of texts that use some.

        Every text is compiled, and what can be checked without variables is. Raises
        ``TemplateError`` with its ``field``.
        """
        budget = budget_for({})
        known = self._filled(lambda one: UNKNOWN if one.names else one.render({}, budget))
        actions = {label: url for label, url in known.actions.items() if url != UNKNOWN}
        known = replace(known, actions=actions)
        _check(known)
        return known

    def render(
        self,
        variables: Mapping[str, Any],
        budget: Budget | None = None,
        *,
        one_line: bool = False,
    ) -> Content:
        """Render the content with ``variables`` and check it against the limits of any content.

        ``budget``: what is left of a larger one. ``one_line``: make one line of a title of several,
        instead of refusing it. Raises ``TemplateError`` with its ``field``.
        """
        budget = budget or budget_for(variables)
        filled = self._filled(lambda one: one.render(variables, budget))
        if one_line:
            filled = _with_one_line(filled)
        _check(filled)
        return filled

    def prefilled(self, variables: Mapping[str, Any]) -> "Personal":
        """Return the translation for many recipients with the same ``variables``."""
        return Personal(self, variables)

    def _texts(self) -> list[Text]:
        found: list[Text] = []

        def keep(one: Text) -> str:
            found.append(one)
            return ""

        self._filled(keep)
        return found

    def _filled(self, fill: Fill) -> Content:
        """Return the content that ``fill`` makes of its texts."""
        return Content(
            title=_filled(fill, self.title, "title").strip(),
            body=_filled(fill, self.body, "body"),
            data=_within(fill, self.data, "data") if self.data else {},
            actions=_within(fill, self.actions, "actions") if self.actions else {},
            html=_filled(fill, self.html, "html", html=True) if self.html else "",
        )


class Personal:
    """A translation for many recipients: parts that do not use ``recipient`` are rendered once."""

    def __init__(self, translation: Translation, variables: Mapping[str, Any]) -> None:
        self._translation = translation
        self._variables = variables
        self._posted = _size({**variables, RECIPIENT: {}}) - _size({})
        self._texts: dict[Text, Prefilled] = {}

    def render(self, recipient: Mapping[str, Any]) -> Content:
        """Render the content for one recipient, the title as one line.

        Raises ``TemplateError`` with its ``field``.
        """
        values = {**self._variables, RECIPIENT: recipient}
        budget = Budget(RENDER_STEPS, self._posted + _size(recipient))

        def fill(one: Text) -> str:
            known = self._texts.get(one)
            if known is None:
                known = one.prefilled(self._variables, RECIPIENT, budget_for(self._variables))
                self._texts[one] = known
            return known.render(values, budget)

        filled = _with_one_line(self._translation._filled(fill))
        _check(filled)
        return filled


# Module-level functions: a recursive function inside a method is a reference cycle at each call,
# and collecting those took an eighth of a push worker's time.
def _filled(fill: Fill, source: str, at: str, html: bool = False) -> str:
    try:
        return fill(text(source, html))
    except TemplateError as error:
        error.field = at
        raise


def _within(fill: Fill, value: Any, at: str) -> Any:
    if isinstance(value, str):
        return _filled(fill, value, at)
    if isinstance(value, Mapping):
        return {name: _within(fill, one, f"{at}/{escaped(name)}") for name, one in value.items()}
    if isinstance(value, list):
        return [_within(fill, one, f"{at}/{index}") for index, one in enumerate(value)]
    return value


def _uses_profile(source: str, html: bool) -> bool:
    try:
        return text(source, html).uses_more(RECIPIENT, AT_HAND)
    except TemplateError:  # of an older version's language; rendering it says so
        return True


def budget_for(variables: Mapping[str, Any], steps: int = RENDER_STEPS) -> Budget:
    """Return the budget of one render with these variables."""
    return Budget(steps, _size(variables))


def _size(variables: Mapping[str, Any]) -> int:
    return len(orjson.dumps(variables))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list)):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(one)


def _with_one_line(content: Content) -> Content:
    """Return the content with spaces for the line breaks of its title."""
    if not CONTROL.search(content.title):
        return content
    return replace(content, title=" ".join(CONTROL.sub(" ", content.title).split()))


def _check(content: Content) -> None:
    if CONTROL.search(content.title):
        raise _over("title", "The title must be one line, and comes to more.")
    if len(content.title) > TITLE_LIMIT:
        raise _over("title", f"The title comes to more than {TITLE_LIMIT} characters.")
    for label, url in content.actions.items():
        try:
            links.check(url)
        except ValueError as error:
            raise _over(f"actions/{escaped(label)}", str(error)) from None
    size = len(orjson.dumps([content.title, content.body, content.data, content.actions]))
    if size + len(content.html.encode()) > CONTENT_LIMIT:
        raise _over("", f"The content comes to more than {CONTENT_LIMIT:,} bytes.")


def _over(at: str, message: str) -> TemplateError:
    error = TemplateError(message)
    error.field = at
    return error
