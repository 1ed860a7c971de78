"""The report of all trials: a table, and JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faults.harness.fault import FAULTS
from faults.harness.trial import Result

RESULTS = Path(__file__).parent.with_name("results")
COLUMNS = (
    *("fault", "accepted", "terminal", "waiting", "lost", "duplicates (bound)"),
    *("after cancel/expiry", "OTP p99", "recovery", "verdict"),
)


def cells(result: Result) -> list[str]:
    """Return a row of the table."""
    books = result.account
    p99 = result.codes_p99
    return [
        result.fault.name,
        f"{books.accepted:,}",
        f"{books.terminal:,}",
        f"{books.waiting:,}",
        f"{books.lost:,}",
        f"{books.duplicates:,} ({result.bound:,})",
        f"{books.after_cancel}/{books.after_expiry}",
        "-" if p99 is None else f"{p99:.2f} s",
        f"{result.recovery:.1f} s",
        "holds" if result.holds else "FAILS",
    ]


def table(results: Sequence[Result]) -> str:
    """Format the table as Markdown with aligned columns, as the documents quote it."""
    lines = [list(COLUMNS), *map(cells, results)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS))]
    text = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def as_dict(result: Result) -> dict[str, Any]:
    """Return a row with all counts."""
    books = result.account
    waits = books.codes
    return {
        "fault": result.fault.name,
        "what": result.fault.what,
        "accepted": books.accepted,
        "terminal": books.terminal,
        "waiting": books.waiting,
        "lost": books.lost,
        "duplicates": books.duplicates,
        "duplicates_bound": result.bound,
        "bound_is": result.fault.duplicates.value,
        "after_cancel": books.after_cancel,
        "after_expiry": books.after_expiry,
        "states": dict(sorted(books.states.items())),
        "one_time_codes": len(waits),
        "otp_p50_seconds": round(waits[len(waits) // 2], 3) if waits else None,
        "otp_p99_seconds": round(p99, 3) if (p99 := result.codes_p99) is not None else None,
        "otp_bound_seconds": result.fault.codes,
        "recovery_seconds": round(result.recovery, 2),
        "recovery_bound_seconds": result.fault.recovery,
        "took_seconds": round(result.seconds, 1),
        "holds": result.holds,
        "problems": [*result.problems, *result.late],
    }


def write(
    results: Sequence[Result], seed: int, machine: Mapping[str, Any], directory: Path = RESULTS
) -> Path:
    """Write ``faults.json``: the last run of each fault, with its seed. Returns the path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "faults.json"
    kept = json.loads(path.read_text())["faults"] if path.exists() else []
    rows = {row["fault"]: row for row in kept}
    run = {"seed": seed, "commit": machine["commit"], "at": machine["at"]}
    rows |= {result.fault.name: as_dict(result) | run for result in results}
    ordered = [rows[name] for name in FAULTS if name in rows]
    path.write_text(json.dumps({"machine": dict(machine), "faults": ordered}, indent=1) + "\n")
    return path
