"""What a notification says, written once with ``{{ variables }}`` in it, for every language."""

from notifier.templates.budget import RENDER_STEPS, Budget
from notifier.templates.errors import MissingVariable, OverBudget, TemplateError
from notifier.templates.locales import lookup
from notifier.templates.translation import RECIPIENT, Personal, Translation, budget_for

__all__ = [
    "RECIPIENT",
    "RENDER_STEPS",
    "Budget",
    "MissingVariable",
    "OverBudget",
    "Personal",
    "TemplateError",
    "Translation",
    "budget_for",
    "lookup",
]
