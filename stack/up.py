"""``make up``: the whole service on this machine until Ctrl-C."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping

from stack import environment, manage, ports, servers
from stack.process import Process
from stack.sandbox import Sandbox
from stack.state import HOME, State, kept, write_private

#: honcho waits 5 s for its processes and then kills them.
STOP = ((signal.SIGTERM, 12.0),)
STOPPED = re.compile(r"(\w+)\.1 stopped \(rc=(-?\d+)\)")


def up() -> int:
    """Run until Ctrl-C (0), or until a process dies (1), which is named."""
    with kept(HOME) as state, servers.running(state) as found:
        web, flower = ports.near(8000), ports.near(5555)
        env = environment.of(state, found)
        env |= {"PORT": str(web), "FLOWER_PORT": str(flower)}
        env |= {"NOTIFIER_PUBLIC_URL": f"http://127.0.0.1:{web}"}
        with Sandbox(state, env, port=ports.near(8090)) as sandbox:
            env |= environment.of_sandbox(sandbox.config)
            manage.migrate(state, env)
            made = manage.create_admin(state, env)
            password = state.secret("admin") if made or found.postgres else "as it was"
            _write_env(state, env)
            welcome = _welcome(env, web, flower, password, sandbox.config["control_url"])
            return _run(state, env, web, welcome)


def _run(state: State, env: Mapping[str, str], web: int, welcome: str) -> int:
    command = [sys.executable, "-m", "honcho", "start", "-f", "Procfile", "-e", os.devnull]
    process = Process(
        "honcho",
        [*command, "-p", str(web)],
        env=env,
        output=subprocess.PIPE,
        stop=STOP,
        keep_open=[state.lock],
    )
    first_dead = ""
    try:
        with process:
            greeting = threading.Thread(target=_greet, args=(process, web, welcome), daemon=True)
            greeting.start()
            for line in process.stdout:
                text = line.decode(errors="replace")
                if not first_dead and (stopped := STOPPED.search(text)):
                    first_dead = f"{stopped[1]} ended with code {stopped[2]}"
                print(text, end="", flush=True)
    except KeyboardInterrupt:
        print("\nStopping", flush=True)
        return 0
    print(f"{first_dead}; everything was stopped. The lines of {first_dead.split()[0]} say why.")
    return 1


def _greet(process: Process, web: int, welcome: str) -> None:
    process.wait_until(lambda: ports.listens(web), 120)
    print(welcome, flush=True)


def _write_env(state: State, env: Mapping[str, str]) -> None:
    """Write what differs from our own environment as a file for the shell."""
    lines = [
        f"export {name}={shlex.quote(value)}"
        for name, value in sorted(env.items())
        if os.environ.get(name) != value
    ]
    write_private(state.directory / "env", "\n".join(lines) + "\n")


def _welcome(env: Mapping[str, str], web: int, flower: int, password: str, sandbox: str) -> str:
    base = f"http://127.0.0.1:{web}"
    flower_password = env["FLOWER_BASIC_AUTH"].partition(":")[2]
    return f"""
  API docs   {base}/v1/docs
  Admin      {base}/admin/    admin / {password}
  Flower     http://127.0.0.1:{flower}/    admin / {flower_password}
  Sandbox    {sandbox}

  An API key:  . .notifier/env && .venv/bin/python manage.py create_publisher shop
  Ctrl-C stops everything.
"""
