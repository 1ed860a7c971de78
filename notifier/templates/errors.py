"""What is wrong with a template, as sentences for whoever wrote it."""


class TemplateError(ValueError):
    """A text cannot be compiled or rendered.

    ``str()`` of it is a sentence without any variable's value. ``field`` says which text of a
    translation it is (``body``, ``data/order/id``), ``line`` where in it, counted from 1; both may
    be empty.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.field = ""


class MissingVariable(TemplateError):
    """The text asks for a variable that was not given. ``name``: which, dotted."""

    def __init__(self, name: str, line: int | None = None) -> None:
        super().__init__(f"The variable {name} is missing.", line)
        self.name = name


class OverBudget(TemplateError):
    """The text does more work, or says more, than a template may."""
