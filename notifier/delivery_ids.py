"""What a delivery is called outside the database: in the API, at providers and receivers."""

import re

#: No row has more digits. Some systems write ids in capitals; nothing else would be meant.
_PUBLIC = re.compile(r"dlv_([1-9][0-9]{0,17})", re.IGNORECASE | re.ASCII)


def public_id(number: int) -> str:
    """``dlv_<number>``, of a delivery's key; the same on every attempt."""
    return f"dlv_{number}"


def number_of(text: object) -> int | None:
    """The key in a delivery's public id; ``None`` if it is not one."""
    found = _PUBLIC.fullmatch(text) if isinstance(text, str) else None
    return int(found[1]) if found else None
