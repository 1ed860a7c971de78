"""Create the deliveries of a fallback's steps, for those who still need them."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from apps.core import arrays
from apps.delivery.state.claiming import (
    ClaimBudget,
    Claimed,
    create_cut_statement,
    create_named_statement,
    cut_parameters,
    for_cut,
    give_reasons,
    judged_named,
    named_parameters,
)
from apps.delivery.state.eligibility import judging
from apps.delivery.state.eligibility.rules import ChunkToDeliver
from apps.delivery.state.fallback import reporting

_NAMED = create_named_statement(
    judged_named(
        "%(steps)s::smallint[], %(unless)s::text[], %(shared)s::bool[]",
        "step, unless, shared",
        f"NOT {judging.needless('a.notification_id', 'a.unless', 'a.shared')}",
    ),
    step="step",
)
_CUT = create_cut_statement(step="%(step)s")
_NEEDLESS = judging.needless("%(notification_id)s::uuid", "%(unless)s", "%(shared)s")
_NEEDLESS_TO_GROUP = judging.needless_to_group("%(notification_id)s::uuid", "%(unless)s")


def create_step_deliveries(budget: ClaimBudget, todo: Sequence[ChunkToDeliver]) -> list[Claimed]:
    """Create the deliveries of these chunks of steps, in the claim's transaction.

    Those who need the step no more get none. The caller has called ``answers.hold`` for these
    notifications, so that nobody's answer is recorded between this judgement and the commit.
    """
    named = [one for one in todo if not one.chunk.cut]
    rows = _create_named(budget, named) if named else []
    for one in todo:
        if one.chunk.cut:
            rows += _create_cut(budget.spent(len(rows)), one)
    give_reasons(todo, rows)
    return rows


def _create_named(budget: ClaimBudget, todo: Sequence[ChunkToDeliver]) -> list[Claimed]:
    parameters = {
        **budget.parameters(),
        **named_parameters(todo),
        "steps": arrays.numbers(one.chunk.step for one in todo),
        "unless": arrays.texts(_unless(one) for one in todo),
        "shared": arrays.numbers(one.rules.shared for one in todo),
    }
    return _execute(_NAMED, parameters)


def _create_cut(budget: ClaimBudget, one: ChunkToDeliver) -> list[Claimed]:
    step = one.rules.step
    assert step is not None
    needless = _NEEDLESS if step.group_id is None else _NEEDLESS_TO_GROUP
    parameters = {
        **budget.parameters(),
        **cut_parameters(one),
        "step": step.number,
        "unless": _unless(one),
        "shared": one.rules.shared,
        "reporting": reporting(),
    }
    if step.group_id is not None:
        parameters |= {"low_id": 1, "high_id": 2**63 - 1}  # all of its members
    return _execute(for_cut(_CUT, one, needless), parameters)


def _execute(statement: str, parameters: dict[str, Any]) -> list[Claimed]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [Claimed._make(row) for row in cursor.fetchall()]


def _unless(one: ChunkToDeliver) -> str:
    assert one.rules.step is not None
    return str(one.rules.step.unless)
