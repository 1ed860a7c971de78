"""Rendering: the content of one notification for each of its recipients."""

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
        self._gone = False
        if version:  # looked up here, while a connection is held
            try:
                self._template = compiled_templates.compiled_template(version)
            except TemplateVersion.DoesNotExist:
                self._gone = True
        self._shared: dict[tuple[str, str], Content] = {}
        self._personal: dict[tuple[str, str], BulkRenderer | None] = {}
        self._spoken: dict[tuple[str, str], str] = {}

    def render(self, channel: str, user_id: str, locale: str) -> Content:
        """Return the content for a recipient; a bare endpoint has neither user id nor locale.

        Raises ``DecryptionError``, and ``TemplateError``, whose text has no variable's value.
        """
        if self._gone:
            raise TemplateError("The version of the template is no longer in the database.")
        if self._template is None:
            return self._content
        spoken = self._spoken.get((channel, locale))
        if spoken is None:
            spoken = self._spoken[channel, locale] = self._template.locale_for(channel, locale)
        shared = self._shared.get((channel, spoken))
        if shared is not None:
            return shared
        try:
            return self._personally(channel, spoken, user_id, locale)
        except TemplateError as error:
            raise TemplateError(self._template.blame(channel, spoken, error)) from None

    def _personally(self, channel: str, spoken: str, user_id: str, locale: str) -> Content:
        """Render for one recipient; from the second one on, with what is prepared for many."""
        assert self._template is not None
        key = channel, spoken
        if key in self._personal:
            personal = self._personal[key]
            if personal is None:
                personal = self._template.for_many(channel, spoken, self._variables)
                self._personal[key] = personal
            return personal.render(user_id, locale)
        made = self._template.render(
            channel, spoken, self._variables, user_id=user_id, wanted=locale
        )
        if self._template.mentions_recipient(channel, spoken):
            self._personal[key] = None
        else:
            self._shared[key] = made
        return made

    @cached_property
    def _content(self) -> Content:
        return sealed_content.unseal(self._id, self._sealed)

    @cached_property
    def _variables(self) -> dict:
        return sealed_content.unseal_variables(self._id, self._sealed)
