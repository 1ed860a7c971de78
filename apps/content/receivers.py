"""Signal receivers: a category that templates name is not deleted."""

from django.db.models import OuterRef, Subquery
from django.dispatch import receiver

from apps.content.models import Template, TemplateVersion
from apps.preferences.categories.services import MOST_NAMED, category_used


@receiver(category_used)
def templates_of_category(name: str, **_: object) -> list[str]:
    """Name templates whose newest version has the category."""
    newest = TemplateVersion.objects.filter(template=OuterRef("pk")).order_by("-number")
    rows = (
        Template.objects.filter(deleted_at=None)
        .annotate(category=Subquery(newest.values("category")[:1]))
        .filter(category=name)
        .order_by("pk")[:MOST_NAMED]
    )
    return [f"the template {row.name}" for row in rows]
