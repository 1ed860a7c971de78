"""Schedules: notifications that recur."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack

from notifier_client._async.base import AsyncCalls, new_key, segment
from notifier_client.rows import REMOVE, Draft, Message, Remove, Schedule, ScheduleRun
from notifier_client.rows.base import read


class AsyncSchedules(AsyncCalls):
    """Methods for schedules.

    A schedule recurs by ``rrule`` (RFC 5545) or ``cron`` (five fields), on the clocks of
    ``time_zone``, or on each recipient's own with ``"recipient"``. It goes to a ``topic``, a
    ``group`` or ``user_ids``; the other keywords are those of ``Message``, without ``send_at`` and
    ``expires_at``.
    """

    async def create_schedule(
        self,
        name: str,
        *,
        time_zone: str,
        rrule: str | None = None,
        cron: str | None = None,
        topic: str | None = None,
        group: str | None = None,
        user_ids: Sequence[str] | None = None,
        starts_at_local: str | None = None,
        ends_at_local: str | None = None,
        count: int | None = None,
        misfire: str | None = None,
        expires_after_seconds: int | None = None,
        **message: Unpack[Message],
    ) -> Schedule:
        """Have a notification sent again and again.

        Local times are text, ``2026-12-01T09:00``. ``count``: runs after which it ends.
        ``misfire``: run_once (the latest of what was missed is run late) or skip.

        await client.create_schedule("tips", rrule="FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0",
                                     time_zone="Europe/Vienna", topic="tips", body="Water it.")
        """
        body = _fields(
            name=name,
            time_zone=time_zone,
            rrule=rrule,
            cron=cron,
            topic=topic,
            group=group,
            starts_at_local=starts_at_local,
            ends_at_local=ends_at_local,
            count=count,
            misfire=misfire,
            expires_after_seconds=expires_after_seconds,
            notification=Draft(user_ids=user_ids, **message),
        )
        answer = await self._http.request("POST", "/v1/schedules", body, repeatable=False)
        return read(Schedule, answer.body)

    async def get_schedule(self, name: str) -> Schedule:
        """Return a schedule of yours, with its notification and next occurrences."""
        return read(Schedule, (await self._http.request("GET", _schedule(name))).body)

    def list_schedules(self) -> AsyncIterator[Schedule]:
        """List your schedules, without their notifications and next occurrences."""
        return self._pages(Schedule, "/v1/schedules")

    async def change_schedule(
        self,
        name: str,
        *,
        time_zone: str | None = None,
        rrule: str | None = None,
        cron: str | None = None,
        topic: str | None = None,
        group: str | None = None,
        starts_at_local: str | None = None,
        ends_at_local: str | Remove | None = None,
        count: int | Remove | None = None,
        misfire: str | None = None,
        expires_after_seconds: int | Remove | None = None,
        notification: Draft | None = None,
    ) -> Schedule:
        """Change a schedule; what is ``None`` stays as it is, and ``REMOVE`` takes an end away.

        await client.change_schedule("tips", cron="0 8 * * mon", ends_at_local=REMOVE)
        """
        body = _fields(
            time_zone=time_zone,
            rrule=rrule,
            cron=cron,
            topic=topic,
            group=group,
            starts_at_local=starts_at_local,
            ends_at_local=ends_at_local,
            count=count,
            misfire=misfire,
            expires_after_seconds=expires_after_seconds,
            notification=notification,
        )
        answer = await self._http.request("PATCH", _schedule(name), body, repeatable=False)
        return read(Schedule, answer.body)

    async def pause_schedule(self, name: str) -> Schedule:
        """Pause a schedule: nothing is run until it is resumed, nor made up for then."""
        return await self._command(name, "pause")

    async def resume_schedule(self, name: str) -> Schedule:
        """Resume a schedule, from its next occurrence on."""
        return await self._command(name, "resume")

    async def skip_occurrence(self, name: str, occurrence: datetime) -> Schedule:
        """Skip the next occurrence: ``next_at`` of the schedule, or its ``next_occurrences[0]``."""
        return await self._command(name, "skip", {"occurrence": occurrence.isoformat()})

    async def run_schedule(self, name: str, *, idempotency_key: str | None = None) -> str:
        """Send a schedule's notification now; return the notification's id."""
        path = f"{_schedule(name)}/run"
        answer = await self._http.request("POST", path, key=idempotency_key or new_key())
        return str(answer.body["notification_id"])

    def list_schedule_runs(self, name: str) -> AsyncIterator[ScheduleRun]:
        """List what became of a schedule's occurrences, newest first."""
        return self._pages(ScheduleRun, f"{_schedule(name)}/runs")

    async def delete_schedule(self, name: str) -> None:
        """Delete a schedule with the records of its runs."""
        await self._http.request("DELETE", _schedule(name), repeatable=False)

    async def _command(
        self, name: str, verb: str, body: Mapping[str, Any] | None = None
    ) -> Schedule:
        path = f"{_schedule(name)}/{verb}"
        return read(Schedule, (await self._http.request("POST", path, body)).body)


def _schedule(name: str) -> str:
    return f"/v1/schedules/{segment(name)}"


def _fields(**given: Any) -> dict[str, Any]:
    """Return fields of a request: those that are not ``None``, with null for ``REMOVE``."""
    return {name: _json(value) for name, value in given.items() if value is not None}


def _json(value: Any) -> Any:
    if value is REMOVE:
        return None
    return value.body_of() if isinstance(value, Draft) else value
