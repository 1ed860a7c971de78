"""``make up``: the whole service on this machine until Ctrl-C."""

import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.settings import settings as sandbox_settings
from stack import environment, manage, servers
from stack.sandbox import Sandbox
from stack.state_directory import State, kept
from stack.supervision import ports
from stack.supervision.process import ROOT, Process
from stack.supervision.processes import READY, STOPPING, Procfile

#: Seconds for the runner, which kills processes that do not stop in time and then ends itself.
STOP = ((signal.SIGTERM, STOPPING + 10.0),)
STOPPED = re.compile(r"([\w-]+)\.\d+ stopped \(rc=(-?\d+)\)")


def up(directory: Path) -> int:
    """Run until Ctrl-C (returns 0), or until a process dies, which is named (returns 1)."""
    formation = os.environ.get("FORMATION", "")
    numbers = Procfile({}, ROOT).formation(formation)
    with kept(directory) as state, servers.running(state) as found:
        web = ports.near(8000)
        stream, flower = ports.near(web + 1), ports.near(5555)
        env = environment.of(state, found)
        env |= {"PORT": str(web), "STREAM_PORT": str(stream), "FLOWER_PORT": str(flower)}
        url = f"http://127.0.0.1:{web}"
        env |= {"NOTIFIER_PUBLIC_URL": url}
        with Sandbox(state, env, receipts_to=url, port=ports.near(8090)) as sandbox:
            env |= sandbox_settings(sandbox.config)
            env |= environment.inbox_origins(env, sandbox.config["control_url"])
            manage.migrate(state, env)
            made = manage.create_admin(state, env)
            password = state.secret("admin") if made or found.postgres else "as it was"
            state.publish_env(_settings(env))
            welcome = _welcome(env, password, sandbox.config)
            return _run(state, env, formation, numbers, welcome)


def _run(
    state: State,
    env: Mapping[str, str],
    formation: str,
    numbers: Mapping[str, int],
    welcome: str,
) -> int:
    commands = Procfile(env, state.path("logs")).commands
    starting = sum(numbers[name] for name, command in commands.items() if " worker " in command)
    command = [sys.executable, "-m", "stack.supervision.runner", "start", "-c", formation]
    log = state.log("up")
    log.unlink(missing_ok=True)
    first_dead = ""
    try:
        with Process(
            "runner", command, env=env, output=log, stop=STOP, keep_open=[state.lock]
        ) as runner:

            def greet() -> None:
                if numbers["web"]:
                    runner.wait_until(lambda: ports.listens(int(env["PORT"])))
                print(welcome, flush=True)

            if not starting:
                greet()
            for line in runner.follow():
                print(line, end="", flush=True)
                if not first_dead and (stopped := STOPPED.search(line)):
                    first_dead = f"{stopped[1]} ended with code {stopped[2]}"
                if READY in line and (starting := starting - 1) == 0:
                    greet()
    except KeyboardInterrupt:
        print("\nStopping", flush=True)
        return 0
    print(f"{first_dead or 'the runner ended'}; everything was stopped. Its lines above say why.")
    return 1


def _settings(env: Mapping[str, str]) -> dict[str, str]:
    """Return the service's own variables of an environment, without the terminal user's."""
    return {
        name: value
        for name, value in env.items()
        if name.endswith("_URL") or name.startswith("NOTIFIER_") or os.environ.get(name) != value
    }


def _welcome(env: Mapping[str, str], password: str, sandbox: Mapping[str, Any]) -> str:
    base = f"http://127.0.0.1:{env['PORT']}"
    return f"""
  API        {base}
  API docs   {base}/v1/docs
  Stream     http://127.0.0.1:{env["STREAM_PORT"]}
  Admin      {base}/admin/    admin / {password}
  Flower     http://127.0.0.1:{env["FLOWER_PORT"]}/    after the admin's log-in
  Sandbox    {sandbox["control_url"]}
  The bell   {sandbox["control_url"]}/bell
  Webhooks   {sandbox["webhook"]["base_url"]}/NAME is a receiver in the sandbox

  An API key:  .venv/bin/python -m stack manage create_publisher shop
  An inbox:    .venv/bin/python -m stack manage inbox_token ada
  Ctrl-C stops everything.
"""
