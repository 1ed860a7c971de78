"""The thread that reports a process and, in one process at a time, evaluates the alerts.

It needs no broker: beat and ``housekeeping`` both evaluate, so that either says that the other is
gone, and take turns through a row. Where PostgreSQL does not answer there is no turn, and
``without_database`` says so.
"""

import logging
import os
import socket
import threading

from django.db import connection

from apps.alerts import presence
from apps.core.database_errors import FAILURES
from apps.core.processes.kind import KIND

log = logging.getLogger(__name__)

#: Seconds between two looks.
EVERY = 15.0
#: Processes that evaluate. Others have providers to call, or requests to answer.
EVALUATORS = frozenset({"beat", "housekeeping"})


def start(**_: object) -> None:
    """Start the thread of this process."""
    threading.Thread(target=_watch, name="alerts", daemon=True).start()


def _watch() -> None:
    pause = threading.Event()
    while True:
        look(evaluates=KIND in EVALUATORS)
        pause.wait(EVERY)


def look(*, evaluates: bool, holder: str = "") -> None:
    """Report this process and, if it ``evaluates``, run a round. Never raises.

    ``holder``: whose turn that is to be, by default this process's.
    """
    if evaluates:  # with imports that no other process needs
        from apps.alerts import rounds, without_database
    try:
        presence.report()
        if evaluates:
            without_database.over()
            rounds.run(holder or f"{KIND} {os.getpid()} at {socket.gethostname()}")
    except FAILURES as error:
        log.warning("alerts wait for the database: %s", type(error).__name__)
        if evaluates:
            without_database.failed()
    except Exception:
        log.exception("alerts cannot be evaluated")
    finally:
        connection.close()
