"""The report of a benchmark: tables, JSON and a picture."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESULTS = Path(__file__).parent.with_name("results")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under column names. The first column has words, the others numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        text = [
            "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        text.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
        return "\n".join(text)


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of a figure: ``least`` or more, ``most`` or less."""

    what: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def holds(self) -> bool:
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )

    def __str__(self) -> str:
        wanted = [f"at least {self.least:g}"] if self.least is not None else []
        wanted += [f"at most {self.most:g}"] if self.most is not None else []
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        return f"{self.what}: {self.value:,.4g}, wanted {' and '.join(wanted)}: {verdict}"


@dataclass(frozen=True, slots=True)
class Report:
    """A report. ``data``: figures for other programs; ``plots``: functions that draw on axes."""

    name: str
    title: str
    tables: Sequence[Table]
    bars: Sequence[Bar]
    data: Mapping[str, Any]
    plots: Sequence[Callable[["Axes"], None]]

    @property
    def holds(self) -> bool:
        """True if every bar holds."""
        return all(bar.holds for bar in self.bars)

    def __str__(self) -> str:
        parts = [self.title, *map(str, self.tables), "\n".join(map(str, self.bars))]
        return "\n\n".join(parts)


def write(report: Report, machine: Mapping[str, Any], directory: Path = RESULTS) -> Path:
    """Write ``<name>.json`` and ``<name>.png``. Returns the path of the first."""
    directory.mkdir(parents=True, exist_ok=True)
    bars = [
        {
            "what": bar.what,
            "value": bar.value,
            "least": bar.least,
            "most": bar.most,
            "holds": bar.holds,
        }
        for bar in report.bars
    ]
    kept = {
        "benchmark": report.name,
        "title": report.title,
        "machine": dict(machine),
        "bars": bars,
        **report.data,
    }
    path = directory / f"{report.name}.json"
    path.write_text(json.dumps(kept, indent=2) + "\n")
    _draw(report, machine, path.with_suffix(".png"))
    return path


def _draw(report: Report, machine: Mapping[str, Any], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(report.plots), figsize=(6.2 * len(report.plots), 4.2), squeeze=False
    )
    for place, plot in enumerate(report.plots):
        plot(axes[0][place])
        axes[0][place].spines[["top", "right"]].set_visible(False)
    figure.suptitle(report.title)
    figure.text(
        0.5,
        0.01,
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB; "
        f"Python {machine['python']}, commit {machine['commit']}",
        ha="center",
        fontsize=7,
        color="#666666",
    )
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def columns(axes: "Axes", values: Mapping[str, float], what: str) -> None:
    """Draw horizontal columns, the first one on top, each with its value."""
    names = list(values)[::-1]
    drawn = axes.barh(names, [values[name] for name in names], color="#3b6ea5")
    axes.bar_label(drawn, fmt="{:,.0f}", padding=3)
    axes.set_xlabel(what)
    axes.margins(x=0.18)
