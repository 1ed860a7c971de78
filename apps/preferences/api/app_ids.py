"""What the id of an app may be: a bundle or package id, which APNs takes in a header."""

import re

MAX_LENGTH = 200
_VISIBLE = re.compile(r"[!-~]*")


def check(app: str) -> str:
    """``app`` itself, which may be empty; ``ValueError`` says why it cannot be one."""
    if not _VISIBLE.fullmatch(app) or len(app) > MAX_LENGTH:
        raise ValueError(
            f"An app's id has at most {MAX_LENGTH} visible ASCII characters: com.example.shop."
        )
    return app
