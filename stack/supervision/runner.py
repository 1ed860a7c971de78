"""``python -m stack.supervision.runner start``: honcho, with enough time for workers to stop.

honcho kills what still runs 5 s after the first of its processes has ended, without an option to
change that. Its commands and options are the same here.
"""

import sys

from honcho import manager
from honcho.command import main

from stack.supervision.processes import STOPPING

if __name__ == "__main__":
    manager.KILL_WAIT = STOPPING
    sys.exit(main())
