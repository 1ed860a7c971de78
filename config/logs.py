"""Log lines that whoever calls us can cause."""

import logging
import re
import threading
import time

#: Seconds in which each logger says one thing, and characters of it at most.
EVERY, LONGEST = 60.0, 300
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class Seldom(logging.Filter):
    """One line a minute from each logger, without a trace, and how many it stands for.

    Django logs a trace for each request with a wrong Host, too many fields or a path out of its
    directory: what is wrong is the request, and one client could fill a disk.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._last: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        with self._lock:
            since, kept_back = self._last.get(record.name, (-EVERY, 0))
            if now - since < EVERY:
                self._last[record.name] = since, kept_back + 1
                return False
            self._last[record.name] = now, 0
        said = CONTROL.sub(" ", record.getMessage())[:LONGEST]
        record.msg = (
            f"{said} (and {kept_back} more since the last such line)" if kept_back else said
        )
        record.args = ()
        record.exc_info = record.exc_text = None
        return True
