"""Lost addresses: restore together what was disabled and suppressed by a provider's error."""

from typing import NamedTuple

from django.db import transaction

from apps.delivery import state
from apps.preferences.contacts import restoration
from apps.preferences.contacts.restoration import Cause, Place


class Restored(NamedTuple):
    """Counts of contacts made active, suppressions lifted and deliveries made dead letters.

    The deliveries are those that failed for these addresses; as dead letters they can be redriven.
    """

    contacts: int = 0
    suppressions: int = 0
    dead_letters: int = 0


class Step(NamedTuple):
    """The counts of what one step restored.

    ``place``: behind which the next one begins, ``None`` at the end. ``skipped``: how many it left,
    since another transaction had them locked.
    """

    done: Restored
    place: Place | None
    skipped: int


def restore(cause: Cause) -> Restored:
    """Undo what the cause disabled and suppressed, in steps that commit one by one.

    Comes back to what others have locked, until that makes no difference any more:
    ``restoration.count`` says then how many are left.
    """
    done, again = Restored(), True
    while again:
        place: Place | None = Place()
        before, skipped = done, 0
        while place is not None:
            step = restore_some(cause, place)
            done = Restored(*map(sum, zip(done, step.done, strict=True)))
            place, skipped = step.place, skipped + step.skipped
        again = skipped > 0 and done != before
    return done


@transaction.atomic
def restore_some(cause: Cause, place: Place) -> Step:
    """Undo the next part of it behind ``place``, in one transaction.

    What was given up for a delivery that is locked stays as it is, so that the delivery is a dead
    letter once it is restored. Deliveries are locked before contacts, as where outcomes and
    receipts are recorded.
    """
    found = restoration.find(cause, place)
    free = found.without(state.lock_free(found.deliveries))
    step = restoration.restore(cause, free)
    dead = state.make_dead_letters(step.deliveries)
    end = max(len(found.contacts), len(found.suppressions)) < restoration.AT_ONCE
    return Step(
        Restored(step.contacts, step.suppressions, dead),
        None if end else found.end(place),
        len(found) - step.contacts - step.suppressions,
    )
