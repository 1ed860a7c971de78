"""Say how long notifications are kept, and of one that is not there that it may be deleted."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Min

from apps.core import clock
from apps.delivery.models import RetentionRule


class Kept(NamedTuple):
    """Days for which contents, and records, are kept from when a notification was due."""

    content_days: int
    record_days: int


def kept(rules: Iterable[RetentionRule], publisher_id: int | None, category: str) -> Kept:
    """Return what applies to a publisher's notifications of a category, by these rules.

    That is how ``apps.delivery.maintenance.notification_retention`` deletes. ``None`` is any
    publisher without rules of its own, an empty category any without.
    """
    of_these = [
        rule
        for rule in rules
        if rule.publisher_id in (None, publisher_id) and rule.category in ("", category)
    ]
    of_these.sort(key=lambda rule: (rule.category != "", rule.publisher_id is not None))
    days = {"content_days": settings.CONTENT_DAYS, "record_days": settings.RECORD_DAYS}
    for rule in of_these:  # the most specific last
        for name in days:
            days[name] = getattr(rule, name) or days[name]
    return Kept(**days)


def kept_of(publisher_id: int) -> dict[str, Kept]:
    """Return what applies to a publisher's notifications by category, those with rules only.

    Under the empty category is what applies to all others.
    """
    rules = list(RetentionRule.objects.all())
    own = [rule.category for rule in rules if rule.publisher_id in (None, publisher_id)]
    return {name: kept(rules, publisher_id, name) for name in sorted({"", *own})}


def too_old(notification_id: UUID) -> str:
    """Return a sentence about an id that is older than records are kept; else an empty text.

    The id has the time of acceptance, whether or not there was such a notification.
    """
    if notification_id.version != 7:
        return ""
    milliseconds = notification_id.int >> 80
    if milliseconds > clock.moment().timestamp() * 1000:
        return ""
    accepted_at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    days = settings.RECORD_DAYS
    if shortest := RetentionRule.objects.aggregate(days=Min("record_days"))["days"]:
        days = min(days, shortest)
    if accepted_at > clock.moment() - timedelta(days=days):
        return ""
    return (
        f"If it was accepted, that was on {accepted_at:%Y-%m-%d}, and its record is deleted: "
        f"records are kept for {days} days."
    )
