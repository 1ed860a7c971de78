"""The pages of charts: of everything, and of one provider."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.views.decorators.http import require_safe

from apps.delivery.admin.charts import changes, drawing, ranges
from apps.delivery.admin.charts.drawing import DURATION, MOST_LINES, SHARE, Mark, Numbers
from apps.delivery.admin.charts.ranges import RANGES, Axis, Range
from apps.delivery.flow import host_breakers
from apps.delivery.flow.breakers import Breaker, breakers
from apps.delivery.monitoring import attempts
from apps.delivery.monitoring.attempts import Step
from apps.delivery.outbox.backlog import backlog
from apps.operators import markup
from notifier.domain import histograms

PERMISSION = "delivery.view_delivery"
#: Rows of a table of what is slow.
SLOWEST = 5
#: Reasons of failed attempts that are listed.
REASONS = 10
#: The span and step of what is slow now.
NOW, NOW_STEP = timedelta(minutes=15), timedelta(minutes=1)
#: Shares of calls, with the names of their quantiles.
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@require_safe
def everything(request: HttpRequest) -> HttpResponse:
    """Show throughput by channel, providers, one-time passwords, what is slow, what changed."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    chosen = ranges.chosen(request.GET.get("range", ""))
    axis = chosen.axis()
    steps = attempts.steps(axis.since, axis.until, axis.step)
    all_breakers = breakers()
    changed = changes.since(axis.since, request.user, all_breakers)
    marks = [change.mark() for change in changed]
    by_provider = _grouped(steps, lambda step: step.provider)
    busiest = _busiest(by_provider)
    context: dict[str, Any] = {
        "title": "Charts",
        "accepted": _by_channel(steps, axis, "accepted", "Messages that providers took", marks),
        "delivered": _by_channel(steps, axis, "delivered", "Messages that arrived", marks),
        "failed": _by_channel(steps, axis, "failed", "Calls that failed", marks),
        "success": drawing.chart(
            "Share of calls that succeeded, by provider",
            axis,
            {name: _successes(axis, by_provider[name]) for name in busiest},
            SHARE,
            marks,
        ),
        "slowness": drawing.chart(
            "95th percentile of the duration of calls, by provider",
            axis,
            {name: _quantiles(axis, by_provider[name], "durations", 0.95) for name in busiest},
            DURATION,
            marks,
        ),
        "waits": _all_quantiles(
            "Time from acceptance to the provider at high priority", axis, steps, "waits", marks
        ),
        "providers": _providers(by_provider, all_breakers, chosen),
        "slow_providers": _slow_providers(),
        "slow_hosts": _slow_hosts(),
        "slow_queues": _slow_queues(),
        "errors": reasons(axis, REASONS),
    }
    return _page(request, "delivery/charts.html", chosen, axis, changed, context)


@require_safe
def provider(request: HttpRequest, name: str) -> HttpResponse:
    """Show one provider's calls, success, latency, failures and changes."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    if name not in settings.PROVIDERS:
        raise Http404
    chosen = ranges.chosen(request.GET.get("range", ""))
    axis = chosen.axis()
    steps = attempts.steps(axis.since, axis.until, axis.step, name)
    [breaker] = [one for one in breakers() if one.name == name]
    changed = changes.since(axis.since, request.user, [breaker], name)
    marks = [change.mark() for change in changed]
    context: dict[str, Any] = {
        "title": f"Charts of {name}",
        "provider": name,
        "breaker": markup.words(
            markup.badge(breaker.state), breaker.why, markup.moment(breaker.since)
        ),
        "figures": _figures(steps),
        "calls": drawing.counts(
            f"Messages of {name}",
            axis,
            {what: _sums(steps, what) for what in ("accepted", "delivered", "failed")},
            marks,
        ),
        "success": drawing.chart(
            f"Share of calls of {name} that succeeded",
            axis,
            {name: _successes(axis, steps)},
            SHARE,
            marks,
        ),
        "durations": _all_quantiles(
            f"Duration of calls of {name}", axis, steps, "durations", marks
        ),
        "errors": reasons(axis, REASONS, name),
    }
    return _page(request, "delivery/provider_charts.html", chosen, axis, changed, context)


def _page(
    request: HttpRequest,
    template: str,
    chosen: Range,
    axis: Axis,
    changed: Sequence[changes.Change],
    context: dict[str, Any],
) -> HttpResponse:
    common = {
        "ranges": [(one.name, one.label, one is chosen) for one in RANGES],
        "range": chosen,
        "span": axis.title(),
        "step": timesince(axis.since, axis.since + axis.step).replace("\xa0", " "),
        "changed": markup.table(
            ("when", "what", "by"),
            ((markup.moment(one.at.astimezone(axis.zone)), one.what, one.by) for one in changed),
            "Nothing changed in this time.",
        ),
        "sees_trail": request.user.has_perm(changes.TRAIL),
    }
    return render(request, template, admin.site.each_context(request) | common | context)


def _grouped(steps: Iterable[Step], key: Callable[[Step], str]) -> dict[str, list[Step]]:
    found: defaultdict[str, list[Step]] = defaultdict(list)
    for step in steps:
        found[key(step)].append(step)
    return dict(sorted(found.items()))


def _calls(steps: Iterable[Step]) -> int:
    return sum(step.accepted + step.failed for step in steps)


def _busiest(by_provider: Mapping[str, Sequence[Step]]) -> list[str]:
    """Return the providers with the most calls, by name."""
    # The attempts of a lost worker may name none.
    named = filter(None, by_provider)
    order = sorted(named, key=lambda name: _calls(by_provider[name]), reverse=True)
    return sorted(order[:MOST_LINES])


def _sums(steps: Iterable[Step], what: str) -> dict[datetime, int]:
    found: defaultdict[datetime, int] = defaultdict(int)
    for step in steps:
        found[step.since] += getattr(step, what)
    return found


def _by_channel(
    steps: Sequence[Step], axis: Axis, what: str, label: str, marks: Sequence[Mark]
) -> SafeString:
    channels = _grouped(steps, lambda step: step.channel)
    series = {name: _sums(some, what) for name, some in channels.items()}
    return drawing.counts(f"{label}, by channel", axis, series, marks)


def _successes(axis: Axis, steps: Sequence[Step]) -> Numbers:
    accepted = drawing.added_up(axis, _sums(steps, "accepted"))
    failed = drawing.added_up(axis, _sums(steps, "failed"))
    return [
        good / (good + bad) if good + bad else None
        for good, bad in zip(accepted, failed, strict=True)
    ]


def _histograms(axis: Axis, steps: Sequence[Step], what: str) -> list[Sequence[int]]:
    """Return the histogram of each step of the axis, empty where there was no call."""
    found: list[Sequence[int]] = [()] * int((axis.until - axis.since) / axis.step)
    for step in steps:
        place = int((step.since - axis.since) // axis.step)
        more = getattr(step, what)
        found[place] = histograms.total([found[place], more]) if found[place] else more
    return found


def _quantiles(axis: Axis, steps: Sequence[Step], what: str, share: float) -> Numbers:
    return [histograms.quantile(one, share) for one in _histograms(axis, steps, what)]


def _all_quantiles(
    label: str, axis: Axis, steps: Sequence[Step], what: str, marks: Sequence[Mark]
) -> SafeString:
    found = _histograms(axis, steps, what)
    lines = {
        name: [histograms.quantile(one, share) for one in found]
        for name, share in QUANTILES.items()
    }
    return drawing.chart(label, axis, lines, DURATION, marks)


def _of_quantiles(steps: Sequence[Step]) -> list[str]:
    """Return the quantiles of the calls' durations over all steps, to be read."""
    whole = histograms.total([step.durations for step in steps])
    found = (histograms.quantile(whole, share) for share in QUANTILES.values())
    return ["–" if one is None else drawing.duration(one) for one in found]


def _share(steps: Sequence[Step]) -> str:
    calls = _calls(steps)
    return drawing.share(sum(step.accepted for step in steps) / calls) if calls else "–"


def _figures(steps: Sequence[Step]) -> list[tuple[str, str]]:
    return [
        (f"{_calls(steps):,}", "calls"),
        (_share(steps), "succeeded"),
        *zip(_of_quantiles(steps), QUANTILES, strict=True),
    ]


def _providers(
    by_provider: Mapping[str, Sequence[Step]], all_breakers: Iterable[Breaker], chosen: Range
) -> SafeString:
    """Render all providers with the numbers of the range; each name leads to its charts."""

    def row(breaker: Breaker) -> tuple[object, ...]:
        steps = by_provider.get(breaker.name, ())
        delivered = sum(step.delivered for step in steps)
        return (
            _link(breaker.name, range=chosen.name),
            breaker.channel,
            markup.badge(breaker.state),
            *(_number(text) for text in (f"{_calls(steps):,}", f"{delivered:,}", _share(steps))),
            *map(_number, _of_quantiles(steps)),
        )

    headers = ("provider", "channel", "breaker", "calls", "arrived", "succeeded", *QUANTILES)
    return markup.table(headers, map(row, all_breakers))


def _link(name: str, **query: str) -> SafeString | str:
    """Render a link to a provider's charts, or its name if the settings have it no more."""
    if name not in settings.PROVIDERS:
        return name
    return markup.link(markup.page("provider_charts", name, **query), name)


def _number(text: str) -> SafeString:
    return format_html('<span class="n-time">{}</span>', text)


def reasons(axis: Axis, most: int, name: str = "") -> SafeString:
    """Render the ``most`` frequent reasons of calls that failed: of all providers, or of one."""
    return markup.table(
        ("channel", "provider", "reason", "calls"),
        (
            (one.channel, one.provider, one.reason.replace("_", " "), f"{one.count:,}")
            for one in attempts.errors(axis.since, axis.until, axis.step, most, name)
        ),
        "No call failed.",
    )


def _slow_providers() -> SafeString:
    """Render the slowest providers of the last minutes."""
    axis = Axis.ending_now(NOW, NOW_STEP, NOW)
    found = _grouped(attempts.steps(axis.since, axis.until, axis.step), lambda step: step.provider)
    rows = [
        (histograms.quantile(histograms.total([one.durations for one in steps]), 0.95), name, steps)
        for name, steps in found.items()
    ]
    slowest = sorted(rows, key=lambda row: row[0] or 0.0, reverse=True)[:SLOWEST]
    return markup.table(
        ("provider", *QUANTILES, "calls"),
        (
            (
                _link(name),
                *_of_quantiles(steps),
                f"{_calls(steps):,}",
            )
            for _, name, steps in slowest
        ),
        "No provider was called.",
    )


def _slow_hosts() -> SafeString:
    return markup.table(
        ("host", "breaker", "why", "since"),
        (
            (one.host, markup.badge(one.state), one.why, markup.moment(one.since))
            for one in host_breakers.left_alone()[:SLOWEST]
        ),
        "All hosts of webhooks answer.",
    )


def _slow_queues() -> SafeString:
    oldest = sorted(backlog(), key=lambda row: row.seconds, reverse=True)
    return markup.table(
        ("channel", "priority", "the oldest has waited", "waiting"),
        (
            (
                row.channel or "fan-out",
                row.priority,
                drawing.duration(max(row.seconds, 0.0) * 1000),
                f"{row.waiting:,}{'+' if row.more else ''}",
            )
            for row in oldest
        ),
        "Nothing waits.",
    )
