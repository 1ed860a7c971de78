"""The base of a section of the page, and the boxes that several of them have.

The form says which boxes were ticked when the page was shown, and which are now: only what the
person changed is written, whatever else has changed meanwhile.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from django.http import HttpRequest, QueryDict

from apps.pages.visitors import Visitor
from apps.preferences.consent.refusals import PreferenceScope


class Section(Protocol):
    """A section of the page. ``name``: of its template, ``pages/section_NAME.html``."""

    name: str

    def context(self, visitor: Visitor) -> Mapping[str, object] | None:
        """Return what its template shows, as ``section``; ``None`` to leave it out."""

    def save(self, request: HttpRequest, visitor: Visitor, form: QueryDict) -> None:
        """Write what the person changed, in the view's transaction. May raise ``NotSaved``."""


class NotSaved(Exception):
    """The form cannot be saved, with any of its sections. ``key``: of the text that says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Box(NamedTuple):
    """A box to tick. ``key``: its value in the form; ``scope``: the preference that it is.

    ``locked``: no link may tick it.
    """

    key: str
    label: str
    on: bool
    scope: PreferenceScope
    locked: bool = False


class Row(NamedTuple):
    """The subject of some boxes. ``note``: said instead of them, or below the title."""

    title: str
    text: str
    note: str
    boxes: Sequence[Box]

    @property
    def locked(self) -> bool:
        """True if one of the boxes is."""
        return any(box.locked for box in self.boxes)


def shown(rows: Sequence[Row]) -> dict[str, object]:
    """Return the context of a section of boxes."""
    ticked = [box.key for row in rows for box in row.boxes if box.on]
    return {"rows": rows, "ticked": " ".join(ticked)}


def changed(name: str, rows: Sequence[Row], form: QueryDict) -> dict[Box, bool]:
    """Return the boxes of the section that the person ticked or unticked."""
    if f"{name}-was" not in form:
        return {}
    was, now = set(str(form[f"{name}-was"]).split()), set(form.getlist(name))
    return {
        box: box.key in now
        for row in rows
        for box in row.boxes
        if box.key in was ^ now and not box.locked
    }
