"""The sections of the page of preferences, in their order.

In: a visitor and, on saving, the page's form. Out: what a section's template shows, and changes.
A further section is a module of this package with a class like the others, its template
``pages/section_NAME.html`` and its place in ``SECTIONS``. Imported by the page's view.
"""

from apps.pages.sections.base import Section
from apps.pages.sections.categories import Kinds
from apps.pages.sections.digests import Digests
from apps.pages.sections.profile import Profile
from apps.pages.sections.quiet_hours import Quiet
from apps.pages.sections.recent import Recent
from apps.pages.sections.stopped import Stopped
from apps.pages.sections.topics import Topics

#: Sections of the form, which one button saves, and those below it.
FORM: tuple[Section, ...] = (Stopped(), Kinds(), Topics(), Digests(), Quiet(), Profile())
BELOW: tuple[Section, ...] = (Recent(),)

__all__ = ["BELOW", "FORM", "Section"]
