"""Addresses that a provider's error took from us, given back together."""

from typing import NamedTuple

from django.db import transaction

from apps.delivery import state
from apps.preferences.contacts import restoration
from apps.preferences.contacts.restoration import Cause


class Restored(NamedTuple):
    """Contacts that may be sent to again, suppressions that are lifted, and deliveries that failed
    for it and are dead letters now."""

    contacts: int = 0
    suppressions: int = 0
    dead_letters: int = 0


def restore(cause: Cause) -> Restored:
    """Undo what the cause disabled and suppressed. In steps, each of which stays done."""
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
