"""Changes that people make on their pages: written, put into trails, reported to publishers."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.delivery.status_webhooks import preference_events
from apps.delivery.status_webhooks.preference_events import ChangedPreference
from apps.pages.visitors import Visitor
from apps.preferences.consent import by_links
from apps.preferences.consent.services import PreferenceUpdate, leaving_everything
from apps.publishers import audit
from apps.topics.models import Subscription, SubscriptionState, Topic
from apps.topics.subscriptions import services as subscriptions


class By(StrEnum):
    """The way in which a change was made."""

    ONE_CLICK = "one_click"  # by a mail program (RFC 8058)
    PAGE = "page"


@transaction.atomic
def leave(request: HttpRequest, visitor: Visitor, by: By) -> None:
    """Refuse what the link's message was: its topic, or else its category, on its channel.

    Repeating that changes nothing. A bare endpoint's subscription ends.
    """
    target = visitor.target
    if visitor.recipient is None:
        rows = _subscriptions(visitor).filter(topic=target.topic_id)
        end(request, visitor, rows, by, publisher_knows=True)
        return
    category = "" if target.topic_id else target.category
    update = PreferenceUpdate(
        visitor.recipient.pk, target.channel, target.topic_id, category, False
    )
    write(request, visitor, [update], by, publisher_knows=True)


@transaction.atomic
def leave_everything(request: HttpRequest, visitor: Visitor) -> None:
    """Refuse everything, and withdraw whatever is allowed; a bare endpoint's subscriptions end."""
    if visitor.recipient is None:
        end(request, visitor, _subscriptions(visitor), By.PAGE)
        return
    write(request, visitor, leaving_everything(visitor.recipient.pk), By.PAGE)


def write(
    request: HttpRequest,
    visitor: Visitor,
    updates: Sequence[PreferenceUpdate],
    by: By,
    *,
    publisher_knows: bool = False,
) -> None:
    """Write those of a recipient's preferences that a link may, in the caller's transaction.

    ``publisher_knows``: that of the message may know who got it, so the audit event is its own.
    """
    assert visitor.recipient is not None
    changed = by_links.write(visitor.recipient.pk, updates)
    if not changed:
        return
    topics = {
        row.pk: row
        for row in Topic.objects.filter(pk__in={one.topic_id for one in changed if one.topic_id})
    }
    shown = [
        ChangedPreference(
            user_id=visitor.recipient.user_id,
            subscription_id=None,
            channel=one.channel,
            topic=topics.get(one.topic_id or 0),
            category=one.category,
            allowed=one.allowed,
            by=by,
        )
        for one in changed
    ]
    _record(
        request,
        visitor,
        "unsubscribe" if publisher_knows else "change",
        shown,
        publisher_knows=publisher_knows,
    )


def end(
    request: HttpRequest,
    visitor: Visitor,
    rows: Iterable[Subscription],
    by: By,
    *,
    publisher_knows: bool = False,
) -> None:
    """End a bare endpoint's subscriptions, in the caller's transaction."""
    shown = [
        ChangedPreference(
            user_id="",
            subscription_id=row.pk,
            channel=row.channel,
            topic=row.topic,
            category="",
            allowed=False,
            by=by,
        )
        for row in rows
        if subscriptions.unsubscribe(row)
    ]
    if shown:
        _record(request, visitor, "unsubscribe", shown, publisher_knows=publisher_knows)


def _subscriptions(visitor: Visitor) -> QuerySet[Subscription]:
    """Return the subscriptions of a bare endpoint that have not ended."""
    rows = Subscription.objects.filter(contact=visitor.target.contact_id)
    return rows.exclude(state=SubscriptionState.UNSUBSCRIBED).select_related("topic")


def _record(
    request: HttpRequest,
    visitor: Visitor,
    action: str,
    changes: Sequence[ChangedPreference],
    *,
    publisher_knows: bool,
) -> None:
    owner, actor = visitor.owner_id if publisher_knows else None, audit.actor_of(request)
    if owner is not None:  # it reads the event, and a person's own address is none of its business
        actor = actor._replace(remote_address=None)
    audit.record(
        request,
        action,
        "preferences",
        visitor.name,
        actor=actor,
        publisher_id=owner,
        after={"changes": [one.summary() for one in changes]},
    )
    preference_events.publish(visitor.publisher_id, visitor.owner_id, changes)
