"""Write the catalogue of categories."""

from collections.abc import Mapping
from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import Signal, receiver

from apps.preferences.categories.catalogue import DEFAULT_DISPLAY_NAME, categories
from apps.preferences.models import Category
from notifier.domain.categories import DEFAULT, fold

#: Sent with ``name`` before a category is deleted. A receiver returns what names it, as a list of
#: phrases ("the topic orders"), at most ``MOST_NAMED``.
category_used = Signal()
#: Users of a category that a refusal to delete it names.
MOST_NAMED = 5


class CategoryInUse(Exception):
    """The category cannot be deleted. ``args[0]`` lists what names it."""


def put_category(name: str, fields: Mapping[str, Any]) -> tuple[Category, bool]:
    """Create or change the category of that name; return it and whether it is new.

    Call it in a transaction: an existing row is locked until that ends.
    """
    row, created = Category.objects.select_for_update().get_or_create(name=name, defaults=fields)
    if not created and fields:
        for field, value in fields.items():
            setattr(row, field, value)
        row.save(update_fields=[*fields, "updated_at"])
    return row, created


def ensure_category(name: str) -> None:
    """Add a category that a topic names to the catalogue, unless it is there or the name empty."""
    name = fold(name)
    if name and categories.get(name) is None:
        texts = DEFAULT_DISPLAY_NAME if name == DEFAULT else {}
        Category.objects.get_or_create(name=name, defaults={"display_name": texts})


def uses_of(name: str) -> list[str]:
    """Return what names a category, as phrases; empty if nothing does."""
    if name == DEFAULT:
        return ["whatever names no category"]
    return [user for _, users in category_used.send(Category, name=name) for user in users or ()]


def delete_category(row: Category) -> None:
    """Delete a category. Raises ``CategoryInUse``."""
    if users := uses_of(row.name):
        raise CategoryInUse(users)
    row.delete()


@receiver([post_save, post_delete], sender=Category)
def category_changed(instance: Category, **_: object) -> None:
    """Invalidate the cached category."""
    categories.changed(instance.name)
