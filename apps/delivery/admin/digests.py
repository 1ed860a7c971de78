"""Digests in the admin: what people chose, what is open, and what a delivery tells."""

from django.utils.safestring import SafeString

from apps.core.delivery_ids import public_id
from apps.delivery.models import Delivery, OpenDigest
from apps.operators import markup
from apps.preferences.digests import choices

#: Rows of a table.
MOST = 50


def of_person(recipient_id: int) -> SafeString:
    """Render how often a person wants what may wait, and their open digests."""
    opened = list(OpenDigest.objects.filter(recipient_id=recipient_id).order_by("pk")[:MOST])
    due = dict(
        Delivery.objects.filter(pk__in=[one.delivery_id for one in opened]).values_list(
            "pk", "next_attempt_at"
        )
    )
    return markup.lines(
        [
            markup.table(
                ("about", "how often"),
                (
                    (one["category"] or "everything else", str(one["cadence"]).replace("_", " "))
                    for one in choices.shown(recipient_id)
                ),
                "They have not chosen.",
            ),
            markup.table(
                ("open digest", "about", "key", "items", "told"),
                (
                    (
                        _delivery(one.delivery_id),
                        one.category,
                        one.key,
                        one.items,
                        markup.moment(due.get(one.delivery_id)),
                    )
                    for one in opened
                ),
                "No digest is open.",
            ),
        ]
    )


def told_by(delivery_id: int) -> SafeString | None:
    """Render what a delivery tells; ``None`` if that is nothing."""
    rows = list(Delivery.objects.filter(told_in=delivery_id).order_by("pk")[: MOST + 1])
    if not rows:
        return None
    table = markup.table(
        ("delivery", "created", "notification", "state", "reason"),
        (
            (
                _delivery(row.pk),
                markup.moment(row.created_at),
                markup.link(
                    markup.page("delivery_notification_change", row.notification_id),
                    row.notification_id,
                ),
                markup.badge(row.state),
                row.reason.replace("_", " "),
            )
            for row in rows[:MOST]
        ),
    )
    return markup.lines([table, f"And more than {MOST}." if len(rows) > MOST else ""])


def _delivery(delivery_id: int) -> SafeString:
    return markup.link(markup.page("delivery_delivery_change", delivery_id), public_id(delivery_id))
