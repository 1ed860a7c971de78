"""What a user can act on. Anything else that is raised here is a bug and shows its traceback."""


class StackError(Exception):
    """A server, process or tool that cannot be had. The message says why and what to do."""
