"""Deliveries' public ids in this installation (``notifier.domain.delivery_ids``)."""

from django.conf import settings

from notifier.domain import delivery_ids


def public_id(number: int) -> str:
    """How the API, providers and receivers name the delivery of this key."""
    return delivery_ids.public_id(settings.INSTALLATION, number)


def number_of(text: object) -> int | None:
    """The key in a public id; ``None`` if it is none, or another installation's.

    One that names no installation is read as ours: it was given out before they were named.
    """
    found = delivery_ids.parse(text)
    if found is None or found.installation not in ("", settings.INSTALLATION):
        return None
    return found.number
