"""Write templates and their versions."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from apps.content import compiled_templates
from apps.content.models import Template, TemplateVersion, Translation
from apps.content.validation import PostedTranslation
from apps.core import clock
from apps.preferences.categories.problems import unknown_category
from apps.preferences.categories.services import hold_category


class TemplateExists(Exception):
    """The publisher has a template of this name."""


class NewerVersion(Exception):
    """Another version was made since the one that was changed."""


def create_template(
    publisher_id: int,
    name: str,
    display_name: str,
    default_locale: str,
    contents: Sequence[PostedTranslation],
    category: str = "",
) -> TemplateVersion:
    """Create a template with its version 1, and return that. Raises ``TemplateExists``.

    ``contents`` have been validated. Raises a ``Problem`` for an unknown category.
    """
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
        return _version(template, 1, default_locale, contents, category)


def add_version(
    template: Template,
    default_locale: str,
    contents: Sequence[PostedTranslation],
    category: str | None = None,
    *,
    base: int | None = None,
) -> TemplateVersion:
    """Add the template's next version, which is used from now on.

    ``contents`` are validated. A ``category`` of ``None`` keeps that of the newest version. Raises
    a ``Problem`` for an unknown one, and ``NewerVersion`` unless ``base`` is the newest version's
    number.
    """
    with transaction.atomic():
        # Locked, so that two versions do not get the same number.
        Template.objects.select_for_update().get(pk=template.pk)
        newest = template.versions.latest("number")
        if base is not None and base != newest.number:
            raise NewerVersion(f"Version {newest.number} was made meanwhile.")
        category = newest.category if category is None else category
        return _version(template, newest.number + 1, default_locale, contents, category)


def delete_template(template: Template) -> None:
    """Delete a template; notifications accepted with it are still delivered."""
    template.deleted_at = clock.moment()
    template.save(update_fields=["deleted_at"])
    compiled_templates.changed(template.publisher_id, template.name)


def _version(
    template: Template,
    number: int,
    default_locale: str,
    contents: Sequence[PostedTranslation],
    category: str,
) -> TemplateVersion:
    if category and not hold_category(category):
        raise unknown_category(category)
    version = TemplateVersion.objects.create(
        template=template, number=number, default_locale=default_locale, category=category
    )
    Translation.objects.bulk_create(
        Translation(
            version=version,
            channel=content["channel"],
            locale=content["locale"],
            title=content["title"],
            body=content["body"],
            html=content["html"],
            data=content["data"],
            actions=list(content["actions"].items()),
        )
        for content in contents
    )
    compiled_templates.changed(template.publisher_id, template.name)
    return version
