"""Processes that are asked to stop, one by one, as a deployment does."""

import signal
import time

from faults.fault import fault
from faults.line import PROCESSES
from faults.trial import Trial

#: A process has ended so many seconds after it was asked to.
SOFT = 30.0
#: The order of a rolling restart; the web server replaces its own processes.
ROLLING = [name for name in PROCESSES if name not in ("web", "beat")]


@fault()
def worker_asked_to_stop(trial: Trial) -> None:
    """A worker gets SIGTERM with hundreds of messages in the air: it ends them and no more."""
    processes = trial.line.stage.processes
    trial.publish(slow=1.5)
    trial.begun()
    trial.broken()
    began = time.monotonic()
    processes["push"].stop()
    took = time.monotonic() - began
    trial.in_time(took, SOFT, "it had stopped")
    [(held,)] = trial.line.sql(
        "SELECT count(*) FROM delivery_delivery WHERE state = 'sending' AND channel = 'push'"
    )
    trial.hold(held == 0, f"it left {held} deliveries as sending")
    trial.line.start("push")
    trial.healed()


@fault()
def rolling_restart(trial: Trial) -> None:
    """Every process is replaced under load, by one that is ready before it is to stop."""
    processes = trial.line.stage.processes
    trial.publish()
    trial.begun()
    trial.broken()
    for name in ROLLING:
        trial.load.blast(200)
        old = processes.replace(name)
        processes[name].wait_ready()
        old.stop()
    processes["beat"].restart()
    processes.kill("web", signal.SIGHUP)
    trial.healed()
