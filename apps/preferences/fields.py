"""Model fields of this app."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from django.db import models

from notifier.domain import categories

if TYPE_CHECKING:
    _CharField: TypeAlias = models.CharField[str, str]
else:
    _CharField = models.CharField  # cannot be subscripted at run time


class CategoryField(_CharField):
    """The name of a category, stored and looked up folded.

    Values written by SQL are folded by the serializer (``apps.preferences.api.fields``).
    """

    def to_python(self, value: Any) -> str | None:
        text: str | None = super().to_python(value)
        return text if text is None else categories.fold(text)

    def get_prep_value(self, value: Any) -> str | None:
        return self.to_python(super().get_prep_value(value))

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.CharField", args, options  # migrations see plain text
