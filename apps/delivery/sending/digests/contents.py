"""Contents of digests: many notifications rendered as one message."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.content import compiled_templates
from apps.content.compiled_templates import CompiledTemplate
from apps.delivery.sending.notifications import ContentRenderer
from apps.preferences.categories import catalogue
from apps.preferences.channels import EMAIL, get_channel
from apps.preferences.pages.languages import language
from apps.preferences.profiles import SealedProfile
from notifier.domain.messages import Content
from notifier.domain.personal_links import MARKS
from notifier.templates import LINKS, TemplateError

log = logging.getLogger(__name__)

#: Items that a message lists; the others are only counted.
MOST_LISTED = 50
#: Characters of an item in a plain list.
LINE = 200


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One of the notifications that a digest tells. ``topic``: its name; empty without one."""

    notification_id: str
    renderer: ContentRenderer
    topic: str
    posted_at: datetime


def _cut(line: str) -> str:
    """Return the beginning of a line, which has no part of a mark."""
    end = LINE - 1
    for mark in MARKS.values():
        at = line.rfind(mark, 0, end + len(mark) - 1)
        if at >= 0 and at + len(mark) > end:
            end = at
    return line[:end] + "…"


@dataclass(frozen=True, slots=True)
class DigestRenderer:
    """The content of one digest, in place of its notification's ``ContentRenderer``.

    ``items``: all that it tells, the oldest first. ``template``: the name of its publisher's
    template that tells them, which has the variables ``items``, ``count`` and ``digest``; empty for
    a plain list in the person's language.
    """

    channel: str
    publisher_id: int
    category: str
    key: str
    template: str
    items: Sequence[DigestItem]

    @property
    def uses_profiles(self) -> bool:
        """True if the content may use recipients' names or attributes."""
        template = self._template()
        return any(item.renderer.uses_profiles for item in self._listed) or (
            template is not None and template.uses_profiles(self.channel)
        )

    @property
    def has_marks(self) -> bool:
        """True if what was rendered may have marks of ``notifier.domain.personal_links``."""
        template = self._template()
        return any(item.renderer.has_marks for item in self._listed) or (
            template is not None and template.uses_links(self.channel, {})
        )

    def render(self, user_id: str, locale: str, profile: SealedProfile | None = None) -> Content:
        """Return the message; that of a single item is the item's own.

        An item that cannot be rendered is counted and not listed, and a template that cannot is
        replaced by a plain list. Raises ``TemplateError`` where there is nothing else to say, and
        ``DecryptionError``.
        """
        if len(self.items) == 1:
            return self.items[0].renderer.render(user_id, locale, profile)
        listed: list[tuple[DigestItem, Content]] = []
        for item in self._listed:
            try:
                listed.append((item, item.renderer.render(user_id, locale, profile)))
            except TemplateError as error:
                failed = error
                about = {"notification_id": str(item.notification_id)}
                log.error("%s is missing in a digest: %s", item.notification_id, error, extra=about)
        if not listed:
            raise failed
        template = self._template()
        if template is not None:
            try:
                return self._from_template(template, listed, user_id, locale, profile)
            except TemplateError as error:
                log.error("a digest is told in a plain list: %s", error)
        return self._list([content for _, content in listed], locale)

    @property
    def _listed(self) -> Sequence[DigestItem]:
        return self.items[-MOST_LISTED:]

    def _template(self) -> CompiledTemplate | None:
        """Return the newest version of its template, if it has one on the channel."""
        if not self.template or len(self.items) == 1:
            return None
        found = compiled_templates.find(self.publisher_id, self.template)
        return found if found is not None and self.channel in found.translations else None

    def _from_template(
        self,
        template: CompiledTemplate,
        listed: Sequence[tuple[DigestItem, Content]],
        user_id: str,
        locale: str,
        profile: SealedProfile | None,
    ) -> Content:
        variables: dict[str, object] = {
            "count": len(self.items),
            "items": [
                {
                    "title": content.title,
                    "body": content.body,
                    "data": content.data,
                    "actions": content.actions,
                    "topic": item.topic,
                    "posted_at": item.posted_at.isoformat(),
                    "notification_id": item.notification_id,
                }
                for item, content in listed
            ],
            "digest": {
                "key": self.key,
                "category": catalogue.get(self.category).title(locale),
                "more": len(self.items) - len(listed),
            },
        }
        if template.uses_links(self.channel, variables):
            variables[LINKS] = MARKS
        return template.for_many(self.channel, variables).render(user_id, locale, profile)

    def _list(self, contents: Sequence[Content], locale: str) -> Content:
        """Return a plain list with as many lines as the channel carries, the newest ones."""
        text = language(locale)
        count = len(self.items)
        title = text(
            "digest.title", category=catalogue.get(self.category).title(locale), count=str(count)
        )
        lines = [f"• {line}" for content in contents if (line := self._line(content))]
        for first in range(len(lines) + 1):
            shown = lines[first:]
            more = count - len(shown)
            rest = [text("digest.more", count=str(more))] if more and shown else []
            found = Content(
                title=title,
                body="\n".join([*shown, *rest]),
                data={"digest": self.key, "count": count},
            )
            try:
                get_channel(self.channel).check(found)
            except ValueError:
                continue
            return found
        raise TemplateError(f"A digest does not fit on {self.channel}.")

    def _line(self, content: Content) -> str:
        body = " ".join(content.body.split())
        line = ": ".join(part for part in (content.title.strip(), body) if part)
        if len(line) > LINE:
            line = _cut(line)
        if self.channel == EMAIL and content.actions:
            line += f" {next(iter(content.actions.values()))}"
        return line
