"""Signal receivers: a category that templates name is not deleted."""

from django.db.models import Exists, OuterRef
from django.dispatch import receiver

from apps.content.models import Template, TemplateVersion
from apps.preferences.categories.services import MOST_NAMED, category_used


@receiver(category_used)
def templates_of_category(name: str, **_: object) -> list[str]:
    """Name templates of which any version has the category: what is posted may name an old one."""
    versions = TemplateVersion.objects.filter(template=OuterRef("pk"), category=name)
    rows = Template.objects.filter(Exists(versions), deleted_at=None).order_by("pk")[:MOST_NAMED]
    return [f"a version of the template {row.name}" for row in rows]
