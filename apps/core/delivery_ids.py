"""Public ids of this installation's deliveries (``notifier.domain.ids.delivery_ids``)."""

from django.conf import settings

from notifier.domain.ids import delivery_ids


def public_id(number: int) -> str:
    """Return the id under which the API, providers and receivers know a delivery's primary key."""
    return delivery_ids.public_id(settings.INSTALLATION, number)


def number_of(text: object) -> int | None:
    """Return the primary key in a public id; ``None`` if invalid or another installation's.

    An id without an installation counts as this one's: it dates from before ids named theirs.
    """
    found = delivery_ids.parse(text)
    if found is None or found.installation not in ("", settings.INSTALLATION):
        return None
    return found.number
