"""Model fields that several apps use."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from django.db import models

from apps.core import clock

if TYPE_CHECKING:
    _DateTimeField: TypeAlias = models.DateTimeField[str | datetime, datetime]
else:
    _DateTimeField = models.DateTimeField


class StampField(_DateTimeField):
    """A ``DateTimeField`` whose ``auto_now`` and ``auto_now_add`` use the database's clock.

    Migrations see Django's own field.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if self.auto_now or (self.auto_now_add and add):
            value = clock.moment()
            setattr(model_instance, self.attname, value)
            return value
        return super().pre_save(model_instance, add)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs
