"""Kinds of categories, and their names, compared without regard to case."""

import unicodedata
from enum import StrEnum

#: The category of what names none, by itself, its topic or its template.
DEFAULT = "default"


class CategoryKind(StrEnum):
    """The kind of a category, which says what a person may refuse of it."""

    CRITICAL = "critical"  # nothing: one-time passwords, security
    TRANSACTIONAL = "transactional"  # what follows from something that they did
    PROMOTIONAL = "promotional"  # what they did not ask for


def fold(category: str) -> str:
    """Return the form of a category's name in which preferences and topics are compared.

    Matching is caseless by Unicode's definition D145: ``STRASSE``, ``Straße`` and ``strasse`` are
    equal, and an accented letter is the same written as one character or as two.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", category).casefold())
