"""Links by which recipients unsubscribe, and the footer of promotional mails."""

from dataclasses import replace

from apps.delivery.sending.notifications import NotificationContext
from apps.delivery.state import Claimed
from apps.preferences import links as personal
from apps.preferences.channels import SMS
from apps.preferences.links import LinkTarget
from apps.preferences.pages.languages import language
from notifier.channels import email
from notifier.domain.messages import Content
from notifier.domain.personal_links import PREFERENCES_MARK, UNSUBSCRIBE_MARK, PersonalLinks


def links(channel: str, context: NotificationContext, item: Claimed) -> PersonalLinks:
    """Return the links for one delivery. They leave the topic or category that could refuse it.

    One in place of a dead delivery goes to an endpoint of its publisher, which refuses nothing.
    """
    row = context.row
    target = LinkTarget(
        item.recipient_id,
        item.contact_id if item.recipient_id is None or channel == SMS else None,
        row.publisher_id,
        channel,
        row.topic_id,
        "" if row.topic_id else row.category,
    )
    return personal.links_of(target, refusable=not context.exempt and item.instead_of is None)


def filled(content: Content, links: PersonalLinks) -> Content:
    """Return content with one recipient's links in place of their marks."""
    return replace(
        content,
        title=links.fill(content.title),
        body=links.fill(content.body),
        html=links.fill(content.html),
        data=links.fill_all(content.data),
        actions=links.fill_all(content.actions),
    )


class Footers:
    """Adds links to leave to mails without one, in their readers' languages.

    Readers with the same content and locale get the same object, so that providers encode it once.
    """

    def __init__(self) -> None:
        self._done: dict[tuple[int, str], tuple[Content, Content]] = {}

    def added(self, content: Content, locale: str) -> Content:
        """Return the content with a footer, unless its text and page have a link to leave."""
        key = id(content), locale
        found = self._done.get(key)
        if found is None:  # the content is kept, so that no other gets its id()
            found = self._done[key] = content, _with_footer(content, locale)
        return found[1]


def _with_footer(content: Content, locale: str) -> Content:
    text = language(locale)
    return email.with_links(
        content,
        {
            text("footer.unsubscribe"): UNSUBSCRIBE_MARK,
            text("footer.preferences"): PREFERENCES_MARK,
        },
        UNSUBSCRIBE_MARK,
    )
