"""Sentences about the steps of a fallback: what became of each for one recipient or endpoint."""

from collections.abc import Iterator
from datetime import datetime

from apps.delivery.models import Answer, AnswerSource, ChunkKind, Notification
from apps.delivery.operations.evidence import Evidence, Sentence, at
from apps.delivery.state.steps import plan
from apps.delivery.state.steps.plan import Step, Unless
from apps.preferences.models import Contact, Group, Membership, Recipient
from apps.preferences.selectors import user_ids_of

_CONDITIONS = {
    Unless.DELIVERED: "another channel has reached",
    Unless.READ: "it was read by",
    Unless.ACKNOWLEDGED: "it was acknowledged by",
}


class StepEvidence(Evidence):
    """The steps that concern one recipient, and what anybody answered."""

    def __init__(self, whom: Recipient | Contact, notification: Notification) -> None:
        super().__init__(whom, notification)
        self.all_steps = plan.of(notification.steps)
        ids = [step.group_id for step in self.all_steps if step.group_id is not None]
        self._groups = Group.objects.in_bulk(ids) if ids else {}
        self._memberships = set(
            Membership.objects.filter(group__in=ids, recipient=self.recipient_id).values_list(
                "group_id", flat=True
            )
            if ids
            else ()
        )
        made = {delivery.step for delivery in self.deliveries}
        #: The steps that concern the recipient: for the notification's people, or for their groups.
        self.steps = [
            step
            for step in self.all_steps
            if step.group_id is None or step.group_id in self._memberships or step.number in made
        ]
        answers = Answer.objects.filter(notification_id=notification.pk)
        self.answer = answers.filter(recipient_id=self.recipient_id).first()
        self._acknowledgement = (
            answers.filter(acknowledged_at__isnull=False).order_by("acknowledged_at").first()
        )

    def step_sentences(self) -> Iterator[Sentence]:
        """Describe the plan of the steps, and what the recipient answered."""
        for step in self.all_steps:
            group = self._groups.get(step.group_id or 0)
            who = "them"
            if step.group_id is not None:
                who = f"the group {group}" if group else "a group that is gone"
            whom = "them" if step.group_id is None else "anybody"
            condition = f"{_CONDITIONS[Unless(step.unless)]} {whom}"
            yield Sentence(
                f"Step {step.number}: {step.after} seconds later it goes to {who} on "
                f"{step.channel}, unless {condition}."
            )
        if self.answer is not None:
            yield Sentence(f"They {_done(self.answer)}.")

    @property
    def has_acknowledged(self) -> bool:
        """True if the recipient acknowledged it."""
        return self.answer is not None and self.answer.acknowledged_at is not None

    def fallback_sentence(self) -> Sentence:
        """Say why a fallback of one step that asks for "not delivered" made no delivery."""
        if self.has_acknowledged:
            return Sentence("They acknowledged it, so it was not needed.")
        return Sentence("Another channel reached them in time, so it was not needed.")

    def absence_sentences(self, step: Step) -> Iterator[Sentence]:
        """Say why there is no delivery of a step, if there is none."""
        if any(delivery.step == step.number for delivery in self.deliveries):
            return
        name = f"Step {step.number}"
        if self.notification.cancelled_at:
            yield Sentence(f"{name}: it was cancelled before that.", "cancelled")
        elif self.answer is not None and self._satisfies(self.answer, step):
            yield Sentence(f"{name} was not needed: they {_done(self.answer)}.")
        elif plan.shared(self.all_steps) and self._acknowledgement is not None:
            key = self._acknowledgement.recipient_id
            who = user_ids_of([key]).get(key) or "somebody who is gone"
            yield Sentence(f"{name} was not needed: {who} {_done(self._acknowledgement)}.")
        elif (due := self._due(step)) is not None:
            yield Sentence(
                f"{name} is due {at(due)}." if due > self.now else f"{name} waits.", "queued"
            )
        elif any(chunk.kind == ChunkKind.WHOLE for chunk in self.open_chunks):
            yield Sentence(f"{name} is due once its audience is cut.", "queued")
        elif step.unless == Unless.DELIVERED:
            yield Sentence(f"{name} was not needed, or has nobody to go to on {step.channel}.")
        else:
            yield Sentence(
                f"{name} made no delivery for them: they were not in its audience, had it at "
                "that address already, or somebody had answered."
            )

    def steps_to_come(self) -> list[Step]:
        """Return the steps on which they may still get it."""
        return [
            step
            for step in self.steps
            if self._due(step) is not None
            and not (self.answer is not None and self._satisfies(self.answer, step))
            and not (plan.shared(self.all_steps) and self._acknowledgement is not None)
        ]

    def _due(self, step: Step) -> datetime | None:
        ready = [
            chunk.ready_at
            for chunk in self.open_chunks
            if chunk.step == step.number
            and (chunk.recipient_ids is None or self.recipient_id in chunk.recipient_ids)
        ]
        return min(ready) if ready else None

    @staticmethod
    def _satisfies(answer: Answer, step: Step) -> bool:
        return answer.acknowledged_at is not None or step.unless != Unless.ACKNOWLEDGED


def _done(answer: Answer) -> str:
    if answer.acknowledged_at is not None:
        return f"acknowledged it {at(answer.acknowledged_at)}"
    where = " in their inbox" if answer.source == AnswerSource.INBOX else ""
    return f"read it{where} {at(answer.read_at)}"
