"""wrk, which asks over many connections at once and costs little."""

import re
import subprocess
from dataclasses import dataclass

from bench.harness.service import Service
from stack import debian
from stack.errors import StackError

#: What was asked last is still answered when wrk has ended.
QUIET_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """``rate`` in answers a second, all of them 2xx; ``p99`` in milliseconds."""

    answered: int
    rate: float
    p99: float


def ask(on: Service, url: str, script: str, connections: int, seconds: int) -> str:
    """What wrk prints that asks for so many seconds with a publisher's key, by a script in Lua.

    Raises ``StackError`` where wrk cannot be had.
    """
    if not debian.installed(debian.WRK):
        raise StackError("The API is asked by wrk: install Debian's package of that name.")
    path = on.state.directory / "wrk.lua"
    path.write_text(script)
    headers = {"Authorization": f"Bearer {on.key}", "Content-Type": "application/json"}
    command = [debian.WRK.file, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    command += ["--latency", "-s", str(path)]
    command += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def read(said: str) -> Result:
    """The figures in what wrk printed. Raises ``StackError`` where an answer was no 2xx."""
    found = re.search(r"([1-9]\d*) requests in", said)
    if "Non-2xx" in said or "Socket errors" in said or found is None:
        raise StackError(f"wrk:\n{said}")
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
    number, word = re.findall(r"99%\s+([\d.]+)(us|ms|s|m)", said)[0]
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
    return Result(int(found[1]), rate, float(number) * unit[word])
