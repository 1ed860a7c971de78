"""Judging: from outcomes of calls to what is written down of each delivery."""

import random
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from apps.core import clock
from apps.delivery.sending import runtime
from apps.delivery.sending.claiming import Claim
from apps.delivery.state import Result
from apps.delivery.state import retry_policies as policies
from notifier.dispatch.dispatcher import Sent
from notifier.dispatch.failover import NO_ALTERNATIVE, alternatives, at_fault
from notifier.dispatch.resolution import judge
from notifier.domain.backoff import RetryPolicy
from notifier.domain.outcomes import DETAIL_LIMIT, Accepted, Held, Refused, Retry, Unknown
from notifier.providers.base import log_bug

_rng = random.Random()
#: A retry policy as ``apps.topics.retry_policies`` has it in a row.
Policy = Mapping[str, Any]
#: Outcomes after which a policy decides; a refusal needs none.
FAILED = (Retry, Unknown)
#: Characters of a provider's message id that are kept.
ID_LIMIT = 200


def retry_policies(claim: Claim, batch: Iterable[Sent]) -> dict[int, Policy]:
    """Return the retry policies, of topics and subscriptions, of what failed and has one.

    By delivery's id. Reads the database where something failed.
    """
    failed = [claim.by_id[sent.message.id] for sent in batch if isinstance(sent.outcome, FAILED)]
    topics = {
        item.delivery_id: topic.retry_policy
        for item in failed
        # What is sent instead follows its own channel's policy: that of the topic is used up.
        if item.instead_of is None and (topic := claim.contexts[item.notification_id].topic)
    }
    own = policies.of_subscriptions(topics)
    return {key: found for key, policy in topics.items() if (found := own.get(key, policy))}


def results(
    claim: Claim, batch: Sequence[Sent], own: Mapping[int, Policy], closed: Collection[str]
) -> list[Result]:
    """Return what is to be written down, in the order of the batch.

    ``own``: see ``retry_policies``; ``closed``: the providers that nothing is sent through.
    """
    now = time.time()
    resend = runtime.resend_unknown(*claim.queue)
    usual = runtime.retry_policy(claim.queue.channel, None)
    found = []
    for sent in batch:
        item = claim.by_id[sent.message.id]
        one = claim.contexts[item.notification_id]
        policy = own.get(item.delivery_id)
        attempt = item.attempts + (not isinstance(sent.outcome, Held))
        rest = NO_ALTERNATIVE
        if at_fault(sent.outcome):
            rest = alternatives(runtime.routes(), sent.message, sent.provider, closed)
        verdict = judge(
            sent.outcome,
            attempt=attempt - item.attempts_uncounted,
            policy=_policy(claim.queue.channel, policy, usual) if policy else usual,
            resend_unknown=resend,
            expires_at=one.deadline,
            now=now,
            rng=_rng,
            another=rest.next,
            alone=not rest.any,
            unanswered=item.unanswered,
        )
        outcome = sent.outcome
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
                next_attempt_at=(
                    clock.to_shared(verdict.next_attempt_at)
                    if verdict.next_attempt_at is not None
                    else None
                ),
                provider=sent.provider,
                provider_message_id=(
                    _clean(outcome.provider_message_id, ID_LIMIT)
                    if isinstance(outcome, Accepted)
                    else ""
                ),
                started_at=clock.to_shared(sent.started_at),
                duration_ms=round(sent.duration * 1000),
                outcome=_NAMES[type(outcome)],
                status=getattr(outcome, "status", None),
                detail=_clean(getattr(outcome, "detail", ""), DETAIL_LIMIT),
                disable_contact=isinstance(outcome, Refused) and outcome.disable_contact,
                endpoint=_endpoint(policy),
            )
        )
    return found


def _policy(channel: str, own: Policy, usual: RetryPolicy) -> RetryPolicy:
    """``own``, or ``usual`` where the row has what is none: what was sent must be written down."""
    try:
        return runtime.retry_policy(channel, own)
    except (LookupError, TypeError, ValueError) as error:
        log_bug("a retry policy cannot be read", error)
        return usual


def _endpoint(policy: Policy | None) -> int | None:
    """The contact to send to once the policy's attempts are used up."""
    after_last = (policy or {}).get("after_last")
    return after_last["contact_id"] if isinstance(after_last, Mapping) else None


def _clean(text: str, most: int) -> str:
    """What a provider says, as a column can hold it: one odd answer must not cost the others."""
    if not text.isascii():  # half a surrogate pair is no character
        text = text.encode(errors="ignore").decode()
    return text.replace("\0", "")[:most]


_NAMES = {
    Accepted: "accepted",
    Retry: "retry",
    Refused: "refused",
    Unknown: "unknown",
    Held: "",
}
