"""Exit codes, and what is said about an error."""

from enum import IntEnum

from notifier_client import (
    AuthenticationError,
    ConnectionFailed,
    NotAllowed,
    NotFound,
    NotifierError,
    RateLimited,
    StillSending,
    Unavailable,
)


class Exit(IntEnum):
    """Exit codes, for scripts."""

    DONE = 0
    REFUSED = 1  # the service refuses the request
    USAGE = 2  # wrong arguments or configuration; argparse's own
    NOT_ALLOWED = 3  # the key is wrong, or lacks a scope
    NOT_FOUND = 4
    UNAVAILABLE = 5  # no answer, an overloaded service, or a limit
    STILL_SENDING = 6
    INTERRUPTED = 130  # by Ctrl-C, as shells count it
    BROKEN_PIPE = 141  # nobody reads what is printed, as shells count it


class UsageError(Exception):
    """Arguments or an environment with which nothing can be done; says what to change."""


def exit_of(error: NotifierError) -> Exit:
    """Return the exit code for an error of the client."""
    if isinstance(error, AuthenticationError | NotAllowed):
        return Exit.NOT_ALLOWED
    if isinstance(error, NotFound):
        return Exit.NOT_FOUND
    if isinstance(error, ConnectionFailed | Unavailable | RateLimited):
        return Exit.UNAVAILABLE
    return Exit.STILL_SENDING if isinstance(error, StillSending) else Exit.REFUSED


def words_for(error: NotifierError) -> list[str]:
    """Return lines about an error: what the service says, and what to do."""
    lines = [error.detail]
    for one in error.errors:
        if one.get("detail") and one["detail"] not in error.detail:
            lines.append(f"{one.get('pointer', '')}: {one['detail']}")
    if isinstance(error, AuthenticationError):
        lines.append("Check NOTIFIER_KEY: it is sent as the API key.")
    elif isinstance(error, ConnectionFailed):
        lines.append("Check NOTIFIER_URL, and whether the service runs.")
    elif isinstance(error, NotFound) and not error.type:
        lines.append("NOTIFIER_URL is the service's address, without /v1.")
    return lines
