"""How many notifications a second the API takes: one by one, and in batches of 1,000.

Every request is authenticated, counted against its publisher's limits, has an idempotency key of
its own, and is answered once it is durable. Beside it, on the same server from the same database:
a Django view that inserts one row (``bench.bare``). wrk asks; the workers stand still.
"""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from bench.line import Line
from bench.report import Bar, Report, Table, columns
from stack import debian, ports
from stack.errors import StackError
from stack.process import Process
from stack.processes import Procfile

PROCESSES = ("web",)
WRK = Path("/usr/bin/wrk")
CONNECTIONS = 16  # as many as there are threads to answer them
BATCH = 1_000
LEAST_OF_BARE, LEAST_BATCHED = 0.5, 5_000.0
SCRIPT = """
local sent = 0
function request()
    sent = sent + 1
    wrk.headers["Idempotency-Key"] = PREFIX .. sent
    return wrk.format("POST", nil, wrk.headers, BODY)
end
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What wrk found: ``rate`` in answers a second, all of them 2xx; ``p99`` in milliseconds."""

    rate: float
    p99: float
    answered: int


def measure(on: Line, *, quick: bool) -> Report:
    """Bare, single and batched take turns."""
    runs, seconds = (1, 4) if quick else (3, 15)
    if others := on.processes.pids().keys() - {"web"}:
        on.processes.stop(*others)
    on.audience("accept", BATCH)
    notification = {
        "user_id": "accept-7",
        "content": {"title": "Order A-7 is on its way", "body": "Expect it on Friday."},
        "channels": ["push"],
    }
    batch = {"notifications": [notification | {"user_id": f"accept-{i}"} for i in range(BATCH)]}
    bare: list[Asked] = []
    single: list[Asked] = []
    batched: list[Asked] = []
    with _bare(on) as bare_url:
        for number in range(-1, runs):  # the first one warms up
            length = seconds if number >= 0 else 2
            one = _asked(on, f"{bare_url}/rows", notification, length)
            two = _asked(on, f"{on.api_url}/v1/notifications", notification, length)
            three = _asked(on, f"{on.api_url}/v1/notifications/batch", batch, length, connections=4)
            if number >= 0:
                bare.append(one)
                single.append(two)
                batched.append(three)
                print(
                    f"  run {number + 1}: bare {one.rate:,.0f}/s, accepted {two.rate:,.0f}/s, "
                    f"batched {three.rate * BATCH:,.0f}/s",
                    flush=True,
                )
    return _report(bare, single, batched)


class _bare:
    """``with _bare(on) as url:`` the bare view, served as the API is."""

    def __init__(self, on: Line) -> None:
        self._port = ports.free()
        self._on = on
        command = Procfile({}, on.state.directory).commands["web"]
        self._process = Process(
            "bare",
            ["/bin/sh", "-c", command.replace("config.wsgi", "bench.bare")],
            env=on.env | {"PORT": str(self._port)},
            output=on.state.log("bare"),
        )

    def __enter__(self) -> str:
        with self._on.database() as cursor:
            # bench.bare has the table's columns, but reading them would configure Django here.
            cursor.execute(
                """CREATE TABLE IF NOT EXISTS bench_bare (id bigserial PRIMARY KEY,
                    said bytea NOT NULL, created_at timestamptz NOT NULL)"""
            )
        self._process.start()
        self._process.wait_until(lambda: ports.listens(self._port), 60)
        return f"http://{ports.HOST}:{self._port}"

    def __exit__(self, *_: object) -> None:
        self._process.stop()


def _asked(
    on: Line, url: str, body: Mapping[str, object], seconds: int, *, connections: int = CONNECTIONS
) -> Asked:
    """Ask for so many seconds. Raises ``StackError`` where wrk cannot be had, or an answer is no
    2xx, or is not on record."""
    if not debian.installed("wrk", WRK):
        raise StackError("The API is asked by wrk: install Debian's package of that name.")
    before = _stored(on)
    script = on.state.directory / "ask.lua"
    said = json.dumps(body)
    script.write_text(
        f"local BODY = {json.dumps(said)}\nlocal PREFIX = 'k{before}-{seconds}-'\n{SCRIPT}"
    )
    headers = {"Authorization": f"Bearer {on.key}", "Content-Type": "application/json"}
    command = [str(WRK), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    command += ["--latency", "-s", str(script)]
    command += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False)
    return _read(done.stdout + done.stderr, _stored(on) - before)


def _read(said: str, stored: int) -> Asked:
    """What wrk printed. ``stored``: how many rows there are more."""
    if "Non-2xx" in said or "Socket errors" in said or "requests in" not in said:
        raise StackError(f"wrk:\n{said}")
    answered = int(re.findall(r"(\d+) requests in", said)[0])
    if stored < answered:
        raise StackError(f"{answered:,} requests were answered, and {stored:,} are on record")
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
    number, word = re.findall(r"99%\s+([\d.]+)(us|ms|s|m)", said)[0]
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
    return Asked(rate, float(number) * unit[word], answered)


def _stored(on: Line) -> int:
    """Rows that requests have made."""
    with on.database() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM bench_bare)"
            " + (SELECT count(*) FROM delivery_idempotencykey)"
        )
        return int(cursor.fetchone()[0])


def _report(bare: list[Asked], single: list[Asked], batched: list[Asked]) -> Report:
    ratio = median(two.rate / one.rate for one, two in zip(bare, single, strict=True))
    in_batches = median(one.rate for one in batched) * BATCH
    ways = {"a bare view, one row": (bare, 1), "POST /v1/notifications": (single, 1)}
    ways["POST /v1/notifications/batch"] = batched, BATCH
    rates = {name: median(one.rate for one in asked) * of for name, (asked, of) in ways.items()}
    table = Table(
        ("request", "notifications/s", "in each run", "p99 ms of a request"),
        [
            (
                name,
                f"{rates[name]:,.0f}",
                " ".join(f"{one.rate * of:,.0f}" for one in asked),
                f"{median(one.p99 for one in asked):,.0f}",
            )
            for name, (asked, of) in ways.items()
        ],
    )
    return Report(
        "accept",
        f"Notifications accepted a second, {CONNECTIONS} connections, batches of {BATCH:,}",
        [table],
        [
            Bar("of a bare view", ratio, least=LEAST_OF_BARE),
            Bar("a second in batches", in_batches, least=LEAST_BATCHED),
        ],
        {
            "runs": [
                {"bare": one.rate, "single": two.rate, "batched": three.rate * BATCH}
                for one, two, three in zip(bare, single, batched, strict=True)
            ]
        },
        [partial(columns, values=rates, what="notifications a second")],
    )
