"""Ending with the parent process, and at signals."""

import os
import signal
import sys
import threading
import time


def heed_signals() -> None:
    """End at SIGINT, as at Ctrl-C, and at SIGTERM and SIGHUP, however we were started.

    A script's background jobs start with SIGINT ignored, which Python and all child processes
    inherit.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, lambda received, _: sys.exit(128 + received))


def end_with_parent() -> None:
    """End as at SIGTERM once the parent process has ended; a killed make sends no signal."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
