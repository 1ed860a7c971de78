"""Endpoints for schedules."""

from collections.abc import Mapping
from typing import Any, cast

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from apps.api.openapi import ProblemDetails
from apps.api.pagination import PageQuery
from apps.api.problems import CONTENT_TYPE, Problem, validation_problem
from apps.api.serializers import read
from apps.core import clock
from apps.delivery.api.publishing.idempotent import answered, fingerprinted, idempotency_key
from apps.delivery.api.publishing.openapi import IDEMPOTENCY_KEY, REFUSALS
from apps.publishers import audit, limits
from apps.publishers.api.caller import key_of, publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.scopes import Scope
from apps.schedules import (
    notifications,
    retention,
    running,
    serializers,
    services,
    timetables,
)
from apps.schedules.models import RECIPIENT, Run, Schedule
from apps.schedules.notifications import Audience
from notifier.domain.priorities import Priority

TAG = "Schedules"
READ, WRITE = Scope.NOTIFICATIONS_READ, Scope.NOTIFICATIONS_WRITE

WEEKLY = {
    "name": "weekly-tips",
    "rrule": "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0",
    "time_zone": "Europe/Vienna",
    "topic": "tips",
    "notification": {"content": {"title": "This week's tip", "body": "Water it on Mondays."}},
}
LAST_DAY = {
    "name": "invoices-due",
    "cron": "30 8 28 * *",
    "time_zone": "America/New_York",
    "ends_at_local": "2030-12-31T23:59",
    "expires_after_seconds": 43200,
    "notification": {"user_id": "ada", "content": {"body": "Your invoice is due this week."}},
}
EVERYWHERE = {
    "name": "good-morning",
    "rrule": "FREQ=DAILY;BYHOUR=9;BYMINUTE=0",
    "time_zone": RECIPIENT,
    "topic": "tips",
    "notification": {"content": {"title": "Good morning", "body": "Have you watered them?"}},
}
TAKEN = {(409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "the name is taken, or too many")}


class ScheduleList(ListEndpoint):
    """The publisher's schedules."""

    required_scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="list_schedules",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.ScheduleOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List your schedules, oldest first."""
        rows = Schedule.objects.filter(publisher_id=publisher_of(request).id)
        return self.paginate(request, rows.defer("notification"), serializers.ScheduleOut)

    @extend_schema(
        operation_id="create_schedule",
        tags=[TAG],
        request=serializers.ScheduleIn,
        responses={201: serializers.ScheduleDetailOut, **TAKEN},
        examples=[
            OpenApiExample("every Monday at nine", WEEKLY, request_only=True),
            OpenApiExample("on the 28th of each month", LAST_DAY, request_only=True),
            OpenApiExample("at nine, wherever one is", EVERYWHERE, request_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        """Have a notification sent again and again. It is validated now, and for each run."""
        fields = self.body(request, serializers.ScheduleIn)
        posted = _object(request)["notification"]
        try:
            with transaction.atomic():
                _check(request, fields, posted)  # here: an erasure waits for who found the person
                row = services.create(key_of(request), fields, posted)
                after = services.representation(row)
                audit.record(request, "create", "schedule", row.name, after=after)
        except services.ScheduleExists:
            raise Problem(
                "schedule-exists",
                f"You have a schedule {fields['name']!r}. PATCH it, or choose another name.",
            ) from None
        return Response(_shown(row), status=201)


class ScheduleDetail(Endpoint):
    """One schedule."""

    required_scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(
        operation_id="read_schedule", tags=[TAG], responses=serializers.ScheduleDetailOut
    )
    def get(self, request: Request, name: str) -> Response:
        """Read a schedule of yours, with its notification and next occurrences."""
        return Response(_shown(services.own_schedule(publisher_of(request).id, name)))

    @extend_schema(
        operation_id="change_schedule",
        tags=[TAG],
        request=serializers.ScheduleChangeIn,
        responses=serializers.ScheduleDetailOut,
        examples=[OpenApiExample("at eight", {"cron": "0 8 * * mon"}, request_only=True)],
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change a schedule of yours. What is left out stays as it is.

        It is validated as a whole, as if it were posted with this key.
        """
        self.body(request, serializers.ScheduleChangeIn)
        changed = _object(request)
        with transaction.atomic():
            row = services.own_schedule(publisher_of(request).id, name, lock=True)
            before = services.representation(row)
            posted = changed.get("notification") or notifications.unseal(row)
            whole = {**_merged(before, changed), "notification": posted}
            fields = read(serializers.ScheduleIn, whole)
            _check(request, fields, posted)
            services.change(row, key_of(request), fields, posted)
            after = services.representation(row)
            if "notification" in changed:
                before, after = {**before, "notification": ""}, {**after, "notification": "changed"}
            audit.record(request, "update", "schedule", name, before=before, after=after)
        return Response(_shown(row))

    @extend_schema(operation_id="delete_schedule", tags=[TAG], responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Delete a schedule of yours with the records of its runs.

        Notifications accepted before are still delivered.
        """
        while self._delete(request, name):
            pass
        return Response(status=204)

    def _delete(self, request: Request, name: str) -> bool:
        """Delete some of its runs, and it with the last ones; return whether it is still there.

        A schedule of minutes has a hundred thousand, for which its row would be locked too long.
        """
        with transaction.atomic():
            row = services.own_schedule(publisher_of(request).id, name, lock=True)
            if retention.delete_runs(row):
                return True
            row.delete()
            audit.record(request, "delete", "schedule", name)
        return False


class _Command(Endpoint):
    """Base of the endpoints that change what a schedule does."""

    required_scopes = {"POST": WRITE}

    def command(self, request: Request, name: str, verb: str, *arguments: object) -> Response:
        """Lock the schedule, do it, and record that."""
        with transaction.atomic():
            row = services.own_schedule(publisher_of(request).id, name, lock=True)
            before = str(row.next_at)
            getattr(services, verb)(row, *arguments)
            after = {"state": str(row.state), "next_at": str(row.next_at)}
            if before != after["next_at"]:
                audit.record(request, verb, "schedule", name, after=after)
        return Response(_shown(row))


class Pause(_Command):
    """Pause."""

    @extend_schema(
        operation_id="pause_schedule",
        tags=[TAG],
        request=None,
        responses=serializers.ScheduleDetailOut,
    )
    def post(self, request: Request, name: str) -> Response:
        """Pause a schedule: nothing is run until it is resumed, nor made up for then."""
        return self.command(request, name, "pause")


class Resume(_Command):
    """Resume."""

    @extend_schema(
        operation_id="resume_schedule",
        tags=[TAG],
        request=None,
        responses=serializers.ScheduleDetailOut,
    )
    def post(self, request: Request, name: str) -> Response:
        """Resume a schedule, from its next occurrence on."""
        return self.command(request, name, "resume")


class Skip(_Command):
    """Skip the next occurrence."""

    @extend_schema(
        operation_id="skip_occurrence",
        tags=[TAG],
        request=serializers.SkipIn,
        responses={
            200: serializers.ScheduleDetailOut,
            (409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "it is not the next one"),
        },
        examples=[
            OpenApiExample(
                "the next one", {"occurrence": "2030-01-07T08:00:00Z"}, request_only=True
            )
        ],
    )
    def post(self, request: Request, name: str) -> Response:
        """Skip the next occurrence, which is named so that none is skipped twice."""
        occurrence = self.body(request, serializers.SkipIn)["occurrence"]
        return self.command(request, name, "skip", occurrence)


class RunNow(Endpoint):
    """Run by hand."""

    required_scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="run_schedule",
        tags=[TAG],
        request=None,
        parameters=[IDEMPOTENCY_KEY],
        responses={202: serializers.ManualRunOut, **REFUSALS},
    )
    def post(self, request: Request, name: str) -> HttpResponse:
        """Send the schedule's notification now. Its occurrences stay as they are.

        202: it is stored durably.
        """
        key = fingerprinted(request, idempotency_key(request), body=False)
        with transaction.atomic():
            row = services.own_schedule(publisher_of(request).id, name, lock=True)
            self._take_high(request, row)
            answer = answered(lambda: running.run_now(row, key, scopes=key_of(request).scopes))
            if "Idempotent-Replayed" not in answer.headers:
                audit.record(request, "run", "schedule", name)
        return answer

    def _take_high(self, request: Request, row: Schedule) -> None:
        """Count a run of high priority as one that is posted, unless it will be refused."""
        scopes = key_of(request).scopes & frozenset(row.scopes)
        if Scope.NOTIFICATIONS_HIGH in scopes and notifications.priority_of(row) == Priority.HIGH:
            limits.take_high(publisher_of(request))


class RunList(ListEndpoint):
    """The outcomes of a schedule's occurrences."""

    required_scopes = {"GET": READ}
    ordering = "-id"

    @extend_schema(
        operation_id="list_schedule_runs",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.RunOut(many=True),
    )
    def get(self, request: Request, name: str) -> Response:
        """List the runs of a schedule, newest first, with the ids of their notifications."""
        row = services.own_schedule(publisher_of(request).id, name)
        return self.paginate(request, Run.objects.filter(schedule=row), serializers.RunOut)


def _object(request: Request) -> dict[str, Any]:
    """Return the body as it was posted, once it is validated."""
    return cast("dict[str, Any]", request.data)


def _check(request: Request, fields: Mapping[str, Any], posted: Mapping[str, Any]) -> None:
    """Validate the notification; errors point into the schedule."""
    audience = Audience(fields.get("topic") or "", fields.get("group") or "")
    try:
        notifications.check(
            key_of(request), audience, posted, in_own_zones=fields["time_zone"] == RECIPIENT
        )
    except ValidationError as error:
        raise validation_problem(error, "/notification") from None
    except Problem as problem:
        problem.errors = [
            {**error, "pointer": _inside(error["pointer"])} if "pointer" in error else error
            for error in problem.errors
        ]
        raise


def _inside(pointer: str) -> str:
    return pointer if pointer in ("/topic", "/group") else f"/notification{pointer}"


def _merged(before: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schedule's fields with changes; of two that exclude each other the new one stays."""
    found = {**before, **changed}
    for one, other in (("rrule", "cron"), ("topic", "group")):
        for new, old in ((one, other), (other, one)):
            if changed.get(new) and old not in changed:
                found[old] = None
    return {name: value for name, value in found.items() if value is not None}


def _shown(row: Schedule) -> dict[str, object]:
    """Return the JSON of a schedule with its notification and next occurrences."""
    now = clock.moment()
    return {
        **serializers.ScheduleOut(row).data,
        "notification": notifications.unseal(row),
        "next_occurrences": [
            timetables.local(row, one) or one.isoformat() for one in timetables.upcoming(row, now)
        ],
    }
