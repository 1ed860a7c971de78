"""Errors that a user can act on, beside those of ``stack.errors``."""

from stack.errors import StackError


class Unavailable(StackError):
    """Hosts cannot be created on this machine. The message says why."""
