"""Valid ``user_id``s. They are never folded: ``a.b``, ``A.b`` and ``a-b`` are three people."""

from notifier.domain.characters import all_visible

MAX_LENGTH = 200


def check(user_id: str) -> str:
    """Return ``user_id`` unchanged. Raises ``ValueError`` with a sentence that says what is wrong.

    Invisible characters make no name, a slash would end a path's segment, and clients resolve ``.``
    and ``..`` in paths before they send them.
    """
    if not user_id or len(user_id) > MAX_LENGTH:
        raise ValueError(f"A user_id has 1 to {MAX_LENGTH} characters.")
    if "/" in user_id:
        raise ValueError("A user_id cannot contain a slash: paths could not name it.")
    if user_id in (".", ".."):
        raise ValueError("A user_id cannot be . or .. since paths could not name it.")
    if not all_visible(user_id):
        raise ValueError("A user_id has printable characters only and no space at either end.")
    return user_id
