"""Visible and invisible characters."""

import re

#: Characters that Python calls printable although renderers leave them blank
#: (Default_Ignorable_Code_Point, Unicode's DerivedCoreProperties 15.0), and the empty Braille
#: pattern.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)

#: Visible, and the first character of most texts: found in a fifth of the time.
_ASCII = re.compile("[!-~]")


def all_visible(text: str) -> bool:
    """Return whether every character is visible, or a space between visible ones."""
    return text.isprintable() and text == text.strip() and not _BLANK.search(text)


def any_visible(text: str) -> bool:
    """Return whether there is a visible character, not only white space and invisible ones."""
    if _ASCII.match(text):
        return True
    return any(one.isprintable() and not one.isspace() and not _BLANK.match(one) for one in text)
