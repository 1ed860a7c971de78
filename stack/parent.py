"""Ending with make, which cannot tell us when it is killed."""

import os
import signal
import threading
import time


def end_with_parent() -> None:
    """End as by SIGTERM once the process that started this one is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
