"""The start page: backlogs, rates, errors, providers, queues and dead letters.

It is read from kept counts, partial indexes and the broker; no query scans a table.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.core.delivery_ids import public_id
from apps.delivery.admin.charts import drawing
from apps.delivery.admin.charts.page import reasons
from apps.delivery.admin.charts.ranges import HOUR, MINUTE, Axis
from apps.delivery.admin.deliveries import attach_names
from apps.delivery.admin.hosts import host_rows
from apps.delivery.admin.providers import provider_rows
from apps.delivery.flow import availability
from apps.delivery.intake import load_shedding
from apps.delivery.models import DeadLetter
from apps.delivery.monitoring import attempts, broker
from apps.delivery.monitoring.attempts import Step
from apps.delivery.outbox.backlog import Backlog, backlog
from apps.operators import markup
from apps.operators.people import may_see_people
from notifier.domain import queues
from notifier.domain.priorities import Priority

#: The span of the charts, and of the rate and the share of errors.
SPAN, RECENT = 3 * HOUR, 5 * MINUTE
NEWEST_DEAD = 8


def context(request: HttpRequest, context: dict[str, object]) -> dict[str, object]:
    """Build the context of ``delivery/start_page.html``, for operators who may see deliveries."""
    if not request.user.has_perm("delivery.view_delivery"):
        return context | {"not_allowed": True}
    axis = Axis.ending_now(SPAN, RECENT, HOUR)
    steps = attempts.steps(axis.since, axis.until, axis.step)
    waiting = backlog()
    return context | {
        "figures": _figures(waiting),
        "refused": _refused(),
        "gaps": [(gap.channel, str(gap)) for gap in availability.gaps()],
        "backlog": _backlog(waiting),
        "rates": _lines(steps, "accepted", axis, "Attempts accepted, by channel"),
        "failures": _lines(steps, "failed", axis, "Attempts that failed, by channel"),
        "errors": reasons(axis, 6),
        "providers": provider_rows(request),
        "hosts": host_rows(request),
        "queues": _queues(),
        "dead_letters": _dead_letters(people=may_see_people(request)),
    }


def _figures(rows: list[Backlog]) -> list[tuple[str, str]]:
    axis = Axis.ending_now(RECENT, MINUTE, MINUTE)
    recent = attempts.steps(axis.since, axis.until, axis.step)
    accepted = sum(step.accepted for step in recent)
    failed = sum(step.failed for step in recent)
    waiting = sum(row.waiting for row in rows)
    more = "+" if any(row.more for row in rows) else ""
    share = f"{failed / (accepted + failed):.1%}" if accepted + failed else "–"
    return [
        (f"{waiting:,}{more}", "deliveries wait"),
        (_age(max((row.seconds for row in rows), default=0.0)), "the oldest has waited"),
        (f"{accepted / RECENT.total_seconds():,.1f}/s", "accepted by providers, last 5 minutes"),
        (share, "of attempts failed, last 5 minutes"),
    ]


def _refused() -> str:
    """Describe what load shedding refuses now; empty if nothing."""
    found = load_shedding.refused(timeout=load_shedding.FRESH_SECONDS)
    slow = [queue.priority for queue, because in found.items() if because == "database"]
    sentences = [
        f"{priority.capitalize()} priority is refused: the database is slow"
        for priority in dict.fromkeys(slow)
    ]
    for queue, because in found.items():
        if because == "backlog":
            where = f"on {queue.channel}" if queue.channel else "for topics and groups"
            sentences.append(
                f"{queue.priority.capitalize()} priority is refused {where}: too much waits there"
            )
    return "; ".join(sentences)


def _backlog(rows: list[Backlog]) -> SafeString:
    found = {(row.channel, row.priority): row for row in rows}

    def cell(channel: str, priority: str) -> str:
        row = found.get((channel, priority))
        if row is None:
            return "–"
        return f"{row.waiting:,}{'+' if row.more else ''} · {_age(row.seconds)}"

    return markup.table(
        ("channel", *Priority),
        (
            (channel or "fan-out", *(cell(channel, priority) for priority in Priority))
            for channel in ("", *settings.CHANNELS)
        ),
    )


def _lines(steps: Sequence[Step], what: str, axis: Axis, label: str) -> SafeString:
    series: defaultdict[str, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for step in steps:
        series[step.channel][step.since] += getattr(step, what)
    return drawing.counts(label, axis, series)


def _queues() -> SafeString:
    live = queues.names(settings.CHANNELS)
    try:
        found = broker.inspect(live)
    except broker.Down:
        return markup.words(markup.badge("dead"), "The broker does not answer.")
    nothing = broker.Queue(0, None)
    rows = []
    for queue in live:
        now = found.get(queue, nothing)
        if now.depth or now.consumers != 1:
            rows.append((queue, f"{now.depth:,}", _workers(now.consumers)))
    return markup.table(
        ("queue", "ready", "workers"),
        rows,
        f"All {len(live)} queues are empty, and each has a worker.",
    )


def _workers(consumers: int | None) -> SafeString | str:
    if consumers is None:
        return "–"
    return str(consumers) if consumers else markup.badge("dead")


def _dead_letters(*, people: bool) -> SafeString:
    rows = list(
        DeadLetter.objects.select_related("delivery", "topic").order_by("-pk")[:NEWEST_DEAD]
    )
    named = attach_names(row.delivery for row in rows)
    return markup.table(
        (
            *("delivery", "died", "topic"),
            *(["recipient"] if people else []),
            *("channel", "provider", "reason"),
        ),
        (
            (
                markup.link(markup.page("delivery_delivery_change", row.pk), public_id(row.pk)),
                markup.moment(row.died_at),
                row.topic or "",
                *([delivery.user_id] if people else []),
                row.channel,
                row.provider,
                row.reason.replace("_", " "),
            )
            for row, delivery in zip(rows, named, strict=True)
        ),
        "There are no dead letters.",
    )


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
