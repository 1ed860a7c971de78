"""What a ``user_id`` may be. It is never folded: ``a.b``, ``A.b`` and ``a-b`` are three people."""

from notifier.domain.characters import all_visible

MAX_LENGTH = 200


def check(user_id: str) -> str:
    """``user_id`` itself; ``ValueError`` says why it cannot be one.

    What cannot be seen is not a name, a slash would end a path's segment, and clients resolve
    ``.`` and ``..`` in paths before they send them.
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
