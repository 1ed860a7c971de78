"""Replace ``time.sleep`` in processes with a wrong clock; Python imports this module at its start.

With libfaketime, ``clock_nanosleep``, which ``time.sleep`` calls, fails (EINVAL) on a clock that it
leaves unchanged.
"""

import select
import time
from typing import SupportsIndex


def sleep(seconds: float | SupportsIndex) -> None:
    """Sleep by the machine's own clock."""
    select.select([], [], [], float(seconds))


time.sleep = sleep
