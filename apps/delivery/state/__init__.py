"""State: the only writer of a delivery's state, its attempts, counts and dead letters.

In: claimed chunks, outcomes, receipts and commands. Out: rows, and the signal
``signals.deliveries_moved``. Every move is one SQL statement over many deliveries.

A claim creates deliveries (``create_deliveries``) or takes up due ones (``resume_due``): those that
may be sent are ``sending`` then. ``report_moves`` counts and signals what the claim moved. Its
worker calls the providers with no transaction open and writes down the outcomes (``record``), which
count only for deliveries that still carry the claim.
``apply_receipts`` moves what was sent by what its provider reports later. Waiting deliveries are
cancelled, redriven and released; those of a lost worker are returned (``release_lost``); those that
were given up for an address that is not believed dead any more become dead letters
(``make_dead_letters``).

Imported by whatever in ``apps.delivery`` moves deliveries, and by no other app.
"""

from apps.delivery.state.cancellation import cancel, cancel_person
from apps.delivery.state.claiming import (
    ClaimBudget,
    Claimed,
    QuietColumns,
    create_deliveries,
    create_in_order,
    report_moves,
)
from apps.delivery.state.deferral import (
    release_channel,
    release_people,
    release_topic,
    release_webhooks,
)
from apps.delivery.state.eligibility.rules import ChunkToDeliver, DeliveryRules
from apps.delivery.state.lost_claims import release_lost
from apps.delivery.state.receipts import (
    DeliveryStatus,
    apply_receipts,
    lock_statuses,
    read_statuses,
)
from apps.delivery.state.recording import ClaimLost, Result, record, still_claimed
from apps.delivery.state.redriving import lock_free, make_dead_letters, redrive, release
from apps.delivery.state.resumption import resume_due

__all__ = [
    "ChunkToDeliver",
    "ClaimBudget",
    "ClaimLost",
    "Claimed",
    "DeliveryRules",
    "DeliveryStatus",
    "QuietColumns",
    "Result",
    "apply_receipts",
    "cancel",
    "cancel_person",
    "create_deliveries",
    "create_in_order",
    "lock_free",
    "lock_statuses",
    "make_dead_letters",
    "read_statuses",
    "record",
    "redrive",
    "release",
    "release_channel",
    "release_lost",
    "release_people",
    "release_topic",
    "release_webhooks",
    "report_moves",
    "resume_due",
    "still_claimed",
]
