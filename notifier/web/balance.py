"""Even shares of the busy connections for the processes of one server."""

import mmap

#: Processes that can share; those of one server are numbered as they start.
PROCESSES = 4_096
#: Seconds after which a process that has not said anything counts as gone.
SILENT = 5.0


class Balance:
    """The busy connections of each process, in memory that forked processes share.

    A connection is with the process that accepted it until it is closed, and the kernel spreads new
    ones at random: of 16 of a client, one process of two often has 12. A process that has too many
    asks some clients to connect anew.
    """

    def __init__(self) -> None:
        self._shared = memoryview(mmap.mmap(-1, PROCESSES * 2 * 8)).cast("d")

    def surplus(self, process: int, busy: int, now: float) -> int:
        """Record that a process has so many busy connections; return how many should leave it.

        A client that connects anew may get the same process again, so that more are to leave than
        there are too many. ``process``: the number of the process. ``now``: monotonic seconds.
        """
        own = process % PROCESSES
        self._shared[2 * own], self._shared[2 * own + 1] = now, busy
        rows = zip(self._shared[::2], self._shared[1::2], strict=True)
        counts = [count for at, count in rows if at > now - SILENT]
        mean = sum(counts) / len(counts)
        if len(counts) == 1 or busy - mean < max(1.0, mean / 8):
            return 0
        return round((busy - mean) * len(counts) / (len(counts) - 1))
