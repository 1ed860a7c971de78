"""JSON pointers (RFC 6901)."""


def escaped(part: str) -> str:
    """A member's name as a part of a pointer."""
    return part.replace("~", "~0").replace("/", "~1")
