"""Release all deliveries that match and wait for another attempt."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.bulk.actions import passes
from apps.bulk.actions.base import Batch, Event, Step, impersonal
from apps.bulk.models import BulkAction
from apps.delivery import state as delivery_state
from apps.delivery.models import Delivery
from notifier.domain.outcomes import FAULT, Fault, Reason
from notifier.domain.states import DeliveryState

#: Deliveries released in one transaction, which takes about a second.
AT_ONCE = 5_000
#: Reasons of a wait that may be over before its time: the provider, or our side, failed. What waits
#: for a person's quiet hours, a digest, a turn or a quota is not released.
REASONS = (
    *(str(reason) for reason, fault in FAULT.items() if fault == Fault.PROVIDER),
    str(Reason.PROVIDER_DOWN),
    str(Reason.INTERNAL),
)
#: The order of the index of what waits.
_ORDER = ("priority", "channel", "next_attempt_at")


class Releasing:
    """Try deliveries now that wait, and were not tried since it was asked for.

    ``match``: columns of deliveries, and ``kinds`` of their notifications.
    """

    criteria = (
        *("channel", "provider", "reason", "priority", "notification_id", "recipient_id"),
        "kinds",
    )

    def total(self, row: BulkAction) -> int:
        return _waiting(row).count()

    def batches(self, row: BulkAction) -> Iterator[Batch]:
        yield self._step

    def _step(self, row: BulkAction) -> Step:
        rows = _waiting(row).only(*_ORDER)
        found, behind = passes.next_rows(rows, _ORDER, row.cursor, AT_ONCE)
        released = delivery_state.release([one.pk for one in found])
        owners = Counter(released.values())
        events: dict[Event, Mapping[str, Any]] = {
            Event("release", "delivery", "", owner): {
                "rows": number,
                "match": impersonal(row.match),
                "bulk_action": str(row.pk),
            }
            for owner, number in owners.items()
        }
        cursor, waits = passes.further(behind, _waiting(row))
        return Step(len(released), {"released": len(released)}, cursor, events, waits)


def _waiting(row: BulkAction) -> QuerySet[Delivery]:
    columns = {name: value for name, value in row.match.items() if name != "kinds"}
    if "kinds" in row.match:
        columns["notification__kind__in"] = row.match["kinds"]
    rows = Delivery.objects.filter(
        state=DeliveryState.RETRYING,
        reason__in=REASONS,
        next_attempt_at__gt=Now(),
        updated_at__lte=row.requested_at,
        **columns,
    )
    return rows if row.publisher_id is None else rows.filter(publisher_id=row.publisher_id)
