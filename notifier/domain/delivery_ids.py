"""What a delivery is called outside the database: in the API, at providers and receivers.

Keys repeat between installations, and providers and receivers may know several of them (staging
and production at one account). So the installation is part of the name, and of every id that is
made of it: a webhook's, a mail's, APNs'.
"""

import re
from typing import NamedTuple

#: What an installation may be called.
INSTALLATION = re.compile(r"[a-z0-9]{1,20}")
#: No row has more digits. Deliveries were called by their key alone before. Some systems write ids
#: in capitals; nothing else would be meant.
_PUBLIC = re.compile(
    rf"dlv_(?:({INSTALLATION.pattern})_)?([1-9][0-9]{{0,17}})", re.IGNORECASE | re.ASCII
)


class DeliveryId(NamedTuple):
    """A delivery's public id, read. ``installation`` is empty where it names none."""

    installation: str
    number: int


def public_id(installation: str, number: int) -> str:
    """``dlv_<installation>_<number>``, of a delivery's key; the same on every attempt."""
    return f"dlv_{installation}_{number}"


def parse(text: object) -> DeliveryId | None:
    """What a public id names; ``None`` if it is not one."""
    found = _PUBLIC.fullmatch(text) if isinstance(text, str) else None
    return DeliveryId((found[1] or "").lower(), int(found[2])) if found else None
