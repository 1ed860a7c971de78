"""Django's management commands, as guarded processes or in place of this one."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from stack.errors import StackError
from stack.state_directory import State, running_env
from stack.supervision.process import ROOT, Process


def migrate(state: State, env: Mapping[str, str]) -> None:
    """Migrate the database. Raises ``StackError`` with the reason."""
    run(state, env, "migrate", "--no-input", "--verbosity", "0")


def create_admin(state: State, env: Mapping[str, str]) -> bool:
    """Create the superuser ``admin`` with the state's password; ``False`` if it exists."""
    name = ["--username", "admin", "--email", "admin@localhost"]
    password = {"DJANGO_SUPERUSER_PASSWORD": state.secret("admin")}
    try:
        run(state, {**env, **password}, "createsuperuser", "--no-input", *name)
    except StackError as error:
        if "already taken" in str(error):
            return False
        raise
    return True


def create_publisher(env: Mapping[str, str], name: str, *options: str) -> str:
    """Create a publisher, and return its API key. Raises ``StackError``."""
    command = [sys.executable, "manage.py", "create_publisher", name, *options]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"manage.py create_publisher failed:\n{done.stderr.strip()}")
    return done.stdout.strip()


def run(state: State, env: Mapping[str, str], *arguments: str) -> None:
    """Run ``manage.py`` with these arguments. Raises ``StackError`` if it fails."""
    name = f"manage-{arguments[0]}"
    log = state.log(name)
    log.unlink(missing_ok=True)
    command = [sys.executable, "manage.py", *arguments]
    with Process(name, command, env=env, output=log, keep_open=[state.lock]) as process:
        if process.wait():
            raise StackError(f"manage.py {arguments[0]} failed:\n{log.read_text().strip()}")


def become(directory: Path, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by ``manage.py`` of the service that runs in a state directory.

    It keeps the terminal and the working directory. The service's settings come from the running
    service, never from this terminal. Raises ``StackError`` where no service runs.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
    env = ours | running_env(directory)
    os.execve(sys.executable, [sys.executable, str(ROOT / "manage.py"), *arguments], env)
