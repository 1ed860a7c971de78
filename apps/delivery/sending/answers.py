"""Answer notifications with steps: what is not sent yet of them is not sent any more."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from apps.core.polling import poll
from apps.delivery.models import AnswerSource
from apps.delivery.sending.cancellation import PATIENCE
from apps.delivery.state.steps import answers


def answer(
    notification_ids: Collection[UUID],
    recipient_id: int,
    source: AnswerSource,
    *,
    acknowledged: bool,
) -> None:
    """Record that somebody read or acknowledged these notifications.

    Through the API of any notification, else where they have steps: reading an inbox costs nothing
    for all others. Runs in the caller's transaction, which is to end at once. After its commit this
    waits, as a cancel does, until no worker will write to a provider what the answer keeps from
    being sent.
    """
    with_steps = answers.with_steps(notification_ids)
    found = list(notification_ids) if source == AnswerSource.API else list(with_steps)
    new = set(answers.record(found, recipient_id, source, acknowledged=acknowledged))
    if not (stopped := {key: shared for key, shared in with_steps.items() if key in new}):
        return
    answers.release(stopped, recipient_id, acknowledged=acknowledged)

    def sending() -> bool:
        return answers.being_sent(stopped, recipient_id, acknowledged=acknowledged)

    transaction.on_commit(lambda: poll(lambda: None if sending() else True, PATIENCE))
