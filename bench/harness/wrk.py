"""wrk, a load generator with many connections that costs little."""

import re
import subprocess
from dataclasses import dataclass

from bench.harness.service import Service
from stack import debian
from stack.errors import StackError

#: Seconds for the last requests, which are still answered when wrk has ended.
QUIET_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of a run. ``rate``: answers per second, all 2xx; ``p99``: milliseconds."""

    answered: int
    rate: float
    p99: float


def ask(on: Service, url: str, script: str, connections: int, seconds: int) -> str:
    """Run wrk for so many seconds with a publisher's key and a Lua script; return its output.

    Raises ``StackError`` where wrk is not available.
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


def read(output: str) -> Result:
    """Parse wrk's output. Raises ``StackError`` where an answer was not 2xx."""
    found = re.search(r"([1-9]\d*) requests in", output)
    if "Non-2xx" in output or "Socket errors" in output or found is None:
        raise StackError(f"wrk:\n{output}")
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
    number, word = re.findall(r"99%\s+([\d.]+)(us|ms|s|m)", output)[0]
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", output)[0])
    return Result(int(found[1]), rate, float(number) * unit[word])
