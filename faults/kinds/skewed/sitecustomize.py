"""Python imports this at its start, in a process whose clock is off.

libfaketime cannot have ``clock_nanosleep`` wait on a clock that it leaves alone (EINVAL), which is
what ``time.sleep`` calls.
"""

import select
import time
from typing import SupportsIndex


def sleep(seconds: float | SupportsIndex) -> None:
    select.select([], [], [], float(seconds))


time.sleep = sleep
