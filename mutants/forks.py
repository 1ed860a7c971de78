"""Calls in forks of this process, which may do anything to it."""

import contextlib
import math
import os
import resource
import select
import signal
import traceback
from collections.abc import Callable

#: Times its CPU that a call may take.
STARVED = 5.0


def passed(call: Callable[[], int], limit: float, output: str) -> str:
    """Call it in a fork, in a session and with an output (a file) of its own.

    Returns ``passed`` where it returned 0, else ``failed``; ``too slow`` where it used more than
    ``limit`` seconds of CPU, or had not ended after ``STARVED`` times as many: other processes may
    have the machine. Whatever processes it started are killed.
    """
    child = os.fork()
    if not child:
        seconds = math.ceil(limit)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        os._exit(_returned(call, output))
    ended = os.pidfd_open(child)
    try:
        in_time, _, _ = select.select([ended], [], [], STARVED * limit)
    finally:
        os.close(ended)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if not in_time or code == -signal.SIGXCPU:
        return "too slow"
    return "failed" if code else "passed"


def _returned(call: Callable[[], int], output: str) -> int:
    os.setsid()
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(file, number)
    try:
        return call()
    except BaseException:
        os.write(file, traceback.format_exc().encode())
        return 1
