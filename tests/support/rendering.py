"""Render one text of a template, or expect that it is refused."""

import pytest

from notifier.templates import TemplateError, budget_for
from notifier.templates.rendering import text


def render(source, *, html=False, **variables):
    """Render the text with these variables."""
    return text(source, html).render(variables, budget_for(variables))


def refusal(source, *, html=False, **variables) -> TemplateError:
    """The error with which the text or its rendering is refused."""
    with pytest.raises(TemplateError) as caught:
        render(source, html=html, **variables)
    return caught.value
