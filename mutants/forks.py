"""Calls in forks of this process, which may do anything to it."""

import contextlib
import os
import select
import signal
import traceback
from collections.abc import Callable


def passed(call: Callable[[], int], limit: float, output: str) -> str:
    """Call it in a fork, in a session and with an output (a file) of its own.

    Returns ``passed`` where it returned 0, else ``failed``; ``too slow`` where it had not ended
    after ``limit`` seconds. Whatever processes it started are killed.
    """
    child = os.fork()
    if not child:
        os._exit(_returned(call, output))
    ended = os.pidfd_open(child)
    try:
        in_time, _, _ = select.select([ended], [], [], limit)
    finally:
        os.close(ended)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not in_time:
        return "too slow"
    return "failed" if os.waitstatus_to_exitcode(status) else "passed"


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
