"""Fallbacks: from the body of a request to what a notification stores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rest_framework.serializers import ValidationError

from apps.delivery.intake.bodies import FallbackBody, PublishBody
from apps.delivery.state.fallback import Fallback
from apps.delivery.state.steps.plan import Step, Unless
from apps.preferences.models import Membership
from apps.preferences.selectors import groups

#: Most members of the group of a step: its deliveries are made in one claim.
MOST_MEMBERS = 1_000


class Level(NamedTuple):
    """One step in a request, and the path of its object: ``fallback/then``."""

    body: FallbackBody
    path: str

    @property
    def channel(self) -> str:
        """Its channel."""
        return self.body["channel"]

    @property
    def to_group(self) -> bool:
        """True if it is for a group, and not for the people of the notification."""
        return "group" in self.body


@dataclass(frozen=True, slots=True)
class Plan:
    """The parsed ``fallback`` of a request: a ``fallback`` or ``steps``, or neither without one.

    ``levels``: as the request has them.
    """

    levels: Sequence[Level] = ()
    fallback: Fallback | None = None
    steps: Sequence[Step] = ()

    @property
    def taken(self) -> set[str]:
        """The channels on which the people of the notification get it later."""
        return {level.channel for level in self.levels if not level.to_group}


def levels(body: FallbackBody) -> Iterator[Level]:
    """Yield the steps of a fallback, the first one first."""
    path, current = "fallback", body
    while True:
        yield Level(current, path)
        if "then" not in current:
            return
        path, current = f"{path}/then", current["then"]


class StepGroups:
    """The groups that the steps of one request name, each looked up once."""

    def __init__(self, publisher_id: int) -> None:
        self._publisher_id = publisher_id
        self._found: dict[str, _Found] = {}

    def find(self, level: Level) -> int:
        """Return the id of the group of a step. Raises ``ValidationError`` that points to it."""
        name = level.body["group"]
        if name not in self._found:
            self._found[name] = self._look_up(name)
        found = self._found[name]
        if found.id is None:
            raise _at(level, found.problem)
        return found.id

    def _look_up(self, name: str) -> "_Found":
        row = groups(self._publisher_id).filter(name=name).first()
        if row is None:
            return _Found(
                None, f"You have no group {name!r}. Make it with PUT /v1/groups/{name} first."
            )
        if Membership.objects.filter(group=row)[: MOST_MEMBERS + 1].count() > MOST_MEMBERS:
            return _Found(None, f"A step's group has at most {MOST_MEMBERS:,} members.")
        return _Found(row.pk)


class _Found(NamedTuple):
    """A group's id, or why a step cannot be for it."""

    id: int | None
    problem: str = ""


def plan(step_groups: StepGroups, data: PublishBody) -> Plan:
    """Return the fallback of a request. Looks up the groups that its steps name.

    Raises ``ValidationError`` that points to a group that there is not, or that is too large.
    """
    if "fallback" not in data:
        return Plan()
    found = list(levels(data["fallback"]))
    [first, *rest] = found
    if not rest and not first.to_group and first.body.get("unless", "delivered") == "delivered":
        return Plan(found, Fallback(first.channel, first.body["after"]))
    steps: list[Step] = []
    due, unless = 0, str(Unless.DELIVERED)
    for number, level in enumerate(found, 1):
        body = level.body
        due += body["after"]
        unless = body.get("unless", unless)
        group_id = step_groups.find(level) if level.to_group else None
        steps.append(Step(number, level.channel, body["after"], due, unless, group_id))
    return Plan(found, None, steps)


def _at(level: Level, detail: str) -> ValidationError:
    errors: dict[str, Any] = {"group": detail}
    for name in reversed(level.path.split("/")):
        errors = {name: errors}
    return ValidationError(errors)
