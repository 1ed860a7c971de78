"""Progress: whether every thread of this process that has work still comes round.

A thread begins its work with ``turn``, goes on with ``step`` (each of Django's cursors is a step),
and calls ``rest`` before it waits for more work. Where nothing happens for ``LONGEST`` seconds, it
is stuck: the database ends each statement after a minute, and calls to providers have time limits
of their own.
"""

import threading
import time

#: Five statements that each take as long as they may.
LONGEST = 300.0

#: By thread, or by the name of what runs in several: what it does, and when it last went on.
_turns: dict[int | str, tuple[str, float]] = {}


def turn(doing: str = "", *, of: str = "") -> None:
    """Begin a turn of this thread. ``doing``: for people; by default the thread's name.

    ``of``: the name of something else that is to come round, in place of this thread.
    """
    doing = doing or of or threading.current_thread().name
    _turns[of or threading.get_ident()] = doing, time.monotonic()


def step() -> None:
    """Note that this thread goes on, if it is in a turn."""
    thread = threading.get_ident()
    if found := _turns.get(thread):
        _turns[thread] = found[0], time.monotonic()


def rest(*, of: str = "") -> None:
    """End this thread's turn, or that of something else: it has nothing to do."""
    _turns.pop(of or threading.get_ident(), None)


def is_in_turn(of: str) -> bool:
    """Return whether something has not come round since its turn began."""
    return of in _turns


def stuck() -> dict[str, float]:
    """Return for how many seconds nothing has happened in turns that are stuck, by what they do."""
    now = time.monotonic()
    turns = [(doing, now - since) for doing, since in list(_turns.values())]
    return {doing: seconds for doing, seconds in turns if seconds > LONGEST}
