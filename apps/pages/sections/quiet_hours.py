"""A person's quiet hours: their own or the company's, and until when it is quiet now.

The form has the windows that apply, whoever's they are. Saving a change makes them the person's
own; a window without days is none.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.http import HttpRequest, QueryDict
from django.utils import timezone, translation
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.text import capfirst

from apps.core import clock
from apps.pages.sections.base import NotSaved
from apps.pages.visitors import Visitor
from apps.preferences import selectors
from apps.preferences.api.choices.quiet_hours_views import replace
from apps.preferences.models import Recipient
from apps.preferences.quiet_hours import schedules
from notifier.domain.times.quiet_hours import DAYS, MOST_WINDOWS, InvalidSchedule, QuietHours

#: The times of the form where there are no quiet hours. No day is ticked.
FROM, TO = "22:00", "07:00"
#: The end of a day, as schedules have it and as an input of type ``time`` has it.
MIDNIGHT, MIDNIGHT_INPUT = "24:00", "00:00"


class Choice(NamedTuple):
    """A box to tick, for a day or a channel."""

    key: str
    label: str
    on: bool


class WindowFields(NamedTuple):
    """The fields of a window. ``name``: the beginning of their names."""

    name: str
    title: str
    days: Sequence[Choice]
    begins: str
    ends: str


class Quiet:
    """Days and times of each window, channels, and a box to go back to the company's."""

    name = "quiet"

    def context(self, visitor: Visitor) -> Mapping[str, object] | None:
        person = visitor.recipient
        if person is None:
            return None
        own, offered = person.quiet_hours is not None, _offered(person)
        if not (own or offered):
            return None
        text, quiet = visitor.language, schedules.of(person)
        stored = quiet.schedule.as_json()
        ticked = [name for name in offered if name in quiet.schedule.channels]
        return {
            "own": own,
            "whose": text(_whose(quiet, own=own)),
            "until": _until(visitor, quiet),
            "zone": text("quiet.zone", zone=quiet.zone.key),
            "windows": _windows(visitor, stored["windows"]),
            "was": _written(stored["windows"]),
            "channels": [Choice(one, text.channel(one), one in ticked) for one in offered],
            "ticked": " ".join(ticked),
        }

    def save(self, request: HttpRequest, visitor: Visitor, form: QueryDict) -> None:
        """Write what the person changed. Raises ``NotSaved``."""
        if visitor.recipient is None or "quiet-was" not in form:
            return
        if form.get("quiet-remove") == "yes":
            replace(request, visitor.recipient, None)
            return
        windows = _posted(form)
        ticked = set(form.getlist("quiet-channels"))
        turned = ticked ^ set(str(form.get("quiet-channels-was", "")).split())
        turned &= set(_offered(visitor.recipient))
        same = _written(windows) == form["quiet-was"]
        if same and not turned:
            return
        person = Recipient.objects.select_for_update(no_key=True).get(pk=visitor.recipient.pk)
        stored = schedules.of(person).schedule.as_json()
        channels = (set(stored["channels"]) - turned) | (ticked & turned)
        try:
            schedule = schedules.parse(
                {
                    "windows": stored["windows"] if same else windows,
                    "channels": [name for name in schedules.channels() if name in channels],
                }
            )
        except InvalidSchedule:
            raise NotSaved("quiet.wrong") from None
        replace(request, person, schedule)


def _offered(person: Recipient) -> Sequence[str]:
    """Return the channels that reach the person and may have quiet hours."""
    reached = selectors.reached([person.user_id])[person.user_id].channels
    return [name for name in schedules.channels() if name in reached]


def _whose(quiet: QuietHours, *, own: bool) -> str:
    """Return the key of the text about whose quiet hours apply."""
    if not quiet.schedule.windows:
        return "quiet.none"
    return "quiet.own" if own else "quiet.company"


def _until(visitor: Visitor, quiet: QuietHours) -> str:
    """Return a sentence that says until when it is quiet now; an empty one if it is not."""
    found = quiet.stretch(clock.now())
    if not found.quiet:
        return ""
    ends = timezone.localtime(datetime.fromtimestamp(found.ends, UTC), quiet.zone)
    with translation.override(visitor.language.locale):
        return visitor.language("quiet.until", at=date_format(ends, "SHORT_DATETIME_FORMAT"))


def _windows(visitor: Visitor, stored: Sequence[Mapping[str, object]]) -> list[WindowFields]:
    rows = stored or [{"days": [], "from": FROM, "to": TO}]
    title = visitor.language("quiet.days")
    with translation.override(visitor.language.locale):
        names = [capfirst(str(WEEKDAYS[day])) for day in range(len(DAYS))]
    found = []
    for number, row in enumerate(rows):
        days, ends = row["days"], str(row["to"])
        assert isinstance(days, list)
        found.append(
            WindowFields(
                f"quiet-{number}",
                title if len(rows) == 1 else f"{title} ({number + 1})",
                [Choice(key, name, key in days) for key, name in zip(DAYS, names, strict=True)],
                str(row["from"]),
                MIDNIGHT_INPUT if ends == MIDNIGHT else ends,
            )
        )
    return found


def _posted(form: QueryDict) -> list[dict[str, object]]:
    """Return the windows of the form, as schedules are written."""
    windows: list[dict[str, object]] = []
    for number in range(MOST_WINDOWS):
        days = form.getlist(f"quiet-{number}-days")
        if days:
            ends = form.get(f"quiet-{number}-to", "")
            windows.append(
                {
                    "days": [day for day in DAYS if day in days],
                    "from": form.get(f"quiet-{number}-from", ""),
                    "to": MIDNIGHT if ends == MIDNIGHT_INPUT else ends,
                }
            )
    return windows


def _written(windows: Sequence[Mapping[str, object]]) -> str:
    """Return windows as a text that tells those of the page from those that are posted."""
    found = []
    for row in windows:
        days, ends = row["days"], row["to"]
        assert isinstance(days, list)
        ends = MIDNIGHT if ends == MIDNIGHT_INPUT else ends
        found.append(f"{','.join(days)} {row['from']} {ends}")
    return "; ".join(found)
