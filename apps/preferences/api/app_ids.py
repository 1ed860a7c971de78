"""App ids: bundle or package ids, which APNs takes in a header."""

import re

MAX_LENGTH = 200
_VISIBLE = re.compile(r"[!-~]*")


def check(app: str) -> str:
    """Return ``app``, which may be empty. Raises ``ValueError`` if it cannot be an app's id."""
    if not _VISIBLE.fullmatch(app) or len(app) > MAX_LENGTH:
        raise ValueError(
            f"An app's id has at most {MAX_LENGTH} visible ASCII characters: com.example.shop."
        )
    return app
