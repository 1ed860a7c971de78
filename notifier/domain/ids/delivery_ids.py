"""Public ids of deliveries: in the API, at providers and at receivers.

Primary keys repeat between installations, and a provider or receiver may serve several (staging and
production at one account). So the installation is part of the id, and of every id derived from it:
``webhook-id``, ``Message-ID``, ``apns-id``.
"""

import re
from typing import NamedTuple

#: Valid names of an installation.
INSTALLATION = re.compile(r"[a-z0-9]{1,20}")
#: No key has more digits. Earlier ids had no installation. Case is ignored, since some systems
#: write ids in capitals.
_PUBLIC = re.compile(
    rf"dlv_(?:({INSTALLATION.pattern})_)?([1-9][0-9]{{0,17}})", re.IGNORECASE | re.ASCII
)


class DeliveryId(NamedTuple):
    """A parsed public id. ``installation`` is empty where the id names none."""

    installation: str
    number: int


def public_id(installation: str, number: int) -> str:
    """Return ``dlv_<installation>_<number>``, which is the same on every attempt.

    ``number``: the delivery's primary key.
    """
    return f"dlv_{installation}_{number}"


def parse(text: object) -> DeliveryId | None:
    """Parse a public id; ``None`` if ``text`` is not one."""
    found = _PUBLIC.fullmatch(text) if isinstance(text, str) else None
    return DeliveryId((found[1] or "").lower(), int(found[2])) if found else None
