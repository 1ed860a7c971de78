"""Writes: templates and their versions."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from apps.content import compiled_templates
from apps.content.models import Template, TemplateVersion, Translation
from apps.core import clock


class TemplateExists(Exception):
    """The publisher has a template of this name."""


def create_template(
    publisher_id: int,
    name: str,
    display_name: str,
    default_locale: str,
    contents: Sequence[Mapping[str, Any]],
) -> TemplateVersion:
    """A new template; its version 1. ``contents`` were checked. Raises ``TemplateExists``."""
    try:
        with transaction.atomic():
            template = Template.objects.create(
                publisher_id=publisher_id, name=name, display_name=display_name
            )
    except IntegrityError as error:
        if "template_once_a_name" not in str(error):
            raise
        raise TemplateExists from None
    with transaction.atomic():
        return _version(template, 1, default_locale, contents)


def add_version(
    template: Template, default_locale: str, contents: Sequence[Mapping[str, Any]]
) -> TemplateVersion:
    """The template's next version, used from now on. ``contents`` were checked."""
    with transaction.atomic():
        # One after the other: two must not get the same number.
        Template.objects.select_for_update().get(pk=template.pk)
        number = template.versions.count() + 1
        return _version(template, number, default_locale, contents)


def delete_template(template: Template) -> None:
    """Nobody finds it any more; what was accepted with it is still delivered."""
    template.deleted_at = clock.moment()
    template.save(update_fields=["deleted_at"])
    compiled_templates.changed(template.publisher_id, template.name)


def _version(
    template: Template,
    number: int,
    default_locale: str,
    contents: Sequence[Mapping[str, Any]],
) -> TemplateVersion:
    version = TemplateVersion.objects.create(
        template=template, number=number, default_locale=default_locale
    )
    Translation.objects.bulk_create(
        Translation(**{**content, "actions": list(content["actions"].items())}, version=version)
        for content in contents
    )
    compiled_templates.changed(template.publisher_id, template.name)
    return version
