"""Lost addresses: restore together what was disabled and suppressed by a provider's error."""

from typing import NamedTuple

from django.db import transaction

from apps.delivery import state
from apps.preferences.contacts import restoration
from apps.preferences.contacts.restoration import Cause


class Restored(NamedTuple):
    """Counts of contacts made active, suppressions lifted and deliveries made dead letters.

    The deliveries are those that failed for these addresses; as dead letters they can be redriven.
    """

    contacts: int = 0
    suppressions: int = 0
    dead_letters: int = 0


def restore(cause: Cause) -> Restored:
    """Undo what the cause disabled and suppressed, in steps that commit one by one."""
    done = Restored()
    more = True
    while more:
        step, more = restore_some(cause)
        done = Restored(*map(sum, zip(done, step, strict=True)))
    return done


@transaction.atomic
def restore_some(cause: Cause) -> tuple[Restored, bool]:
    """Undo a part of it, in one transaction; return what, and whether there may be more."""
    step = restoration.restore(cause)
    dead = state.make_dead_letters(step.deliveries)
    return Restored(step.contacts, step.suppressions, dead), step.more
