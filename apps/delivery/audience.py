"""Who a notification names, and where they can be reached."""

from collections.abc import Mapping, Sequence

from django.conf import settings

from apps.preferences import selectors
from apps.preferences.models import Contact, ContactState


class UnknownRecipients(Exception):
    """Some ``user_ids`` are nobody's. ``args[0]`` lists them."""


def recipient_ids(
    user_ids: Sequence[str], known: Mapping[str, int] | None = None
) -> dict[str, int]:
    """user_id -> recipient id, in one query, or from what is ``known``.

    Raises ``UnknownRecipients``.
    """
    found = selectors.recipient_ids(user_ids) if known is None else known
    missing = [user_id for user_id in user_ids if user_id not in found]
    if missing:
        raise UnknownRecipients(missing)
    return {user_id: found[user_id] for user_id in user_ids}


def reachable_channels(recipients: Sequence[int]) -> list[str]:
    """The channels on which at least one of them has an active contact, in settings order."""
    found = set(
        Contact.objects.filter(recipient_id__in=recipients, state=ContactState.ACTIVE)
        .values_list("channel", flat=True)
        .distinct()
    )
    return [channel for channel in settings.CHANNELS if channel in found]
