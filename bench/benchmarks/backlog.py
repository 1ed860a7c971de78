"""Backlog: whether waiting deliveries, or years of old rows, slow down new ones.

It measures the rate of one publish in an empty database, then while a million deliveries wait for
their next attempt, then with 50 million old ones in the table, then in an empty one again, since
the machine itself may get faster or slower in the quarter of an hour that it takes. Waiting and old
rows are created by SQL, and take about 30 GB of disk; ``BENCH_OLD_ROWS`` changes their number.
"""

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

from bench.harness.report import Bar, Report, Table, columns
from bench.harness.rows import without_indexes
from bench.harness.service import Blast, Service
from stack.errors import StackError

PROCESSES = ("web", "fanout", "push", "housekeeping", "beat")
WAITING, OLD = 1_000_000, 50_000_000
EMPTY, EMPTY_AGAIN = "an empty table", "an empty table again"
BYTES_EACH = 600  # with their indexes
LEAST = 0.9
#: Rows of one statement; as many statements run at once as there are cores.
STEP = 1_000_000
#: The fill factor of pages with old rows, in percent. The service inserts short rows, up to the
#: table's own fill factor of 40, which grow when they are sent and leave no space in the page. Old
#: rows are created in their final length, which would leave space for a short row in every fourth
#: page, and new rows would be scattered over all of them.
FULL = 60

ROWS = """
INSERT INTO delivery_delivery (notification_id, chunk_id, publisher_id, contact_id, recipient_id,
    channel, priority, state, reason, provider, provider_message_id, attempts, next_attempt_at,
    created_at, updated_at)
SELECT ('01930000-0000-7000-8000-' || lpad(to_hex(i / 10000), 12, '0'))::uuid, -1 - i / 500,
    (SELECT min(id) FROM publishers_publisher), 1 + i, 1 + i %% 1000000, 'push', 'low',
    %(state)s, %(reason)s, 'fcm', md5(i::text), 1,
    CASE WHEN %(state)s = 'retrying'
         THEN now() + interval '3 hours' + make_interval(secs => i %% 3600) END,
    now() - interval '100 days', now() - interval '100 days'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) i
"""


def measure(on: Service, *, quick: bool) -> Report:
    """Measure the median of three publishes at each stage.

    One more warms up, since no page of the new indexes has been written since the checkpoint.
    """
    subscribers = 20_000 if quick else 100_000
    waiting = WAITING // 10 if quick else WAITING
    old = OLD // 100 if quick else int(os.environ.get("BENCH_OLD_ROWS", OLD))
    free = shutil.disk_usage(on.state.directory).free
    if free < 1.3 * BYTES_EACH * (old + waiting):
        raise StackError(
            f"{old:,} old rows need {BYTES_EACH * old / 1e9:.0f} GB, and {free / 1e9:.0f} are "
            "free: make them fewer with BENCH_OLD_ROWS."
        )
    on.audience("backlog", subscribers)
    stages = {EMPTY: _blasts(on, subscribers)}
    _make(on, "retrying", "provider_error", 0, waiting)
    stages[f"{waiting:,} waiting for a retry"] = _blasts(on, subscribers)
    _make(on, "accepted", "", waiting, waiting + old)
    stages[f"and {old:,} old ones"] = _blasts(on, subscribers)
    with on.database() as cursor:
        cursor.execute("TRUNCATE delivery_delivery CASCADE")
    stages[EMPTY_AGAIN] = _blasts(on, subscribers)
    return _report(subscribers, stages)


def _blasts(on: Service, subscribers: int) -> list[Blast]:
    """Publish several times; the first one warms up."""
    found = [on.blast("backlog", subscribers) for _ in range(4)]
    print(f"  {' '.join(f'{blast.rate:,.0f}' for blast in found)}/s", flush=True)
    return found


def _make(on: Service, state: str, reason: str, start: int, end: int) -> None:
    """Create old deliveries from number ``start`` on, without notifications and chunks.

    The service's processes are stopped meanwhile: without the indexes, each of their polls would
    read the whole table.
    """
    began = time.monotonic()
    names = list(on.processes.pids())
    on.processes.stop(*names)
    steps = [(first, min(first + STEP, end) - 1) for first in range(start, end, STEP)]

    def insert(first: int, last: int) -> None:
        with on.database() as cursor:
            cursor.execute("SET synchronous_commit = off")
            cursor.execute(ROWS, {"state": state, "reason": reason, "first": first, "last": last})

    with on.database() as cursor, ThreadPoolExecutor(os.cpu_count()) as threads:
        cursor.execute("SET maintenance_work_mem = '1GB'")
        with without_indexes(cursor, "delivery_delivery"), _filled(cursor, FULL):
            list(threads.map(lambda step: insert(*step), steps))
        cursor.execute("VACUUM ANALYZE delivery_delivery")
        cursor.execute("CHECKPOINT")
    for name in names:
        on.processes.restart(name)
    on.processes.wait_ready(180)
    seconds = time.monotonic() - began
    print(f"  made {end - start:,} {state} deliveries in {seconds:.0f} s", flush=True)


@contextmanager
def _filled(cursor: Any, percent: int) -> Iterator[None]:
    """Set the table's fill factor until the end of the block."""
    cursor.execute("SELECT reloptions FROM pg_class WHERE oid = 'delivery_delivery'::regclass")
    usual = ", ".join(cursor.fetchone()[0])
    cursor.execute(f"ALTER TABLE delivery_delivery SET (fillfactor = {percent})")
    yield
    cursor.execute(f"ALTER TABLE delivery_delivery SET ({usual})")


def _report(subscribers: int, stages: dict[str, list[Blast]]) -> Report:
    rates = {name: median(blast.rate for blast in found[1:]) for name, found in stages.items()}
    empty = median(blast.rate for name in (EMPTY, EMPTY_AGAIN) for blast in stages[name][1:])
    others = [name for name in rates if name not in (EMPTY, EMPTY_AGAIN)]
    table = Table(
        ("in the table", "deliveries/s", "warm-up", "each run", "µs CPU each", "of it postgres"),
        [
            (
                name,
                f"{rates[name]:,.0f}",
                f"{found[0].rate:,.0f}",
                " ".join(f"{blast.rate:,.0f}" for blast in found[1:]),
                f"{median(blast.own_cpu for blast in found[1:]):.0f}",
                f"{median(blast.cpu('postgres') for blast in found[1:]):.0f}",
            )
            for name, found in stages.items()
        ],
    )
    every = [blast for found in stages.values() for blast in found]
    return Report(
        "backlog",
        f"One publish to {subscribers:,} push subscribers, beside a backlog",
        [table],
        [
            *(
                Bar(
                    f"{name}, of the rate on an empty table",
                    rates[name] / empty,
                    least=LEAST,
                )
                for name in others
            ),
            Bar(
                "sink's count less accepted on record",
                float(max(abs(blast.came - blast.sent) for blast in every)),
                most=0,
            ),
        ],
        {
            "subscribers": subscribers,
            "stages": {
                name: {
                    "warm_up": found[0].rate,
                    "deliveries_per_second": [blast.rate for blast in found[1:]],
                }
                for name, found in stages.items()
            },
        },
        [partial(columns, values=rates, what="deliveries a second")],
    )
