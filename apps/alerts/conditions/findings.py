"""Findings: the things of which a condition holds."""

from typing import NamedTuple


class Unknown(Exception):
    """An answer that cannot be had now: the condition's alerts stay as they are."""


class Finding(NamedTuple):
    """A condition holds, or nobody knows: then the alert stays as it is, like all by ``Unknown``.

    ``about``: of what; empty where there is one alone. ``detail``: a sentence. Neither ever names a
    person: it leaves the service in clear.
    """

    about: str
    detail: str
    known: bool = True


def ago(seconds: float) -> str:
    """Write a length of time for people, in its two largest units."""
    left, parts = abs(round(seconds)), []
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        number, left = divmod(left, length)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"
