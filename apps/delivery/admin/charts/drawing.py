"""Line charts over time: inline SVG with a table of the same numbers.

Labels are HTML beside the lines, so they stay readable at any width. ``operators/charts.js`` reads
the table and shows the numbers of a point to those who point at it or go there by keyboard.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import floor, log10
from zoneinfo import ZoneInfo

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.delivery.admin.charts.ranges import Axis
from apps.operators import markup

#: The size of a chart's own coordinates, which the page stretches.
WIDTH, HEIGHT = 1000.0, 100.0
#: Lines that are drawn in colours of their own; there are no more in one chart.
MOST_LINES = 8
#: Numbers on the vertical axis beside 0, at most.
MOST_TICKS = 4


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of numbers: how one is written, and the least distance of round ones on the axis.

    ``most``: the end of the axis, if it is the same for all charts.
    """

    write: Callable[[float], str]
    least: float = 0.0
    most: float = 0.0


def duration(milliseconds: float) -> str:
    """Write a duration: ``3 ms``, ``250 ms``, ``2.5 s``, ``4 min``, ``30 h``."""
    if milliseconds < 10:
        return f"{milliseconds:.2g} ms"
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:,.0f} h"


def share(part: float) -> str:
    """Write a share in per cent; what is not all of it is never written as 100 %."""
    percent = part * 100
    return f"{min(percent, 99.9) if percent < 100 else percent:.3g} %"


COUNT = Unit(lambda number: f"{number:,.0f}", least=1.0)
DURATION = Unit(duration)
SHARE = Unit(share, most=1.0)

#: Numbers of a line, one for each step; ``None`` where there is none.
Numbers = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, to be marked on charts. ``what``: a clause for people."""

    at: datetime
    what: str


def chart(
    label: str,
    axis: Axis,
    lines: Mapping[str, Numbers],
    unit: Unit = COUNT,
    marks: Sequence[Mark] = (),
) -> SafeString:
    """Draw the first ``MOST_LINES`` lines that have a number."""
    found = [name for name, numbers in lines.items() if any(one is not None for one in numbers)]
    if not found:
        return format_html('<p class="n-muted">{}</p>', "Nothing in this time.")
    drawn = {name: lines[name] for name in found[:MOST_LINES]}
    most = max(number or 0.0 for numbers in drawn.values() for number in numbers)
    ticks = _round_numbers(unit.most or most, unit.least)
    top = unit.most or max(most, ticks[-1])
    return format_html(
        '<figure class="n-plot"><div class="n-plot-frame">{}'
        '<div class="n-plot-area" role="img" aria-label="{}">{}</div></div>'
        "{}{}{}</figure>",
        _heights(ticks, top, unit),
        label,
        _picture(axis, drawn, ticks, top, marks),
        _times(axis, axis.zone),
        _legend(drawn),
        _table(label, axis, drawn, unit, marks),
    )


def counts(
    label: str,
    axis: Axis,
    series: Mapping[str, Mapping[datetime, int]],
    marks: Sequence[Mark] = (),
) -> SafeString:
    """Draw a line for each name: the sum of its values in each step; missing values are 0."""
    lines = {
        name: added_up(axis, values)
        for name, values in sorted(series.items())
        if any(values.values())
    }
    return chart(label, axis, lines, marks=marks)


def added_up(axis: Axis, values: Mapping[datetime, int]) -> list[float]:
    """Add up the values of each step."""
    numbers = [0.0] * int((axis.until - axis.since) / axis.step)
    for moment, value in values.items():
        place = int((moment - axis.since) // axis.step)
        if 0 <= place < len(numbers):
            numbers[place] += value
    return numbers


def _round_numbers(most: float, least: float) -> list[float]:
    """Return up to ``MOST_TICKS`` multiples of 1, 2 or 5 times a power of ten, up to ``most``."""
    power = 10.0 ** floor(log10(most / MOST_TICKS))
    distance = next(
        power * factor for factor in (1, 2, 5, 10) if most / (power * factor) <= MOST_TICKS
    )
    distance = max(distance, least)
    return [distance * number for number in range(1, max(floor(most / distance + 1e-9), 1) + 1)]


def _heights(ticks: Sequence[float], top: float, unit: Unit) -> SafeString:
    return format_html(
        '<div class="n-plot-heights" aria-hidden="true">{}</div>',
        format_html_join(
            "",
            '<span style="bottom:{}%">{}</span>',
            ((f"{number / top * 100:.2f}", unit.write(number)) for number in (0.0, *ticks)),
        ),
    )


def _picture(
    axis: Axis,
    lines: Mapping[str, Numbers],
    ticks: Sequence[float],
    top: float,
    marks: Sequence[Mark],
) -> SafeString:
    return format_html(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}{}{}</svg>',
        f"{WIDTH:.0f}",
        f"{HEIGHT:.0f}",
        format_html_join(
            "",
            '<path class="n-plot-grid" d="M0 {}H1000"/>',
            ((f"{HEIGHT * (1 - number / top):.2f}",) for number in (0.0, *ticks)),
        ),
        format_html_join(
            "",
            '<path class="n-plot-mark" d="M{} 0V100"/>',
            ((f"{axis.share(mark.at) * WIDTH:.1f}",) for mark in marks),
        ),
        format_html_join(
            "",
            '<path class="n-line n-line-{}" d="{}"/>',
            ((place, _line(numbers, top)) for place, numbers in enumerate(lines.values())),
        ),
    )


def _line(numbers: Numbers, top: float) -> str:
    """Return the path of a line, with gaps where there is no number, and dots between gaps."""
    path, pen = [], "M"
    for place, number in enumerate(numbers):
        if number is None:
            pen = "M"
            continue
        x = (place + 0.5) / len(numbers) * WIDTH
        path.append(f"{pen}{x:.1f} {HEIGHT * (1 - number / top):.2f}")
        if pen == "M":
            path.append("h.01")
        pen = "L"
    return "".join(path)


def _legend(lines: Mapping[str, Numbers]) -> SafeString:
    return format_html(
        '<ul class="n-plot-legend">{}</ul>',
        format_html_join(
            "",
            '<li><svg viewBox="0 0 24 4" aria-hidden="true">'
            '<path class="n-line n-line-{}" d="M0 2H24"/></svg>{}</li>',
            enumerate(lines),
        ),
    )


def _table(
    label: str, axis: Axis, lines: Mapping[str, Numbers], unit: Unit, marks: Sequence[Mark]
) -> SafeString:
    """Render the numbers, a row for each step. The script takes them from here."""
    happened = _by_step(axis, marks)
    headers = ["time", *lines, *(["what changed"] if happened else [])]

    # Units write nothing that HTML would take for markup: escaping each number takes longest.
    cells = [
        ["–" if number is None else unit.write(number) for number in numbers]
        for numbers in lines.values()
    ]
    if happened:
        cells.append([escape("; ".join(happened.get(place, ()))) for place in range(len(cells[0]))])
    rows = mark_safe(
        "".join(
            f'<tr><th scope="row">{moment}</th><td>{"</td><td>".join(row)}</td></tr>'
            for moment, *row in zip(_moments(axis, axis.zone), *cells, strict=True)
        )
    )
    return format_html(
        '<details class="n-plot-table"><summary>{}</summary><table class="n-table">'
        "<caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table></details>",
        "As a table",
        label,
        format_html_join("", '<th scope="col">{}</th>', ((header,) for header in headers)),
        rows,
    )


# All charts of a page have the same axis, and its times take longest.
@lru_cache(maxsize=16)
def _times(axis: Axis, zone: ZoneInfo) -> SafeString:
    return format_html(
        '<div class="n-plot-times">{}<span class="n-plot-zone">{}</span></div>',
        format_html_join(
            "",
            '<span style="left:{}%">{}</span>',
            ((f"{place * 100:.2f}", text) for place, text in axis.ticks() if place <= 0.97),
        ),
        f"{axis.until.astimezone(zone):%Z}",
    )


@lru_cache(maxsize=16)
def _moments(axis: Axis, zone: ZoneInfo) -> list[str]:
    """Write the beginning of each step."""
    written = [markup.at(moment) for moment in axis.moments()]
    return [*written[:-1], f"{written[-1]} (so far)"]


def _by_step(axis: Axis, marks: Sequence[Mark]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for mark in marks:
        found.setdefault(int((mark.at - axis.since) // axis.step), []).append(mark.what)
    return found
