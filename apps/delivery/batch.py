"""A batch of different notifications, each with a result of its own."""

from collections.abc import Sequence
from typing import Any

from rest_framework.serializers import ValidationError

from apps.delivery import answers
from apps.delivery.accept import Draft
from apps.delivery.deduplication import accept_once
from apps.delivery.drafting import named_draft
from apps.delivery.filling import Trials
from apps.delivery.serializers import NotificationIn
from apps.preferences.selectors import reached
from apps.publishers import quota
from apps.publishers.problems import ErrorList, Problem, invalid
from apps.publishers.serializers import read


def accept_batch(publisher_id: int, posted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A result for each of what was posted, in its order; those without errors are accepted."""
    results: list[dict[str, Any]] = [{} for _ in posted]
    listed = ErrorList()
    valid: dict[int, dict[str, Any]] = {}
    for position, item in enumerate(posted):
        try:
            valid[position] = read(NotificationIn, item)
        except ValidationError as error:
            results[position] = _failed(position, listed.shorten(invalid(error)))
    known = reached(name for data in valid.values() for name in data["user_ids"])
    drafts: dict[int, Draft] = {}
    trials = Trials()
    for position, data in valid.items():
        try:
            drafts[position] = named_draft(publisher_id, data, trials, known)
        except ValidationError as error:
            results[position] = _failed(position, listed.shorten(invalid(error)))
        except Problem as problem:
            results[position] = _failed(position, listed.shorten(problem))
    for position in list(drafts)[quota.remaining(publisher_id) :]:
        del drafts[position]
        results[position] = _failed(position, quota.exceeded(publisher_id))
    taken = accept_once(publisher_id, list(drafts.values()))
    for position, (row, deduplicated) in zip(drafts, taken, strict=True):
        results[position] = {
            "index": position,
            "status": "accepted",
            "notification": answers.accepted(row, deduplicated, drafts[position].warnings),
        }
    return results


def _failed(position: int, problem: Problem) -> dict[str, Any]:
    return {"index": position, "status": "error", "problem": problem.body()}
