"""Disk: bytes that a delivery takes while it is kept.

Of notifications to one recipient each that are posted in batches and one by one, as in
``bench.benchmarks.transactional``, and of a publish. Before and after each, every table is vacuumed
as autovacuum does it, which frees room in a table for later rows and does not make it smaller. What
each table, its indexes and its TOAST grew by is divided by the number of deliveries.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from bench.harness import singles
from bench.harness.report import Bar, Report, Table, columns
from bench.harness.service import Service

PROCESSES = ("web", "fanout", "push", "push_high", "housekeeping", "beat")
FULL, QUICK = 20_000, 2_000
#: Notifications that are posted one by one, and for how many seconds at a time.
POSTED, SECONDS = 2_000, 10
PEOPLE = 2_000
TOPIC = "disk"
BATCHES, POSTS, PUBLISH = "single, in a batch", "single, posted by itself", "one of a publish"
#: Tables whose rows go with the record of a notification. Others are emptied within a day.
RECORDS = ("delivery_notification", "delivery_delivery", "delivery_attempt", "delivery_statecount")
#: Bytes of a single for as long as its record is kept.
MOST = 1_500

SIZES = """
SELECT relname, pg_relation_size(oid), pg_indexes_size(oid),
       pg_total_relation_size(oid) - pg_relation_size(oid) - pg_indexes_size(oid)
  FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


class Sizes(NamedTuple):
    """Bytes of a table's rows, of its indexes, and of its TOAST and its maps of free room."""

    rows: float
    indexes: float
    rest: float


class Growth(NamedTuple):
    """The growth of each table for each of ``many`` deliveries."""

    many: int
    tables: Mapping[str, Sizes]

    def of(self, name: str) -> float:
        """Return the bytes of a table, indexes included."""
        return sum(self.tables.get(name, ()))

    @property
    def kept(self) -> float:
        """Bytes for as long as the record is kept."""
        return sum(map(self.of, RECORDS))


def measure(on: Service, *, quick: bool) -> Report:
    """Measure the growth of each table by each way of sending."""
    many = QUICK if quick else FULL
    singles.audience(on, PEOPLE)
    on.audience(TOPIC, many)
    _batches(on, QUICK)  # tables that are emptied again and again have had their rows
    return report(
        {
            BATCHES: _growth(on, lambda: _batches(on, many)),
            POSTS: _growth(on, lambda: _posts(on)),
            PUBLISH: _growth(on, lambda: on.blast(TOPIC, many).subscribers),
        }
    )


def _batches(on: Service, many: int) -> int:
    return singles.post_batches(on, "high", many, PEOPLE).many


def _posts(on: Service) -> int:
    posted = 0
    while posted < POSTED:
        posted += singles.post_each(on, SECONDS, PEOPLE)[0].many
    return posted


def _growth(on: Service, send: Callable[[], int]) -> Growth:
    before = _sizes(on)
    many = send()
    every = {
        name: Sizes(*((new - old) / many for new, old in zip(sizes, before[name], strict=True)))
        for name, sizes in _sizes(on).items()
    }
    found = Growth(many, {name: sizes for name, sizes in every.items() if any(sizes)})
    print(f"  {many:,}: {found.kept:,.0f} bytes", flush=True)
    return found


def _sizes(on: Service) -> dict[str, Sizes]:
    with on.database() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(SIZES)
        return {name: Sizes(*sizes) for name, *sizes in cursor.fetchall()}


def report(growths: Mapping[str, Growth]) -> Report:
    """Return a report of what each table grew by for a delivery, by the way it was sent."""
    first = growths[BATCHES]
    names = sorted({name for one in growths.values() for name in one.tables})
    names.sort(key=first.of, reverse=True)
    sums = Table(
        ("bytes for each", *growths),
        [(name, *(f"{one.of(name):,.0f}" for one in growths.values())) for name in names]
        + [("while its record is kept", *(f"{one.kept:,.0f}" for one in growths.values()))],
    )
    parts = Table(
        (f"{BATCHES}: bytes", "rows", "indexes", "TOAST and maps"),
        [
            (name, *(f"{part:,.0f}" for part in first.tables[name]))
            for name in names
            if name in first.tables
        ],
    )
    return Report(
        "disk",
        "What a delivery takes on disk",
        [sums, parts],
        [Bar(f"bytes of a {way}", growths[way].kept, most=MOST) for way in (BATCHES, POSTS)],
        {
            "growth": {
                way: {
                    "deliveries": one.many,
                    "bytes_kept": one.kept,
                    "tables": {name: sizes._asdict() for name, sizes in one.tables.items()},
                }
                for way, one in growths.items()
            }
        },
        [
            partial(
                columns,
                values={name: first.of(name) for name in first.tables},
                what=f"bytes of a {BATCHES}",
            )
        ],
    )
