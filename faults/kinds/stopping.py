"""Faults of deployment: processes are asked to stop, one by one."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from faults.harness.fault import fault
from faults.harness.service import PROCESSES, Service
from faults.harness.trial import Trial
from stack import manage, previous
from stack.supervision import ports
from stack.supervision.process import ROOT
from stack.supervision.processes import Procfile

#: Seconds within which a process ends after it was asked to.
SOFT = 30.0
#: The order of a rolling restart; the web server replaces its own processes.
ROLLING = [name for name in PROCESSES if name not in ("web", "beat")]

#: Rows of a table that is written to while migrations run, and who they are by.
MANY, NOBODY = 1_000_000, "nobody"
_MANY = """
INSERT INTO publishers_auditevent (at, actor_kind, actor, action, object_type, object_name)
SELECT now(), 'person', %s, 'update', 'preference', n::text FROM generate_series(1, %s) AS n
"""
#: A migration that only indexes come after: with or without those, the processes of this version
#: run.
BEFORE = ("publishers", "0009")


@fault()
def worker_asked_to_stop(trial: Trial) -> None:
    """A worker gets SIGTERM with hundreds of calls in flight: it ends them and begins no more."""
    processes = trial.service.stage.processes
    trial.publish(slow=1.5)
    trial.begun()
    trial.broken()
    began = time.monotonic()
    processes["push"].stop()
    took = time.monotonic() - began
    trial.in_time(took, SOFT, "it had stopped")
    [(held,)] = trial.service.sql(
        "SELECT count(*) FROM delivery_delivery WHERE state = 'sending' AND channel = 'push'"
    )
    trial.hold(held == 0, f"it left {held} deliveries as sending")
    trial.service.start("push")
    trial.healed()


@fault()
def rolling_restart(trial: Trial) -> None:
    """Every process is replaced under load, by one that is ready before it stops."""
    trial.publish()
    trial.begun()
    trial.broken()
    _replace_all(trial)
    trial.healed()


@fault()
def deploy(trial: Trial) -> None:
    """Every process is replaced while migrations build and drop indexes of a million rows."""
    service = trial.service
    service.sql(_MANY, NOBODY, MANY)
    try:
        trial.publish()
        trial.begun()
        trial.broken()
        with ThreadPoolExecutor(1) as one:
            migrated = one.submit(_migrate_back_and_forth, service)
            _replace_all(trial)
            migrated.result()
        trial.healed()
        trial.hold(not trial.load.refused, f"{trial.load.refused} requests were answered 503")
        unfinished = service.sql(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
        )
        trial.hold(not unfinished, f"indexes were left unfinished: {unfinished}")
        trial.settled()
    finally:
        service.sql("DELETE FROM publishers_auditevent WHERE actor = %s", NOBODY)


def _migrate_back_and_forth(service: Service) -> None:
    # Not the stage's own: an earlier fault may have promoted a standby.
    env = service.stage.env | {"DATABASE_URL": service.servers.database_url}
    for target in ((*BEFORE,), ()):
        manage.run(service.state, env, "migrate", "--no-input", *target)


@fault()
def rolling_upgrade(trial: Trial) -> None:
    """Every process is replaced by one of the version before, and that by one of this version."""
    before = trial.service.state.directory / "before"
    if not before.exists():
        previous.unpack(before)
    trial.publish()
    trial.begun()
    trial.broken()
    # Back: the web processes first, in both directions (docs/upgrading.md).
    for version, code in (("before", before), ("after", ROOT)):
        for name in ("web", *ROLLING, "beat"):
            trial.load.blast(200)
            _run_from(trial.service, name, f"{name}.{version}", code)
    trial.healed()


def _run_from(service: Service, name: str, title: str, code: Path) -> None:
    """Replace a process by one of other code, with a second address for the API as behind a proxy.

    The second process of the API could not listen at the first one's port.
    """
    stage = service.stage
    # Not the stage's own: an earlier fault may have promoted a standby.
    env = dict(stage.processes[name].env)
    if name == "web":
        env["PORT"] = str(ports.free())
    procfile = Procfile(env, service.logs, path=code / "Procfile")
    old = stage.processes.replace(name, procfile.process(name, title))
    stage.processes[name].wait_ready()
    if name == "web":
        service.stage = replace(stage, api_url=f"http://127.0.0.1:{env['PORT']}")
    old.stop()


def _replace_all(trial: Trial) -> None:
    processes = trial.service.stage.processes
    for name in ROLLING:
        trial.load.blast(200)
        old = processes.replace(name)
        processes[name].wait_ready()
        old.stop()
    processes["beat"].restart()
    processes.kill("web", signal.SIGHUP)
