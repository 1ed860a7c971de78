"""Links of one recipient in content that many share.

Content is rendered and encoded once for thousands of people. So what is rendered has *marks* where
each person's own links belong, and they are filled in last: by the provider, or right before.
"""

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

# Random, so that no text that anybody writes contains one. About as long as the links, so that what
# a channel can carry is judged by a length like theirs; without a character that HTML, JSON or a
# URL would have to escape.
_BASE = f"https://links.invalid/{secrets.token_hex(16)}/{'0' * 56}"
UNSUBSCRIBE_MARK = f"{_BASE}/unsubscribe"
PREFERENCES_MARK = f"{_BASE}/preferences"
#: Begins both marks.
MARK = _BASE
#: The variable ``links`` of templates.
MARKS = {"unsubscribe": UNSUBSCRIBE_MARK, "preferences": PREFERENCES_MARK}


class PersonalLinks(NamedTuple):
    """A recipient's own links.

    ``refusable``: whether the message may be refused, so that ``unsubscribe`` takes a POST.
    """

    unsubscribe: str
    preferences: str
    refusable: bool

    def fill(self, text: str) -> str:
        """Return a text with the links in place of their marks."""
        if MARK not in text:
            return text
        return text.replace(UNSUBSCRIBE_MARK, self.unsubscribe).replace(
            PREFERENCES_MARK, self.preferences
        )

    def fill_all(self, value: Any) -> Any:
        """Return a JSON value with the links in place of their marks in its texts."""
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, Mapping):
            return {name: self.fill_all(one) for name, one in value.items()}
        return [self.fill_all(one) for one in value] if isinstance(value, list) else value
