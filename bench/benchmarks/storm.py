"""Storm: the cost of requests under one Idempotency-Key, compared with new notifications.

The same request from many connections at once, in turn under one key and under a new one each:
CPU of the API and of PostgreSQL for each answer. The workers are stopped.
"""

import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.harness import wrk
from bench.harness.meter import Meter
from bench.harness.report import Bar, Report, Table, columns
from bench.harness.service import Service
from stack.errors import StackError

PROCESSES = ("web",)
CONNECTIONS = 64
#: The most that a storm's request may cost, as a share of a new one's.
MOST_OF_NEW = 1.0
SCRIPT = """
local sent = 0
function request()
    sent = sent + 1
    wrk.headers["Idempotency-Key"] = PREFIX .. (STORM and "" or sent)
    return wrk.format("POST", nil, wrk.headers, BODY)
end
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Figures of one way.

    ``answered``: requests; ``refused``: those without a 2xx; ``made``: new notifications; ``rate``:
    answers per second; ``web``, ``postgres``: microseconds of CPU for each answer.
    """

    answered: int
    refused: int
    made: int
    rate: float
    web: float
    postgres: float

    @property
    def cpu(self) -> float:
        return self.web + self.postgres


def measure(on: Service, *, quick: bool) -> Report:
    """Measure storms and new notifications in turn."""
    runs, seconds = (1, 4) if quick else (3, 10)
    if others := on.processes.pids().keys() - {"web"}:
        on.processes.stop(*others)
    on.audience("storm", 10)
    storms: list[Measurement] = []
    new: list[Measurement] = []
    for number in range(-1, runs):  # the first run warms up
        length = seconds if number >= 0 else 2
        one, two = _measured(on, length, storm=True), _measured(on, length, storm=False)
        if number >= 0:
            storms.append(one)
            new.append(two)
            print(f"  run {number + 1}: {one.cpu:,.0f} µs in a storm, {two.cpu:,.0f} µs new")
    return _report(storms, new)


def _measured(on: Service, seconds: int, *, storm: bool) -> Measurement:
    """Send requests for so many seconds.

    Raises ``StackError`` where wrk is not available, or a storm made more than one notification.
    """
    body: Mapping[str, object] = {
        "user_id": "storm-7",
        "content": {"title": "Order A-7 is on its way", "body": "Expect it on Friday."},
        "channels": ["push"],
    }
    prefix = f"{uuid.uuid4()}-"
    constants = {"BODY": json.dumps(body), "PREFIX": prefix, "STORM": storm}
    lines = [f"local {name} = {json.dumps(value)}" for name, value in constants.items()]
    script = "\n".join([*lines, SCRIPT])
    time.sleep(wrk.QUIET_SECONDS)
    pids = {name: pid for name, pid in on.pids().items() if name in ("web", "postgres")}
    with Meter(pids) as meter:
        printed = wrk.ask(on, f"{on.api_url}/v1/notifications", script, CONNECTIONS, seconds)
    made = _made(on, prefix)
    if storm and made != 1:
        raise StackError(f"A storm of one key made {made} notifications")
    return _read(printed, made, {n: c.cpu for n, c in meter.costs.items()})


def _read(output: str, made: int, cpu: Mapping[str, float]) -> Measurement:
    found = re.search(r"(\d+) requests in", output)
    if found is None or "Socket errors" in output:
        raise StackError(f"wrk:\n{output}")
    answered = int(found[1])
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", output)[0])
    each = {name: seconds * 1e6 / answered for name, seconds in cpu.items()}
    return Measurement(
        answered, int(refused[1]) if refused else 0, made, rate, each["web"], each["postgres"]
    )


def _made(on: Service, prefix: str) -> int:
    """Return the number of notifications under keys with this prefix."""
    with on.database() as cursor:
        cursor.execute(
            "SELECT count(*) FROM delivery_notification WHERE id::text IN "
            "(SELECT answer ->> 'id' FROM delivery_idempotencykey WHERE key LIKE %s)",
            [prefix + "%"],
        )
        return int(cursor.fetchone()[0])


def _report(storms: list[Measurement], new: list[Measurement]) -> Report:
    ratio = median(one.cpu / two.cpu for one, two in zip(storms, new, strict=True))
    ways = {"one key": storms, "a new key each": new}
    costs = {name: median(one.cpu for one in asked) for name, asked in ways.items()}
    table = Table(
        ("under", "answers/s", "µs of CPU each", "API", "PostgreSQL", "not 2xx", "notifications"),
        [
            (
                name,
                f"{median(one.rate for one in asked):,.0f}",
                f"{costs[name]:,.0f}",
                f"{median(one.web for one in asked):,.0f}",
                f"{median(one.postgres for one in asked):,.0f}",
                f"{median(one.refused / one.answered for one in asked):.2%}",
                f"{median(one.made for one in asked):,.0f}",
            )
            for name, asked in ways.items()
        ],
    )
    return Report(
        "storm",
        f"The same request under one Idempotency-Key and under new ones, {CONNECTIONS} connections",
        [table],
        [Bar("of what a new one costs", ratio, most=MOST_OF_NEW)],
        {
            "runs": [
                {"storm": one.cpu, "new": two.cpu, "refused": one.refused}
                for one, two in zip(storms, new, strict=True)
            ]
        },
        [partial(columns, values=costs, what="µs of CPU for each request")],
    )
