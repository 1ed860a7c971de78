"""What a condition finds."""

from typing import NamedTuple


class Finding(NamedTuple):
    """A condition holds.

    ``about``: of what; empty where there is one alone. ``detail``: a sentence. Neither ever names a
    person: it leaves the service in clear.
    """

    about: str
    detail: str


def ago(seconds: float) -> str:
    """Write a length of time for people, in its two largest units."""
    left, parts = abs(round(seconds)), []
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        number, left = divmod(left, length)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"
