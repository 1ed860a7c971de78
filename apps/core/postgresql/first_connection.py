"""A check that a process owes: its start could not ask, since PostgreSQL did not answer.

It is asked with each new connection until it passes, so that nothing is read or written before.
Processes that are forked owe it as well.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from psycopg2 import OperationalError

log = logging.getLogger(__name__)

#: Returns why nobody may use the database of this connection, or nothing.
Check: TypeAlias = Callable[[Any], str]
#: Seconds between two lines of the log that say it.
EVERY = 60.0

_owed: Check | None = None
_said = float("-inf")


def owe(check: Check) -> None:
    """Have every new connection pass ``check``, until one has."""
    global _owed
    _owed = check


def settle(connection: Any) -> None:
    """Ask what is owed with a new connection of psycopg2's.

    Raises ``OperationalError``, as for a database that is away, where it does not pass.
    """
    global _owed, _said
    if _owed is None:
        return
    why = _owed(connection)
    if not why:
        _owed = None
        return
    if time.monotonic() - _said >= EVERY:
        _said = time.monotonic()
        log.critical(why)
    raise OperationalError(why)
