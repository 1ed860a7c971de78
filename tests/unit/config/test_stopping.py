"""A worker at rest stops at once when it is asked to."""

import subprocess
import sys

from stack.supervision.process import PATIENCE, ROOT

#: The event loop of a worker that has nothing to do, and turns once a minute; a signal after 0.2 s.
WORKER = """
import signal, socket, time
from types import SimpleNamespace
from kombu.asynchronous import Hub
from config.worker.stopping import heed_signals

hub = Hub()
for _ in range(2):  # at the start, and after a lost connection
    hub.reset()
    heed_signals(SimpleNamespace(hub=hub))
broker, _ = socket.socketpair()
hub.add_reader(broker, print)  # which says nothing
hub.timer.call_repeatedly(20, print)
wait = 0.0
hub.fire_timers = lambda **_: wait
signal.signal(signal.SIGALRM, lambda *_: None)
loop = hub.create_loop()
next(loop)
wait = 60.0
signal.setitimer(signal.ITIMER_REAL, 0.2)
began = time.monotonic()
next(loop)
print(time.monotonic() - began)
"""


def test_a_signal_turns_the_event_loop_of_a_worker_at_rest():
    command = [sys.executable, "-c", WORKER]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert float(done.stdout) < 30, done.stderr
