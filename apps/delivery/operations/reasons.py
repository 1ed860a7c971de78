"""The reasons of deliveries in words: which preference, default or frequency cap decided."""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from apps.core.delivery_ids import public_id
from apps.delivery.models import Delivery, Notification
from apps.delivery.operations.descriptions import REASONS
from apps.preferences.categories import catalogue
from apps.preferences.quiet_hours.schedules import COMPANY, OWN
from notifier.domain.categories import fold
from notifier.domain.frequency import Setter, read_label

#: Reasons of which a clause names the topic or the category.
_NAMED = ("preference", "category_default", "frequency_cap", "digest")
#: Quiet hours that a delivery waits for, by whose they are.
_QUIET = {
    OWN: "of the quiet hours that they have chosen",
    COMPANY: "of the company's quiet hours",
}


class _Names(NamedTuple):
    """A notification's topic and category, as people read them."""

    topic: str
    category: str


def in_words(deliveries: Iterable[Delivery]) -> dict[int, str]:
    """Return a clause that can follow "because", by delivery id, for those that have a reason."""
    rows = [row for row in deliveries if row.reason]
    names = _names({row.notification_id for row in rows if row.reason in _NAMED})
    return {row.pk: _clause(row, names.get(row.notification_id)) for row in rows}


def category_of(notification: Notification) -> str:
    """Return a notification's category by its name; its topic's, if it was accepted with none."""
    return notification.category or (notification.topic.category if notification.topic else "")


def _names(notification_ids: Collection[UUID]) -> dict[UUID, _Names]:
    if not notification_ids:
        return {}
    rows = Notification.objects.filter(pk__in=notification_ids).select_related("topic")
    return {
        row.pk: _Names(
            (row.topic.display_name or row.topic.name) if row.topic else "",
            catalogue.get(fold(category_of(row))).title(),
        )
        for row in rows.defer("content")
    }


def _clause(row: Delivery, names: _Names | None) -> str:
    if row.reason == "category_default" and names is not None:
        return (
            f"“{names.category}” is sent on {row.channel} only to people who have chosen it there"
        )
    capped = row.reason in ("frequency_cap", "digest")  # such a digest waits
    if capped and row.refused_by is not None and names is not None:
        return _cap(row, names)
    if row.reason == "preference" and row.refused_by is not None and names is not None:
        scope, _, channel = row.refused_by.partition(":")
        what = {"topic": f"the topic “{names.topic}”", "category": f"“{names.category}”"}
        where = f" on {channel}" if channel else ""
        return f"they refuse {what.get(scope, 'everything')}{where}"
    if row.reason == "quiet_hours" and row.refused_by is not None:
        return _QUIET[row.refused_by]
    if row.reason == "digest" and row.told_in is not None:
        return f"it is to be told together with others in {public_id(row.told_in)}"
    return REASONS.get(row.reason, row.reason.replace("_", " "))


def _cap(row: Delivery, names: _Names) -> str:
    """Say which frequency cap a delivery would have exceeded."""
    setter, limit, per = read_label(row.refused_by or "")
    of = {
        Setter.CATEGORY: f" of “{names.category}”",
        Setter.PERSON_CATEGORY: f" of “{names.category}”",
    }
    number = f"{limit} notification{'' if limit == 1 else 's'}{of.get(setter, '')}"
    whose = (
        "they want" if setter in (Setter.PERSON, Setter.PERSON_CATEGORY) else "the company allows"
    )
    return (
        f"{whose} at most {number} on {row.channel} within any {per}, and they had been sent that"
    )
