"""Change people's quiet hours."""

from django.db.models.functions import Now
from django.dispatch import Signal

from apps.preferences.models import Recipient
from notifier.domain.times.quiet_hours import Schedule

#: Sent with ``recipient_ids`` in the transaction that changes people's quiet hours or zones.
quiet_hours_changed = Signal()


def replace(recipient_id: int, schedule: Schedule | None) -> None:
    """Give a recipient these quiet hours; with ``None`` the company's apply.

    What waits for the former ones is judged anew.
    """
    Recipient.objects.filter(pk=recipient_id).update(
        quiet_hours=None if schedule is None else schedule.as_json(), updated_at=Now()
    )
    quiet_hours_changed.send(Recipient, recipient_ids=[recipient_id])
