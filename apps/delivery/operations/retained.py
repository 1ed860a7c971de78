"""Say of a notification that is not there that its record may have been deleted."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Min

from apps.core import clock
from apps.delivery.models import RetentionRule


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
