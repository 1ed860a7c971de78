"""Line charts over time as inline SVG, without scripts or other hosts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.operators import markup

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 480, 150, 44, 20, 8
COLOURS = ("#7c3aed", "#0891b2", "#16a34a", "#d97706", "#db2777", "#475569")
#: Default time that one point of a line adds up.
STEP = timedelta(minutes=3)


def over_time(
    series: Mapping[str, Mapping[datetime, int]],
    since: datetime,
    until: datetime,
    label: str,
    *,
    step: timedelta = STEP,
) -> SafeString:
    """Draw a line for each name: the sum of its values in each ``step``; missing values are 0."""
    lines = {
        name: _steps(values, since, until, step)
        for name, values in sorted(series.items())
        if any(values.values())
    }
    most = max((max(points) for points in lines.values()), default=0)
    if not most:
        return format_html('<p class="n-muted">{}</p>', "Nothing in this time.")
    colours = dict(zip(lines, COLOURS * len(lines), strict=False))
    return format_html(
        '<svg class="n-chart" viewBox="0 0 {} {}" role="img" '
        'aria-label="{}">{}{}</svg><div class="n-row">{}</div>',
        WIDTH,
        HEIGHT,
        label,
        _axes(most, since, until),
        format_html_join(
            "",
            '<polyline fill="none" stroke="{}" stroke-width="2" points="{}"/>',
            ((colours[name], _points(points, most)) for name, points in lines.items()),
        ),
        format_html_join(
            "",
            '<span><b style="color:{}">━</b> {}</span>',
            ((colours[name], name) for name in lines),
        ),
    )


def _steps(
    values: Mapping[datetime, int], since: datetime, until: datetime, step: timedelta
) -> list[int]:
    points = [0] * max(int((until - since) / step), 2)
    for moment, number in values.items():
        place = int((moment - since) / step)
        if 0 <= place < len(points):
            points[place] += number
    return points


def _points(points: Sequence[int], most: int) -> str:
    step = (WIDTH - LEFT) / (len(points) - 1)
    high = HEIGHT - BOTTOM - TOP
    return " ".join(
        f"{LEFT + place * step:.1f},{TOP + high - number / most * high:.1f}"
        for place, number in enumerate(points)
    )


def _axes(most: int, since: datetime, until: datetime) -> SafeString:
    base = HEIGHT - BOTTOM
    return format_html(
        '<line class="n-axis" x1="{0}" y1="{1}" x2="{2}" y2="{1}"/>'
        '<line class="n-axis" x1="{0}" y1="{3}" x2="{2}" y2="{3}"/>'
        '<text x="0" y="{4}">{5}</text><text x="0" y="{1}">0</text>'
        '<text x="{0}" y="{6}">{7}</text><text x="{2}" y="{6}" text-anchor="end">{8}</text>',
        LEFT,
        base,
        WIDTH,
        TOP,
        TOP + 10,
        f"{most:,}",
        HEIGHT - 4,
        markup.at(since),
        markup.at(until),
    )
