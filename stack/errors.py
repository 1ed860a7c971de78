"""Errors that a user can act on. Any other exception is a bug and shows its traceback."""


class StackError(Exception):
    """A server, process or tool is not available. The message says why and what to do."""
