"""When to end: at the usual signals, and with make, which cannot tell us when it is killed."""

import os
import signal
import sys
import threading
import time


def heed_signals() -> None:
    """End by SIGINT as by Ctrl-C, and by SIGTERM and SIGHUP, however we were started.

    A script's background jobs begin with SIGINT ignored, which Python keeps so, and so do all that
    they start.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, lambda received, _: sys.exit(128 + received))


def end_with_parent() -> None:
    """End as by SIGTERM once the process that started this one is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
