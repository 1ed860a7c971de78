"""Rendering: the content of one notification for each of its recipients."""

from collections.abc import Mapping
from functools import cached_property
from uuid import UUID

from apps.content import compiled_templates
from apps.content.compiled_templates import BulkRenderer, CompiledTemplate
from apps.content.models import TemplateVersion
from apps.delivery import sealed_content
from notifier.domain.messages import Content
from notifier.templates import TemplateError


class ContentRenderer:
    """Renders one notification, decrypting it once per claim.

    Recipients with the same content get the same object, so that providers encode it once
    (``notifier.providers.base.Shared``): content that was published as such, and a template's
    translation that does not mention the recipient.
    """

    def __init__(self, notification_id: UUID, version: int | None, sealed: bytes) -> None:
        """Look up the template's ``version``, if any; ``sealed``: see ``sealed_content.seal``."""
        self._id = notification_id
        self._sealed = sealed
        self._template: CompiledTemplate | None = None
        self._missing = False
        if version:  # looked up here, while a connection is held
            try:
                self._template = compiled_templates.compiled_template(version)
            except TemplateVersion.DoesNotExist:
                self._missing = True
        self._shared: dict[tuple[str, str], Content] = {}
        self._personal: dict[tuple[str, str], BulkRenderer | None] = {}
        self._template_locales: dict[tuple[str, str], str] = {}

    def render(self, channel: str, user_id: str, locale: str) -> Content:
        """Return the content for a recipient; a bare endpoint has neither user id nor locale.

        Raises ``DecryptionError``, and ``TemplateError``, whose text has no variable's value.
        """
        if self._missing:
            raise TemplateError("The version of the template is no longer in the database.")
        if self._template is None:
            return self._content
        template_locale = self._template_locales.get((channel, locale))
        if template_locale is None:
            template_locale = self._template_locales[channel, locale] = self._template.locale_for(
                channel, locale
            )
        shared = self._shared.get((channel, template_locale))
        if shared is not None:
            return shared
        try:
            return self._render_personal(channel, template_locale, user_id, locale)
        except TemplateError as error:
            raise TemplateError(
                self._template.describe_error(channel, template_locale, error)
            ) from None

    def _render_personal(
        self, channel: str, template_locale: str, user_id: str, locale: str
    ) -> Content:
        """Render for one recipient; from the second one on, with what is prepared for many."""
        assert self._template is not None
        key = channel, template_locale
        if key in self._personal:
            personal = self._personal[key]
            if personal is None:
                personal = self._template.for_many(channel, template_locale, self._variables)
                self._personal[key] = personal
            return personal.render(user_id, locale)
        content = self._template.render(
            channel, template_locale, self._variables, user_id=user_id, wanted=locale
        )
        if self._template.mentions_recipient(channel, template_locale):
            self._personal[key] = None
        else:
            self._shared[key] = content
        return content

    @cached_property
    def _content(self) -> Content:
        return sealed_content.unseal(self._id, self._sealed)

    @cached_property
    def _variables(self) -> Mapping[str, object]:
        return sealed_content.unseal_variables(self._id, self._sealed)
