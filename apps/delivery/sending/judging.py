"""Judging: from the outcomes of calls to the results that are recorded."""

import random
import time
from collections.abc import Iterable, Sequence

from apps.core import clock
from apps.delivery.sending import runtime
from apps.delivery.sending.admission import Admission
from apps.delivery.sending.claiming import Claim
from apps.delivery.sending.notifications import NotificationContext
from apps.delivery.state import Claimed, Result
from apps.delivery.state import retry_policies as policies
from apps.delivery.state.retry_policies import OwnPolicy
from notifier.dispatch.dispatcher import Sent
from notifier.dispatch.failover import NO_ALTERNATIVE, alternatives, at_fault
from notifier.dispatch.resolution import NOT_SENT, judge
from notifier.domain.outcomes import (
    DETAIL_LIMIT,
    Accepted,
    Held,
    Outcome,
    Reason,
    Refused,
    Retry,
    Unknown,
)
from notifier.domain.priorities import Priority
from notifier.domain.redaction import without_address
from notifier.domain.states import DeliveryState
from notifier.resilience.breaker import FAILURES, PROBE_WAIT

_rng = random.Random()
#: Outcomes for which a retry policy decides; a refusal is final.
FAILED = (Retry, Unknown)
#: Characters of a provider's message id that are kept.
ID_LIMIT = 200


def results(claim: Claim, batch: Sequence[Sent], admission: Admission) -> list[Result]:
    """Return the results to record, in the order of the batch.

    Reads the database where some calls failed. A failed probe of a half-open breaker waits no less
    than the messages that waited for it, so that the next probes are others. Its retry policy does
    not count it, unless the message may have arrived: who waits at an open breaker loses no attempt
    either, and which messages probe is chance.
    """
    own = _retry_policies(claim, batch)
    now = time.time()
    resend = runtime.resend_unknown(*claim.queue)
    default = runtime.retry_policy(claim.queue.channel)
    urgent = claim.queue.priority == Priority.HIGH
    found = []
    for sent in batch:
        item = claim.by_id[sent.message.id]
        context = claim.contexts[item.notification_id]
        policy = own.get(item.delivery_id)
        attempt = item.attempts + (not isinstance(sent.outcome, Held))
        probed = sent.provider in admission.probed and isinstance(sent.outcome, FAILED)
        uncounted = probed and isinstance(sent.outcome, Retry) and sent.outcome.reason in FAILURES
        rest = NO_ALTERNATIVE
        if at_fault(sent.outcome):
            rest = alternatives(runtime.routes(), sent.message, sent.provider, admission.closed)
        verdict = judge(
            sent.outcome,
            attempt=max(1, attempt - item.attempts_uncounted - uncounted),
            policy=(policy.rules or default) if policy else default,
            resend_unknown=resend,
            expires_at=context.deadline,
            now=now,
            rng=_rng,
            another=rest.next,
            alone=not rest.any,
            unanswered=item.unanswered,
        )
        outcome = sent.outcome
        next_attempt_at = verdict.next_attempt_at
        if next_attempt_at is not None and probed and not verdict.moved:
            next_attempt_at = max(next_attempt_at, now + PROBE_WAIT)
        found.append(
            Result(
                claim_id=claim.id,
                delivery_id=item.delivery_id,
                notification_id=item.notification_id,
                channel=claim.queue.channel,
                contact_id=item.contact_id,
                attempt=attempt,
                state=verdict.state,
                reason=verdict.reason,
                moved=verdict.moved,
                uncounted=verdict.moved or uncounted,
                next_attempt_at=(
                    clock.to_shared(next_attempt_at) if next_attempt_at is not None else None
                ),
                provider=sent.provider,
                provider_message_id=(
                    _clean(outcome.provider_message_id, ID_LIMIT)
                    if isinstance(outcome, Accepted)
                    else ""
                ),
                started_at=clock.to_shared(sent.started_at),
                duration_ms=round(sent.duration * 1000),
                waited_ms=_waited(item, context, sent) if urgent and attempt == 1 else None,
                outcome=_OUTCOME_NAMES[type(outcome)],
                status=getattr(outcome, "status", None),
                detail=_detail(sent),
                disable_contact=isinstance(outcome, Refused) and outcome.disable_contact,
                endpoint=policy.endpoint if policy else None,
            )
        )
    return found


def plain_result(claim: Claim, sent: Sent) -> Result:
    """Return the result that says what the provider said and no more, where ``results`` fails.

    Nothing is sent again by itself that a provider was called for: a call that failed makes a dead
    letter, and what is no outcome at all is ``unknown``.
    """
    item, outcome = claim.by_id[sent.message.id], sent.outcome
    state = _plain_state(outcome)
    if item.unanswered and state in NOT_SENT:
        state = DeliveryState.UNKNOWN
    return Result(
        claim_id=claim.id,
        delivery_id=item.delivery_id,
        notification_id=item.notification_id,
        channel=claim.queue.channel,
        contact_id=item.contact_id,
        attempt=item.attempts + (not isinstance(outcome, Held)),
        state=state,
        reason=getattr(outcome, "reason", "" if isinstance(outcome, Accepted) else Reason.INTERNAL),
        next_attempt_at=(
            clock.to_shared(outcome.until)
            if isinstance(outcome, Held) and state == DeliveryState.RETRYING
            else None
        ),
        provider=sent.provider,
        provider_message_id="",
        started_at=clock.to_shared(sent.started_at),
        duration_ms=round(sent.duration * 1000),
        outcome=_OUTCOME_NAMES.get(type(outcome), "unknown"),
        status=None,
        detail="see the log",
        disable_contact=False,
    )


def _plain_state(outcome: Outcome) -> DeliveryState:
    match outcome:
        case Accepted(delivered=delivered):
            return DeliveryState.DELIVERED if delivered else DeliveryState.ACCEPTED
        case Refused():
            return DeliveryState.FAILED
        case Retry():
            return DeliveryState.DEAD
        case Held(reason=Reason.CANCELLED):
            return DeliveryState.CANCELLED
        case Held():
            return DeliveryState.RETRYING
    return DeliveryState.UNKNOWN


def _waited(item: Claimed, context: NotificationContext, sent: Sent) -> int | None:
    """Return the milliseconds from acceptance or send time to a delivery's first call.

    ``None`` where it was to be sent later than that: at a local time, by a step of a fallback, or
    in place of one that died.
    """
    if item.step or item.instead_of is not None or context.row.send_at_local:
        return None
    since = clock.to_local(context.posted_at.timestamp())
    return max(0, round((sent.started_at - since) * 1000))


def _retry_policies(claim: Claim, batch: Iterable[Sent]) -> dict[int, OwnPolicy]:
    """Return the topics' and subscriptions' own retry policies of what failed, by delivery id.

    A topic's policy came with the claim. A subscription's is read from the database here, after a
    failure, so that deliveries that succeed never pay for the look-up.
    """
    failed = [claim.by_id[sent.message.id] for sent in batch if isinstance(sent.outcome, FAILED)]
    topics = {
        item.delivery_id: topic.retry_policy
        for item in failed
        # A delivery in place of a dead one follows its channel's policy: the topic's is used up. So
        # does a digest, whatever it tells; another endpoint would be told nothing.
        if item.instead_of is None
        and (context := claim.contexts[item.notification_id]).topic
        and not context.is_digest
        and (topic := context.topic)
    }
    own = policies.of_subscriptions(topics)
    return {
        key: policies.parse(found)
        for key, policy in topics.items()
        if (found := own.get(key, policy))
    }


def _detail(sent: Sent) -> str:
    """Return what the provider said of a failure, without the address: it is kept and shown."""
    detail: str = getattr(sent.outcome, "detail", "")
    return detail and _clean(without_address(detail, sent.message.address), DETAIL_LIMIT)


def _clean(text: str, most: int) -> str:
    """Return a provider's text as a column can store it, so that one odd answer spoils no batch."""
    if not text.isascii():  # drops unpaired surrogates, which are not UTF-8
        text = text.encode(errors="ignore").decode()
    return text.replace("\0", "")[:most]


_OUTCOME_NAMES = {
    Accepted: "accepted",
    Retry: "retry",
    Refused: "refused",
    Unknown: "unknown",
    Held: "",
}
