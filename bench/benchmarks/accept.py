"""Acceptance: notifications per second that the API accepts, one by one and in batches of 1,000.

Every request is authenticated, counted against its publisher's limits, has an idempotency key of
its own, and is answered once it is durable. The comparison is a Django view that inserts one row
(``bench.baselines.bare``), on the same server and database. The workers are stopped.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.harness import batches, wrk
from bench.harness.meter import Meter
from bench.harness.report import Bar, Report, Table, columns
from bench.harness.service import Service
from stack.errors import StackError
from stack.supervision import ports
from stack.supervision.process import Process
from stack.supervision.processes import Procfile

PROCESSES = ("web",)
CONNECTIONS = 16  # as many as threads that answer
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
class Measurement:
    """Figures of one way.

    ``rate``: answers per second, all 2xx; ``p99``: milliseconds (of few answers the longest);
    ``web``, ``postgres``: microseconds of CPU for each answer.
    """

    rate: float
    p99: float
    answered: int
    web: float
    postgres: float


def measure(on: Service, *, quick: bool) -> Report:
    """Measure bare, single and batched requests in turn."""
    runs, seconds, many = (1, 5, 4) if quick else (3, 15, 30)
    if others := on.processes.pids().keys() - {"web"}:
        on.processes.stop(*others)
    on.audience("accept", batches.SIZE)
    notification = {
        "user_id": "accept-7",
        "content": {"title": "Order A-7 is on its way", "body": "Expect it on Friday."},
        "channels": ["push"],
    }
    people = [f"accept-{number}" for number in range(batches.SIZE)]
    batch = {"notifications": [notification | {"user_id": user} for user in people]}
    bare: list[Measurement] = []
    single: list[Measurement] = []
    batched: list[Measurement] = []
    with _Bare(on) as view:
        for number in range(-1, runs):  # the first run warms up
            length = seconds if number >= 0 else 2
            api, web = f"{on.api_url}/v1/notifications", on.pids()["web"]
            one = _measured(on, f"{view.url}/rows", view.pid, notification, length)
            two = _measured(on, api, web, notification, length)
            three = _batched(on, web, batch, many if number >= 0 else 2)
            if number >= 0:
                bare.append(one)
                single.append(two)
                batched.append(three)
                print(
                    f"  run {number + 1}: bare {one.rate:,.0f}/s, accepted {two.rate:,.0f}/s, "
                    f"batched {three.rate * batches.SIZE:,.0f}/s",
                    flush=True,
                )
    return _report(bare, single, batched)


class _Bare(Process):
    """The bare view at ``url``, served as the API is."""

    def __init__(self, on: Service) -> None:
        self._port = ports.free()
        self._on = on
        self.url = f"http://{ports.HOST}:{self._port}"
        command = Procfile({}, on.state.directory).commands["web"]
        for api, bare in (
            ("config.wsgi", "bench.baselines.bare"),
            ("config/gunicorn", "bench/baselines/gunicorn"),
        ):
            command = command.replace(api, bare)
        super().__init__(
            "bare",
            ["/bin/sh", "-c", command],
            env=on.env | {"PORT": str(self._port)},
            output=on.state.log("bare"),
        )

    def start(self) -> None:
        """Create its table, start it, and return once it listens."""
        with self._on.database() as cursor:
            # As in bench.baselines.bare, which cannot be imported because it configures Django.
            cursor.execute(
                """CREATE TABLE bench_bare (id bigserial PRIMARY KEY, said bytea NOT NULL,
                    created_at timestamptz NOT NULL)"""
            )
        super().start()
        self.wait_until(lambda: ports.listens(self._port), 60)


def _measured(
    on: Service,
    url: str,
    pid: int,
    body: Mapping[str, object],
    seconds: int,
) -> Measurement:
    """Send requests for so many seconds; ``pid``: of the server.

    Raises ``StackError`` where wrk is not available, or an answer is not 2xx or has no row.
    """
    before = _stored(on)
    encoded = json.dumps(body)
    script = f"local BODY = {json.dumps(encoded)}\nlocal PREFIX = 'k{before}-{seconds}-'\n{SCRIPT}"
    with Meter({"web": pid, "postgres": on.pids()["postgres"]}) as meter:
        printed = wrk.ask(on, url, script, CONNECTIONS, seconds)
        time.sleep(wrk.QUIET_SECONDS)
    cpu = {name: cost.cpu for name, cost in meter.costs.items()}
    return _read(printed, _stored(on) - before, cpu)


def _batched(on: Service, pid: int, body: Mapping[str, object], many: int) -> Measurement:
    """Send so many batches; ``pid``: of the server."""
    bodies = [json.dumps(body)] * many
    with Meter({"web": pid, "postgres": on.pids()["postgres"]}) as meter:
        began = time.perf_counter()
        took = batches.post(on, bodies)
        seconds = time.perf_counter() - began
    cpu = {name: cost.cpu * 1e6 / many for name, cost in meter.costs.items()}
    return Measurement(many / seconds, max(took) * 1000, many, cpu["web"], cpu["postgres"])


def _read(output: str, stored: int, cpu: Mapping[str, float]) -> Measurement:
    """Parse wrk's output. ``stored``: the number of new rows; ``cpu``: seconds."""
    found = wrk.read(output)
    if stored < found.answered:
        raise StackError(f"{found.answered:,} requests were answered, and {stored:,} are on record")
    # The last requests are answered after wrk has ended, and cost as much.
    each = {name: seconds * 1e6 / stored for name, seconds in cpu.items()}
    return Measurement(found.rate, found.p99, found.answered, each["web"], each["postgres"])


def _stored(on: Service) -> int:
    """Return the number of rows that requests have created."""
    with on.database() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM bench_bare)"
            " + (SELECT count(*) FROM delivery_idempotencykey)"
        )
        return int(cursor.fetchone()[0])


def _report(
    bare: list[Measurement], single: list[Measurement], batched: list[Measurement]
) -> Report:
    ratio = median(two.rate / one.rate for one, two in zip(bare, single, strict=True))
    in_batches = median(one.rate for one in batched) * batches.SIZE
    ways = {"a bare view, one row": (bare, 1), "POST /v1/notifications": (single, 1)}
    ways["POST /v1/notifications/batch"] = batched, batches.SIZE
    rates = {name: median(one.rate for one in asked) * of for name, (asked, of) in ways.items()}
    table = Table(
        ("request", "a second", "in each run", "p99 ms of a request", "µs CPU", "of postgres"),
        [
            (
                name,
                f"{rates[name]:,.0f}",
                " ".join(f"{one.rate * of:,.0f}" for one in asked),
                f"{median(one.p99 for one in asked):,.0f}",
                f"{median((one.web + one.postgres) / of for one in asked):,.0f}",
                f"{median(one.postgres / of for one in asked):,.0f}",
            )
            for name, (asked, of) in ways.items()
        ],
    )
    return Report(
        "accept",
        f"Notifications accepted a second, {CONNECTIONS} connections, batches of {batches.SIZE:,}",
        [table],
        [
            Bar("of a bare view", ratio, least=LEAST_OF_BARE),
            Bar("a second in batches", in_batches, least=LEAST_BATCHED),
        ],
        {
            "runs": [
                {"bare": one.rate, "single": two.rate, "batched": three.rate * batches.SIZE}
                for one, two, three in zip(bare, single, batched, strict=True)
            ]
        },
        [partial(columns, values=rates, what="notifications a second")],
    )
