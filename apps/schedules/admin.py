"""Admin pages of schedules: what they mean, what became of them, and buttons."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, cast

from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from rest_framework.serializers import ValidationError

from apps.api.problems import Problem, as_problem
from apps.core import clock
from apps.operators import markup
from apps.operators.large_lists import ReadOnly
from apps.operators.list_filters import by_publisher
from apps.operators.panels import Button, Panel, Panelled
from apps.operators.people import may_see_people
from apps.schedules import running, services, timetables
from apps.schedules.models import Run, RunState, Schedule, ScheduleState
from notifier.recurrence.local_time import FORMAT

#: Newest runs on a schedule's page.
NEWEST = 20


class _WithLastRun(Protocol):
    """A row with what ``with_page`` sets."""

    last_run: Run | None


@admin.register(Schedule)
class ScheduleAdmin(Panelled, ReadOnly):
    """Schedules; publishers write them through the API."""

    list_display = ("name", "publisher", "rule", "time_zone", "status", "next", "last")
    list_filter = (by_publisher(),)
    list_select_related = ("publisher",)
    unread = ("notification",)
    search_fields = ("name",)
    search_help_text = "A schedule's name"
    fields = (
        *("name", "publisher", "rule", "time_zone", "starts_at_local", "ends_at_local", "count"),
        *("misfire", "expires_after", "audience", "written_by", "created_at", "updated_at"),
    )
    readonly_fields = ("rule", "audience")

    def find(self, term: str) -> Q:
        return Q(name=term.strip())

    def with_page(self, rows: list[Schedule]) -> list[Schedule]:
        newest = Run.objects.filter(schedule__in=[row.pk for row in rows])
        runs = newest.order_by("schedule_id", "-id").distinct("schedule_id")
        last = {run.schedule_id: run for run in runs}
        for row in rows:
            cast(_WithLastRun, row).last_run = last.get(row.pk)
        return rows

    @admin.display(description="rule")
    def rule(self, row: Schedule) -> str:
        return row.rrule or row.cron

    @admin.display(description="to")
    def audience(self, row: Schedule) -> str:
        if row.topic:
            return f"the topic {row.topic}"
        return f"the group {row.group}" if row.group else "recipients that it names"

    @admin.display(description="state")
    def status(self, row: Schedule) -> SafeString:
        failing = f"{row.failures:,} failed in a row" if row.failures else ""
        return markup.words(markup.badge(str(row.state)), failing)

    @admin.display(description="next")
    def next(self, row: Schedule) -> str:
        return _at(row, row.next_at) if row.next_at else "–"

    @admin.display(description="last run")
    def last(self, row: Schedule) -> SafeString | str:
        run = cast(_WithLastRun, row).last_run
        return markup.words(markup.badge(run.state), markup.moment(run.at)) if run else "–"

    def panels(self, request: HttpRequest, row: Schedule) -> Sequence[Panel]:
        coming = timetables.upcoming(row, clock.moment())
        heads = ("at", f"on the clocks of {row.time_zone}")
        if row.in_own_zones:
            heads = ("first, anywhere", "on each recipient's own clocks")
        when = markup.table(
            heads,
            ((markup.at(one.astimezone(UTC)), one.strftime(FORMAT)) for one in coming),
            "No further occurrence.",
        )
        title = "Next occurrences, once resumed" if row.paused_at else "Next occurrences"
        return [
            Panel(title, markup.lines([self.status(row), when])),
            Panel("Newest runs", _runs(row, details=may_see_people(request)), wide=True),
        ]

    def buttons(self, request: HttpRequest, row: Schedule) -> Sequence[Button]:
        if not request.user.has_perm("schedules.change_schedule"):
            return ()
        now = Button("run", "Run now", "main", "Its notification is sent at once.")
        if row.state == ScheduleState.PAUSED:
            return [Button("resume", "Resume"), now]
        if row.state == ScheduleState.ENDED:
            return [now]
        following = _at(row, row.next_at) if row.next_at else ""
        pause = Button("pause", "Pause", "bad", "Nothing is sent until it is resumed.")
        skip = Button("skip", "Skip the next", "", f"Nothing is sent at {following}.")
        return [pause, skip, now]

    def do_pause(self, request: HttpRequest, row: Schedule) -> None:
        services.pause(services.lock(row))
        self.audit(request, "pause", row)
        messages.warning(request, "Nothing is sent until it is resumed.")

    def do_resume(self, request: HttpRequest, row: Schedule) -> None:
        locked = services.lock(row)
        services.resume(locked)
        self.audit(request, "resume", row)
        following = _at(locked, locked.next_at) if locked.next_at else "never: it has ended"
        messages.success(request, f"It is resumed. Its next occurrence: {following}.")

    def do_skip(self, request: HttpRequest, row: Schedule) -> None:
        locked = services.lock(row)
        if row.next_at is None or locked.next_at != row.next_at:
            messages.warning(request, "Its next occurrence is another one by now.")
            return
        services.skip(locked, row.next_at)
        self.audit(request, "skip", row, after={"occurrence": row.next_at.isoformat()})
        messages.success(request, f"{_at(row, row.next_at)} is skipped.")

    def do_run(self, request: HttpRequest, row: Schedule) -> HttpResponse | None:
        try:
            answer = running.run_now(services.lock(row))
        except (Problem, ValidationError) as error:
            problem = as_problem(error)
            messages.error(request, f"It was refused: {problem.sentence if problem else ''}")
            return None
        self.audit(request, "run", row)
        messages.success(request, "Its notification is accepted.")
        notification_id = running.notification_id(answer)
        return HttpResponseRedirect(markup.page("delivery_notification_change", notification_id))


def _at(row: Schedule, occurrence: datetime) -> str:
    """Write an occurrence: a moment, or a local time on each recipient's own clocks."""
    local = timetables.local(row, occurrence)
    return f"{local} for each recipient" if local else markup.at(occurrence)


def _runs(row: Schedule, *, details: bool) -> SafeString:
    """Render the newest runs; ``details``: with sentences, which may name recipients."""
    return markup.table(
        ("at", "occurrence", "", "notification", "missed before it", *([""] if details else [])),
        (
            (
                markup.moment(run.at),
                run.local or (markup.at(run.occurrence) if run.occurrence else "by hand"),
                markup.badge(run.state),
                markup.link(
                    markup.page("delivery_notification_change", run.notification_id),
                    run.notification_id,
                )
                if run.state == RunState.ACCEPTED
                else run.problem,
                f"{run.missed:,}" if run.missed else "",
                *([run.detail] if details else []),
            )
            for run in row.records.order_by("-id")[:NEWEST]
        ),
        "It has not run yet.",
    )
