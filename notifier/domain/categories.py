"""What a category is called: one name, in whatever case it is written."""

import unicodedata


def fold(category: str) -> str:
    """The one form of a category's name, by which preferences and topics are compared.

    Caseless as Unicode has it (definition D145): ``STRASSE``, ``Straße`` and ``strasse`` are one,
    and an accented letter is one whether it is written as one character or as two.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", category).casefold())
