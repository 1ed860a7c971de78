"""The visitor of a page: whom the link's token is about, as far as they still exist."""

from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest

from apps.preferences import links, selectors
from apps.preferences.categories import catalogue
from apps.preferences.contacts.services import ERASED
from apps.preferences.links import DeadLink, LinkTarget
from apps.preferences.models import Contact, Recipient
from apps.preferences.pages.languages import Language, language
from apps.publishers.selectors import get_publisher
from apps.topics.models import Topic


class EndedLink(DeadLink):
    """Whom the link was about is gone: nothing is sent to them any more."""


@dataclass(frozen=True)
class Holder:
    """``request.user``: the holder of a link, whose changes the trails show as the person's.

    ``user_id`` is a visitor's name: that of a bare endpoint names its contact.
    """

    user_id: str

    @property
    def is_authenticated(self) -> bool:
        return True


@dataclass(frozen=True)
class Visitor:
    """Whom the page is about: a recipient or a bare endpoint. ``token``: as in the URL."""

    token: str
    target: LinkTarget
    recipient: Recipient | None
    endpoint: Contact | None
    language: Language

    @property
    def name(self) -> str:
        """Their name in the trails, without an address."""
        if self.recipient is not None:
            return self.recipient.user_id
        return f"endpoint {self.target.contact_id}"

    @cached_property
    def publisher(self) -> str:
        """The publisher of the message that had the link, as people read it."""
        found = get_publisher(self.target.publisher_id)
        if found is None:
            return str(settings.COMPANY_NAME) or "Notifier"
        return found.display_name or found.name

    @property
    def publisher_id(self) -> int | None:
        """The publisher of the message that had the link; ``None`` if it is gone."""
        found = get_publisher(self.target.publisher_id)
        return None if found is None else found.id

    @cached_property
    def topic(self) -> Topic | None:
        """The topic that the message came by, even if deleted."""
        if self.target.topic_id is None:
            return None
        return Topic.objects.filter(pk=self.target.topic_id).first()

    @property
    def owner_id(self) -> int | None:
        """The publisher that may know of a message who got it; ``None`` if it is gone.

        Of a topic's subscribers that is the topic's owner, whoever published the message there.
        """
        if self.target.topic_id is None:
            return self.publisher_id
        return None if self.topic is None else self.topic.publisher_id

    @property
    def what(self) -> str:
        """The name of the message's topic or category."""
        if self.topic is not None:
            return self.topic.display_name or self.topic.name
        if self.target.category:
            return catalogue.get(self.target.category).title(self.language.locale)
        return self.language("leave.everything")


def visitor(request: HttpRequest, token: str) -> Visitor:
    """Return whom a token is about, and make them the request's user.

    Raises ``links.ForgedLink``, ``links.ExpiredLink`` and ``EndedLink``.
    """
    target = links.read(token)
    recipient = endpoint = None
    if target.recipient_id is not None:
        rows = selectors.present(Recipient.objects.defer("name", "attributes"))
        recipient = rows.filter(pk=target.recipient_id).first()
    else:
        endpoints = Contact.objects.filter(recipient=None).defer("address", "secret")
        endpoints = endpoints.exclude(disabled_reason=ERASED)
        endpoint = endpoints.filter(pk=target.contact_id or 0).first()
    if recipient is None and endpoint is None:
        raise EndedLink
    text = language(recipient.locale if recipient else "", request)
    found = Visitor(token, target, recipient, endpoint, text)
    request.user = Holder(found.name)  # type: ignore[assignment]
    return found
