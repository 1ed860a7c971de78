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
        with transaction.atomic():
            step = restoration.restore(cause)
            dead = state.make_dead_letters(step.deliveries)
        done = Restored(
            done.contacts + step.contacts,
            done.suppressions + step.suppressions,
            done.dead_letters + dead,
        )
        more = step.more
    return done
