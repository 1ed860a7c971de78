"""What a user can act on, beside ``stack.errors``."""

from stack.errors import StackError


class Unavailable(StackError):
    """Hosts cannot be made on this machine. The message says why."""
