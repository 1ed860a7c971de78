"""The page to leave, and the POST of mail programs (RFC 8058)."""

from django.http import HttpRequest, HttpResponse

from apps.pages import changes
from apps.pages.changes import By
from apps.pages.views import PersonPage
from apps.pages.visitors import EndedLink, Visitor
from apps.preferences import links, selectors
from apps.preferences.categories import catalogue
from apps.preferences.consent.refusals import PreferenceScope, decision
from apps.preferences.consent.services import scope_of
from apps.preferences.links import DeadLink
from apps.preferences.pages.rendering import page
from apps.topics.models import Subscription, SubscriptionState

#: The form that a mail program posts.
ONE_CLICK = ("List-Unsubscribe", "One-Click")


class UnsubscribePage(PersonPage):
    """Leaving what one message was. A POST without one of the two forms changes nothing: 400."""

    def show(self, request: HttpRequest, visitor: Visitor) -> HttpResponse:
        if _is_critical(visitor):
            return _page(request, visitor, "leave.critical")
        if _has_left(visitor):
            return _page(request, visitor, "left")
        return _page(request, visitor, "leave", visitor.language("leave.button"))

    def change(self, request: HttpRequest, visitor: Visitor) -> HttpResponse:
        by = _asked(request)
        if by is None:
            found = self.show(request, visitor)
            found.status_code = 400
            return found
        if _is_critical(visitor):
            return self.show(request, visitor)
        changes.leave(request, visitor, by)
        return _page(request, visitor, "left")

    def dead(self, request: HttpRequest, error: DeadLink) -> HttpResponse:
        found = super().dead(request, error)
        if isinstance(error, EndedLink) and request.method == "POST" and _asked(request):
            found.status_code = 200  # what was asked for is so
        return found


def _asked(request: HttpRequest) -> By | None:
    """Return how the form asks to leave; ``None`` if it does not."""
    if str(request.POST.get(ONE_CLICK[0], "")).strip() == ONE_CLICK[1]:
        return By.ONE_CLICK
    return By.PAGE if request.POST.get("confirm") == "yes" else None


def _is_critical(visitor: Visitor) -> bool:
    """Return whether the message was of a category that cannot be refused."""
    target = visitor.target
    return target.topic_id is None and catalogue.get(target.category).critical


def _always_sends_its_own(visitor: Visitor) -> bool:
    """Return whether preferences do not apply to what the topic carries in its own category.

    They apply to its messages of others, which can be left.
    """
    topic = visitor.topic
    if topic is None or visitor.recipient is None:
        return False
    return topic.mandatory or catalogue.get(topic.category).critical


def _has_left(visitor: Visitor) -> bool:
    """Return whether the person refuses already what the message was."""
    target = visitor.target
    if visitor.recipient is None:
        rows = Subscription.objects.filter(contact=target.contact_id, topic=target.topic_id)
        return not rows.exclude(state=SubscriptionState.UNSUBSCRIBED).exists()
    rows_of_person = selectors.preferences(visitor.recipient.pk)
    chosen = {scope_of(row): row.allowed for row in rows_of_person}
    category = target.category
    if visitor.topic is not None:
        category = visitor.topic.category
        if _always_sends_its_own(visitor):  # messages of its other categories may be left
            category = ""
    return decision(chosen, PreferenceScope(target.channel, target.topic_id, category)) is False


def _page(request: HttpRequest, visitor: Visitor, key: str, button: str = "") -> HttpResponse:
    text = visitor.language
    heading = text(f"{key}.title", what=visitor.what)
    if key == "leave.critical":
        explained = text(f"{key}.text")
    elif _always_sends_its_own(visitor):
        heading = text("always.title", what=visitor.what)
        explained = text(f"{key}.always", what=visitor.what)
    else:
        explained = text(
            f"{key}.text",
            what=visitor.what,
            publisher=visitor.publisher,
            channel=text.channel(visitor.target.channel),
        )
    return page(
        request,
        text,
        heading,
        explained,
        more=text("leave.more"),
        more_url=links.preferences_url(visitor.token),
        ask=button,
    )
