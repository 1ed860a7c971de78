"""Partitions: whether a month of old days slows down new deliveries, and what it costs to drop one.

The tables are partitioned (``manage.py partition``), and of 30 days in the past each has its
partitions. It measures the rate of one publish, and of single requests, while these are empty, then
with 50 million old deliveries in them, then with them empty again; and in between it drops the
oldest day, which has five million, and of which a thousand more are kept, while a publish is sent,
and asks PostgreSQL which statements waited for a lock for longer than 100 ms. It takes about 30 GB
of disk; ``BENCH_OLD_ROWS`` changes the number of old rows.
"""

import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from bench.harness import singles
from bench.harness.report import Bar, Report, Table, columns
from bench.harness.rows import without_indexes
from bench.harness.service import Blast, Service
from stack.errors import StackError
from stack.supervision.process import ROOT

PROCESSES = ("web", "fanout", "push", "housekeeping", "beat")
DAYS = 30
OLD = 50_000_000
#: The share of the oldest day, the one that is dropped.
OF_ONE_DAY = 0.1
EMPTY, FULL, EMPTY_AGAIN = "30 empty days", "30 full days", "30 empty days again"
LEAST = 0.95
#: Deliveries that are kept of that day, as many as may be, and of each notification.
KEPT, KEPT_EACH = 1_000, 10
#: Most seconds for a day's drop, and most milliseconds that a statement waits for it.
DROP_SECONDS, WAIT_MS = 1.0, 100
PEOPLE = 2_000

ROWS = """
INSERT INTO {table} (id, notification_id, chunk_id, publisher_id, contact_id, recipient_id,
    channel, priority, state, reason, provider, provider_message_id, attempts, created_at,
    updated_at)
SELECT {first_id} + i, (left(%(uuid)s, 24) || lpad(to_hex(i / %(each)s), 12, '0'))::uuid,
    -1 - i / 500,
    (SELECT min(id) FROM publishers_publisher), 1 + i, 1 + i %% 1000000, 'push', 'low',
    'accepted', '', 'fcm', md5(i::text), 1, %(day)s, %(day)s
FROM generate_series(1, %(rows)s::bigint) i
"""
_PARTITION = """
from datetime import timedelta
from django.db import connection
from apps.core import clock
from apps.delivery.maintenance.partitions import making, moving, tables
from notifier.domain.ids import days
moving.MARGIN = -{days}
moving.partition_all()
today = days.of_moment(clock.moment())
with connection.cursor() as cursor:
    for table in tables.TABLES:
        for number in range(1, {days}):
            day = today - timedelta(days=number)
            if day not in tables.attached_days(cursor, table):
                making.add(cursor, table, day)
making.make_ahead()
"""
_DROP = """
import time
from datetime import date, timedelta
from apps.delivery.maintenance.partitions import dropping
from apps.delivery.models import Delivery
day = date.fromisoformat("{day}")
rows = Delivery.objects.filter(notification_id__gte="{first}", notification_id__lt="{end}")
kept = list(rows.values_list("notification_id", flat=True).distinct())
began = time.monotonic()
dropping.drop(dropping.Span(day, day + timedelta(days=1)), kept)
print("seconds", time.monotonic() - began)
assert rows.count() == {kept}, rows.count()
"""


class Stage(NamedTuple):
    """Publishes one after the other, and single requests."""

    blasts: list[Blast]
    single: float

    @property
    def rate(self) -> float:
        """Deliveries per second: the median of all publishes but the first."""
        return median(blast.rate for blast in self.blasts[1:])


def measure(on: Service, *, quick: bool) -> Report:
    """Measure each stage, and the drop of a day before the last one."""
    subscribers = 20_000 if quick else 100_000
    old = OLD // 100 if quick else int(os.environ.get("BENCH_OLD_ROWS", OLD))
    on.audience("partitions", subscribers)
    singles.audience(on, PEOPLE)
    _shell(on, _PARTITION.format(days=DAYS))
    today = datetime.now(UTC).date()
    past = [today - timedelta(days=number) for number in range(DAYS, 0, -1)]
    stages = {EMPTY: _stage(on, subscribers, quick)}
    _fill(on, past, old)
    stages[FULL] = _stage(on, subscribers, quick)
    seconds, waited, sent = _drop(on, past[0], subscribers)
    with on.database() as cursor:
        for day in past[1:]:
            cursor.execute(f"TRUNCATE {_table(day)}")
    stages[EMPTY_AGAIN] = _stage(on, subscribers, quick)
    return _report(subscribers, old, stages, seconds, waited, sent)


def _stage(on: Service, subscribers: int, quick: bool) -> Stage:
    blasts = [on.blast("partitions", subscribers) for _ in range(4)]
    single, _ = singles.post_each(on, 3 if quick else 15, PEOPLE)
    rates = " ".join(f"{blast.rate:,.0f}" for blast in blasts)
    print(f"  {rates}/s, single {single.rate:,.0f}/s", flush=True)
    return Stage(blasts, single.rate)


def _shell(on: Service, code: str) -> str:
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=on.env, capture_output=True, text=True)
    if done.returncode:
        raise StackError(f"manage.py shell: {done.stderr}")
    return done.stdout


def _table(day: date) -> str:
    return f"delivery_delivery_{day:%Y%m%d}"


def _first(day: date, variant: int = 8) -> str:
    """Return the first id of a day's notifications: of those that are kept with variant 9."""
    moment = f"{(day - date(1970, 1, 1)).days * 86_400_000:012x}"
    return f"{moment[:8]}-{moment[8:]}-7000-{variant:x}000-000000000000"


def _fill(on: Service, past: list[date], old: int) -> None:
    """Create old deliveries of the days, most of them of the oldest one."""
    began = time.monotonic()
    first = int(old * OF_ONE_DAY)
    others = (old - first) // (len(past) - 1)
    names = list(on.processes.pids())
    on.processes.stop(*names)

    def fill(day: date, rows: int) -> None:
        number = (day - date(1970, 1, 1)).days
        with on.database() as cursor:
            cursor.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
            with without_indexes(cursor, _table(day)):
                cursor.execute(
                    ROWS.format(table=_table(day), first_id=number << 36),
                    {"uuid": _first(day), "day": day, "rows": rows, "each": 10_000},
                )
                if day == past[0]:
                    cursor.execute(
                        ROWS.format(table=_table(day), first_id=(number << 36) + rows),
                        {"uuid": _first(day, 9), "day": day, "rows": KEPT, "each": KEPT_EACH},
                    )
            cursor.execute(f"VACUUM ANALYZE {_table(day)}")

    with on.database() as cursor:
        bounds = {}
        for day in past:
            cursor.execute(
                "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = %s::regclass",
                [_table(day)],
            )
            (bounds[day],) = cursor.fetchone()
            cursor.execute(f"ALTER TABLE delivery_delivery DETACH PARTITION {_table(day)}")
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(fill, past, [first] + [others] * (len(past) - 1)))
        for day, bound in bounds.items():
            cursor.execute(f"ALTER TABLE delivery_delivery ATTACH PARTITION {_table(day)} {bound}")
        cursor.execute("CHECKPOINT")
    for name in names:
        on.processes.restart(name)
    on.processes.wait_ready(180)
    print(f"  made {old:,} old deliveries in {time.monotonic() - began:.0f} s", flush=True)


def _drop(on: Service, day: date, subscribers: int) -> tuple[float, int, Blast]:
    """Drop a day during a publish.

    Returns the seconds it took, the number of statements that waited for a lock for more than
    ``WAIT_MS`` meanwhile, and the publish.
    """
    log = on.state.log("postgres")
    with on.database() as cursor:
        cursor.execute(f"ALTER SYSTEM SET deadlock_timeout = '{WAIT_MS}ms'")
        cursor.execute("ALTER SYSTEM SET log_lock_waits = on")
        cursor.execute("SELECT pg_reload_conf()")
    before = log.stat().st_size
    found: list[Blast] = []
    thread = threading.Thread(target=lambda: found.append(on.blast("partitions", subscribers)))
    thread.start()
    time.sleep(1)
    code = _DROP.format(day=day, first=_first(day, 9), end=_first(day, 10), kept=KEPT)
    seconds = float(_shell(on, code).rpartition("seconds ")[2])
    thread.join()
    with log.open(errors="replace") as lines:
        lines.seek(before)
        waited = len(re.findall(r"still waiting for \w+Lock on relation", lines.read()))
    print(f"  dropped {day} in {seconds:.3f} s, {waited} waited", flush=True)
    return seconds, waited, found[0]


def _report(
    subscribers: int,
    old: int,
    stages: dict[str, Stage],
    seconds: float,
    waited: int,
    during: Blast,
) -> Report:
    rates = {name: stage.rate for name, stage in stages.items()}
    empty = median(blast.rate for name in (EMPTY, EMPTY_AGAIN) for blast in stages[name].blasts[1:])
    alone = median(stages[name].single for name in (EMPTY, EMPTY_AGAIN))
    table = Table(
        ("in the tables", "deliveries/s", "warm-up", "each run", "µs CPU each", "single/s"),
        [
            (
                name,
                f"{stage.rate:,.0f}",
                f"{stage.blasts[0].rate:,.0f}",
                " ".join(f"{blast.rate:,.0f}" for blast in stage.blasts[1:]),
                f"{median(blast.own_cpu for blast in stage.blasts[1:]):.0f}",
                f"{stage.single:,.0f}",
            )
            for name, stage in stages.items()
        ],
    )
    every: list[Any] = [*(blast for stage in stages.values() for blast in stage.blasts), during]
    return Report(
        "partitions",
        f"One publish to {subscribers:,} subscribers, beside {old:,} deliveries of {DAYS} days",
        [table],
        [
            Bar("full days, of the rate on empty ones", rates[FULL] / empty, least=LEAST),
            Bar("… of single requests", stages[FULL].single / alone, least=LEAST),
            Bar(
                f"seconds to drop {int(old * OF_ONE_DAY):,} of one day", seconds, most=DROP_SECONDS
            ),
            Bar(f"statements that waited over {WAIT_MS} ms for it", float(waited), most=0),
            Bar(
                "sink's count less accepted on record",
                float(max(abs(blast.came - blast.sent) for blast in every)),
                most=0,
            ),
        ],
        {
            "subscribers": subscribers,
            "old": old,
            "drop_seconds": seconds,
            "stages": {
                name: {
                    "deliveries_per_second": [blast.rate for blast in stage.blasts[1:]],
                    "singles_per_second": stage.single,
                }
                for name, stage in stages.items()
            },
        },
        [partial(columns, values=rates, what="deliveries a second")],
    )
