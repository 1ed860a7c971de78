"""The secret that signs tokens of inboxes in tests, and how pages are read."""

from typing import Any

SECRET = "0123456789abcdef0123456789abcdef"


def titles(page: dict[str, Any]) -> list[str]:
    """The titles of a page's items, in its order."""
    return [item["title"] for item in page["data"]]
