"""Templates: texts with ``{{ variables }}``, by channel and locale.

In: sources and variables. Out: ``Content``, or ``TemplateError`` with a sentence for the author.
Imported by ``apps.content`` and ``apps.delivery``.
"""

from notifier.templates.budget import RENDER_STEPS, Budget
from notifier.templates.errors import MissingVariable, OverBudget, TemplateError
from notifier.templates.language import Attributes
from notifier.templates.locales import lookup
from notifier.templates.samples import sample_variables
from notifier.templates.translation import LINKS, RECIPIENT, Personal, Translation, budget_for

__all__ = [
    "LINKS",
    "RECIPIENT",
    "RENDER_STEPS",
    "Attributes",
    "Budget",
    "MissingVariable",
    "OverBudget",
    "Personal",
    "TemplateError",
    "Translation",
    "budget_for",
    "lookup",
    "sample_variables",
]
