"""Characters that show nothing where they are printed."""

import re

#: What Unicode has every renderer leave blank (Default_Ignorable_Code_Point, DerivedCoreProperties
#: 15.0) and Python calls printable, and the empty Braille pattern.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


def all_visible(text: str) -> bool:
    """Whether every character can be seen, or is a space between those that can."""
    return text.isprintable() and text == text.strip() and not _BLANK.search(text)


def any_visible(text: str) -> bool:
    """Whether there is anything to see: not spaces, line ends and invisible characters alone."""
    return any(one.isprintable() and not one.isspace() and not _BLANK.match(one) for one in text)
