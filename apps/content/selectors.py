"""Read templates and versions, for the endpoints."""

from collections.abc import Sequence
from typing import Protocol, cast

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from apps.api.problems import Problem
from apps.content.models import Template, TemplateVersion, Translation


class _WithNewest(Protocol):
    """A row of ``templates()``: ``newest`` is an annotation of the query."""

    newest: int


def templates(publisher_id: int) -> QuerySet[Template]:
    """Return the publisher's templates without deleted ones, each with ``newest``, a version id."""
    newest = TemplateVersion.objects.filter(template=OuterRef("pk")).order_by("-number")
    return Template.objects.filter(publisher=publisher_id, deleted_at=None).annotate(
        newest=Subquery(newest.values("pk")[:1])
    )


def own_template(publisher_id: int, name: str) -> Template:
    """Return the publisher's template of this name. Raises a 404 ``Problem`` if there is none."""
    template = templates(publisher_id).filter(name=name).first()
    if template is None:
        raise Problem("not-found", f"You have no template {name!r}. Check the name, or create it.")
    return template


def newest_versions(templates: Sequence[Template]) -> QuerySet[TemplateVersion]:
    """Return the newest version of each of ``templates()``, in order, without texts."""
    ids = [cast(_WithNewest, template).newest for template in templates]
    return _outlines(TemplateVersion.objects.filter(pk__in=ids)).order_by("template_id")


def versions(template: Template) -> QuerySet[TemplateVersion]:
    """Return the template's versions, without texts."""
    return _outlines(template.versions.all())


def own_version(template: Template, number: int | None) -> TemplateVersion:
    """Return the version of this number, or the newest. Raises a 404 ``Problem`` if none."""
    found = template.versions.select_related("template").order_by("-number")
    version = (found if number is None else found.filter(number=number)).first()
    if version is None:
        raise Problem("not-found", f"The template {template.name!r} has no version {number}.")
    return version


def _outlines(rows: QuerySet[TemplateVersion]) -> QuerySet[TemplateVersion]:
    texts = Translation.objects.only("version", "channel", "locale")
    return rows.select_related("template").prefetch_related(Prefetch("translations", texts))
