"""A batch of different notifications, each with its own result."""

from collections.abc import Mapping, Sequence

from rest_framework.serializers import ValidationError

from apps.api.problems import ErrorList, Problem, validation_problem
from apps.api.serializers import read
from apps.delivery.api import presenters
from apps.delivery.api.publishing.serializers import NotificationIn
from apps.delivery.intake.bodies import NotificationBody
from apps.delivery.intake.drafts import Draft, named_draft
from apps.delivery.intake.fallbacks import StepGroups
from apps.delivery.intake.group_commit import AcceptedDraft, PublishRequest
from apps.delivery.intake.idempotency import Key
from apps.delivery.intake.template_validation import TemplateValidator
from apps.preferences.selectors import Reached, reached
from apps.publishers import daily_quota, limits
from apps.publishers.daily_quota import Account
from apps.publishers.limits import Allowance
from apps.publishers.selectors import KeySnapshot, PublisherSnapshot
from notifier.domain.priorities import Priority


class Batch:
    """The notifications of one batch request: valid drafts and problems, by position.

    ``key``: the API key that posts it. ``allowance`` limits how many may have high priority;
    ``None`` sets no limit.
    """

    def __init__(
        self,
        publisher: PublisherSnapshot,
        key: KeySnapshot,
        posted: Sequence[object],
        allowance: Allowance | None,
    ) -> None:
        self._publisher_id = publisher.id
        self._key = key
        self._size = len(posted)
        self._drafts: dict[int, Draft] = {}
        self._problems: dict[int, Problem] = {}
        self._within: list[int] = []
        self._check(posted)
        if allowance is not None:
            self._within_rate(publisher, allowance)

    def publish_request(self, key: Key | None, traceparent: bytes | None = None) -> PublishRequest:
        """Build the request to commit. ``key`` is the request's idempotency key."""
        return PublishRequest(
            self._publisher_id, key, (), self._within_quota, self._results, traceparent
        )

    def _check(self, posted: Sequence[object]) -> None:
        listed = ErrorList()
        valid: dict[int, NotificationBody] = {}
        for position, item in enumerate(posted):
            try:
                valid[position] = read(NotificationIn, item)
            except ValidationError as error:
                self._problems[position] = listed.shorten(validation_problem(error))
        known = reached(name for data in valid.values() for name in data["user_ids"])
        validator, step_groups = TemplateValidator(), StepGroups(self._publisher_id)
        for position, data in valid.items():
            try:
                self._drafts[position] = named_draft(
                    self._key, data, known, validator, step_groups=step_groups
                )
            except ValidationError as error:
                self._problems[position] = listed.shorten(validation_problem(error))
            except Problem as problem:
                self._problems[position] = listed.shorten(problem)

    def _within_rate(self, publisher: PublisherSnapshot, allowance: Allowance) -> None:
        """Turn drafts of high priority beyond the allowance into problems."""
        high = [place for place in self._drafts if self._drafts[place].priority == Priority.HIGH]
        for position in high[allowance.high :]:
            del self._drafts[position]
            self._problems[position] = limits.high_exceeded(publisher, allowance)

    def _account(self, position: int) -> Account:
        return daily_quota.account(self._publisher_id, self._drafts[position].priority)

    def _within_quota(
        self, _: Mapping[str, Reached], left: Mapping[Account, int]
    ) -> Sequence[Draft]:
        """Pick the drafts within what is left of each quota, in the order of the request."""
        left = dict(left)
        self._within = []
        for position in self._drafts:
            account = self._account(position)
            if left[account] > 0:
                left[account] -= 1
                self._within.append(position)
        return [self._drafts[position] for position in self._within]

    def _results(self, accepted: Sequence[AcceptedDraft]) -> dict[str, object]:
        results: list[dict[str, object]] = [{} for _ in range(self._size)]
        for position, problem in self._problems.items():
            results[position] = _failed(position, problem)
        for position, one in zip(self._within, accepted, strict=True):
            results[position] = {
                "index": position,
                "status": "accepted",
                "notification": presenters.accepted(one.row, one.repeated, one.draft.warnings),
            }
        for position in self._drafts.keys() - set(self._within):
            results[position] = _failed(position, daily_quota.exceeded(self._account(position)))
        return {"results": results}


def _failed(position: int, problem: Problem) -> dict[str, object]:
    return {"index": position, "status": "error", "problem": problem.body()}
