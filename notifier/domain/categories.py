"""Names of categories, compared without regard to case."""

import unicodedata


def fold(category: str) -> str:
    """Return the form of a category's name in which preferences and topics are compared.

    Matching is caseless by Unicode's definition D145: ``STRASSE``, ``Straße`` and ``strasse`` are
    equal, and an accented letter is the same written as one character or as two.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", category).casefold())
