"""Errors of templates, as sentences for their authors."""


class TemplateError(ValueError):
    """A text cannot be compiled or rendered.

    ``str()`` of it is a sentence without any variable's value. ``field``: which text of a
    translation it is (``body``, ``data/order/id``), or empty. ``line``: from 1, or ``None``.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.field = ""


class MissingVariable(TemplateError):
    """The text uses a variable that was not given. ``name``: with dots (``order.id``)."""

    def __init__(self, name: str, line: int | None = None) -> None:
        super().__init__(f"The variable {name} is missing.", line)
        self.name = name


class OverBudget(TemplateError):
    """The text does more work, or becomes longer, than a template may."""
