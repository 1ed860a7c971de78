"""Deliveries that a digest tells, as people read of them."""

from collections.abc import Iterable
from datetime import datetime

from apps.core.delivery_ids import public_id
from apps.delivery.models import Delivery
from notifier.domain.states import WAITING


def due_at(deliveries: Iterable[Delivery]) -> dict[int, datetime | None]:
    """Return when the next attempt of these deliveries is due, by delivery id.

    That of a delivery which waits for its digest is the digest's.
    """
    rows = list(deliveries)
    waiting = {row.told_in for row in rows if row.told_in and row.state in WAITING}
    closing: dict[int, datetime | None] = (
        dict(Delivery.objects.filter(pk__in=waiting).values_list("pk", "next_attempt_at"))
        if waiting
        else {}
    )
    return {row.pk: closing.get(row.told_in or 0, row.next_attempt_at) for row in rows}


def in_words(row: Delivery, due: datetime | None, at: str) -> str:
    """Return a sentence about the digest of a delivery.

    ``due``: when the digest is due, if it waits; ``at``: that in words.
    """
    name = public_id(row.told_in or 0)
    if row.state in WAITING:
        return f"It is to be told in {name}, together with others{f', {at}' if due else ''}."
    return f"It was told in {name}, together with others."
