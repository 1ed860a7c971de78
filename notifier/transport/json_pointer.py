"""JSON pointers (RFC 6901)."""


def escaped(part: str) -> str:
    """Return a member's name as a part of a pointer."""
    return part.replace("~", "~0").replace("/", "~1")
