"""Write the catalogue of categories."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models.signals import post_delete, post_save
from django.dispatch import Signal, receiver

from apps.preferences.api.choices import category_serializers
from apps.preferences.categories.catalogue import DEFAULT_DISPLAY_NAME, categories
from apps.preferences.digests import choices
from apps.preferences.frequency import caps
from apps.preferences.models import Category
from notifier.domain.categories import DEFAULT, CategoryKind, fold

#: Sent with ``name`` before a category is deleted. A receiver returns what names it, as a list of
#: phrases ("the topic orders"), at most ``MOST_NAMED``.
category_used = Signal()
#: Users of a category that a refusal to delete it names.
MOST_NAMED = 5


class CategoryKept(Exception):
    """The category cannot be deleted. Its text is a sentence that says why."""


class Put(NamedTuple):
    """A category that was written: its row, and the fields from before, ``None`` of a new one."""

    row: Category
    before: dict[str, Any] | None


def put_category(name: str, fields: Mapping[str, Any]) -> Put:
    """Create or change the category of that name.

    Call it in a transaction: the row is locked until that ends, and to be rolled back with it.
    Raises ``ValidationError`` where the fields do not go together, those that were there included.
    """
    row, created = Category.objects.select_for_update().get_or_create(name=name, defaults=fields)
    before = None if created else category_serializers.written(row)
    for field, value in fields.items():
        setattr(row, field, value)
    category_serializers.check(name, category_serializers.written(row))
    if not created and fields:
        row.save(update_fields=[*fields, "updated_at"])
    return Put(row, before)


def hold_category(name: str) -> bool:
    """Return whether the catalogue has the category, which then stays until the transaction ends.

    Call it in the transaction that names the category: the cache may still have one that another
    process deletes.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM preferences_category WHERE name = %s FOR KEY SHARE", [name])
        return cursor.fetchone() is not None


def ensure_category(name: str) -> None:
    """Add a category that a topic names to the catalogue, unless it is there or the name empty."""
    name = fold(name)
    if name and not hold_category(name):
        texts = DEFAULT_DISPLAY_NAME if name == DEFAULT else {}
        Category.objects.get_or_create(name=name, defaults={"display_name": texts})


def why_kept(row: Category) -> str:
    """Return why a category cannot be deleted, as a sentence; empty if it can."""
    if row.name == DEFAULT:
        return f"{row.name!r} is the category of whatever names none."
    if row.kind == CategoryKind.CRITICAL:
        return (
            f"{row.name!r} is critical, and what names it could be refused without it. "
            "Give it another kind first."
        )
    answers = category_used.send(Category, name=row.name)
    if users := [user for _, found in answers for user in found or ()]:
        return f"{row.name!r} is the category of {', '.join(users)}. Give that another one first."
    return ""


def delete_category(row: Category) -> None:
    """Delete a category, in a transaction of the caller's. Raises ``CategoryKept``."""
    row = Category.objects.select_for_update().get(pk=row.pk)
    if why := why_kept(row):
        raise CategoryKept(why)
    row.delete()


@receiver([post_save, post_delete], sender=Category)
def category_changed(instance: Category, **_: object) -> None:
    """Invalidate the cached category, and who has set frequency caps and digests."""
    categories.changed(instance.name)
    caps.changed(*settings.CHANNELS)
    choices.changed()
