"""Delivering one chunk: claim it, send it, write down what came of it."""

import logging
import random
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError, ProgrammingError, connection, transaction
from sqlalchemy.exc import TimeoutError as PoolExhausted

from apps.delivery import (
    address_guards,
    breakers,
    chunks,
    clock,
    gates,
    holding,
    lines,
    metrics,
    policies,
    sweep,
    transitions,
    wiring,
)
from apps.delivery.chunks import Chunk, Fenced
from apps.delivery.models import Notification, NotificationKind
from apps.delivery.saying import Saying
from apps.delivery.transitions import Claimed, Result, Terms
from apps.preferences import vault
from apps.publishers.delivery_ids import public_id
from apps.topics.selectors import TopicSnapshot, get_topic_by_id
from notifier.backoff import RetryPolicy
from notifier.crypto import DecryptionError
from notifier.dispatch import Gate, Sent
from notifier.failover import ALONE, at_fault, others
from notifier.halt import Halt
from notifier.isolation import isolate
from notifier.messages import Content, Message
from notifier.outcomes import DETAIL_LIMIT, Accepted, Held, Outcome, Reason, Refused, Retry, Unknown
from notifier.priorities import Priority
from notifier.providers.base import log_bug
from notifier.templates import TemplateError
from notifier.verdicts import judge

log = logging.getLogger(__name__)
_rng = random.Random()
T = TypeVar("T")
#: A retry policy as ``apps.topics.retry_policies`` has it in a row.
Policy = Mapping[str, Any]
#: Outcomes after which a policy decides; a refusal needs none.
FAILED = (Retry, Unknown)

#: Seconds between attempts to record, well within a lease that is being renewed.
RECORD_AGAIN = (0.1, 0.5, 2.0, 5.0)
DATABASE_FAILS = (OperationalError, InterfaceError, PoolExhausted)
#: What fails for all that is recorded at once: dividing it finds nobody at fault. A
#: ``ProgrammingError`` is a worker that runs beside another version's schema.
NOBODYS_FAULT = (Fenced, ProgrammingError, *DATABASE_FAILS)
#: Characters of a provider's message id that are kept.
ID_LIMIT = 200


class _Posted:
    """A notification as its deliveries need it, read and decrypted once a chunk."""

    def __init__(self, row: Notification) -> None:
        self.row = row
        self.topic: TopicSnapshot | None = get_topic_by_id(row.topic_id) if row.topic_id else None
        self.deadline = clock.ours(row.expires_at.timestamp()) if row.expires_at else None
        #: Its acceptance or its send time: when it should first have gone out.
        self.posted_at = max(row.created_at, row.send_at or row.created_at)
        self.saying = Saying(row)
        self.halt = Halt()


def deliver(chunk_id: int) -> None:
    """Deliver the chunk if it is still to be done and nobody else holds it.

    No transaction and no connection is held while providers are called.
    """
    with wiring.room().reserved() as take:
        chunk, claimed, posted = _claim(chunk_id)
        if chunk is not None and claimed:
            _send(chunk, claimed, posted, take)


def _send(
    chunk: Chunk,
    claimed: Sequence[Claimed],
    posted: Mapping[str, _Posted],
    left: Callable[[int], None],
) -> None:
    """Send what was claimed and write down what came of it. ``left`` is told how many are not sent
    yet: a slow one must not keep room for those that went out long ago."""
    left(len(claimed))
    by_id = {public_id(item.delivery_id): item for item in claimed}
    halts = {name: one.halt for name, one in posted.items()}
    keeper, lookout = wiring.leases(), wiring.lookout()
    keeper.hold(chunk)
    lookout.watch(halts)
    try:
        allowed: Mapping[str, Gate] = gates.gates(chunk.channel)
        shut = {name for name, gate in allowed.items() if not gate.room}
        connection.close()  # back to the pool while we wait
        messages, unreadable = _messages(chunk, claimed, posted)
        allowed = gates.throttle(chunk, allowed, messages)
        missing = len(claimed)
        ordered = any(one.row.ordering_key for one in posted.values())
        for batch in chain([unreadable], wiring.engine().send(messages, allowed, left)):
            missing -= len(batch)
            breakers.report(batch)
            batch = address_guards.doubt(batch)
            own = _insist(chunk, partial(_policies, batch, by_id, posted))
            results = _results(chunk, batch, by_id, posted, own, shut)
            if results:
                _record(chunk, results, finish=missing == 0, ordered=ordered)
                metrics.observe(chunk, batch, results, _posted_at(posted))
                if any(result.moved for result in results):
                    _move_on(chunk)
                _give_back(results)
            connection.close()
    except Fenced:
        log.warning("chunk %d was taken over while it was sent; duplicates are possible", chunk.id)
    finally:
        lookout.leave(halts)
        keeper.release(chunk)
        metrics.observe_load(wiring.built_providers())


def _record(chunk: Chunk, results: Sequence[Result], *, finish: bool, ordered: bool) -> None:
    """Write it down. Safe to repeat: all or nothing, and only while the chunk is ours.

    What cannot be written down costs nobody else their record: it is written without what its
    provider said, or stays as it is until the lease ends and another worker takes it up.
    """
    finished = False

    def record(some: Sequence[Result]) -> None:
        nonlocal finished
        whole = finish and len(some) == len(results)
        _insist(chunk, partial(transitions.record, chunk, some, finish=whole, ordered=ordered))
        finished = whole

    failed = isolate(results, record, whole=NOBODYS_FAULT)
    for result, error in failed:
        log_bug(f"recording delivery {result.delivery_id}", error)
    plain = [r._replace(provider_message_id="", status=None, detail="") for r, _ in failed]
    lost = isolate(plain, record, whole=NOBODYS_FAULT)
    if finish and not finished and not lost:
        _insist(chunk, partial(transitions.record, chunk, (), finish=True, ordered=ordered))


def _move_on(chunk: Chunk) -> None:
    """Let the next provider have at once what moved over: a one-time password has no second."""
    try:
        sweep.wake(chunk.channel, chunk.priority)
    except DATABASE_FAILS as error:
        log.warning("what moved over waits for the sweep: %s", type(error).__name__)


def _give_back(results: Sequence[Result]) -> None:
    """Restore what was given up before it turned out to be a flood."""
    doubted = {r.provider for r in results if r.reason == Reason.MANY_DEAD_ADDRESSES and r.outcome}
    if not doubted:
        return
    try:
        address_guards.give_back(doubted)
    except DATABASE_FAILS as error:
        log.warning("what was given up waits for the sweep: %s", type(error).__name__)


def _insist(chunk: Chunk, what: Callable[[], T]) -> T:
    """What it returns, asked again if the database fails for a moment: what was sent and not
    recorded would be sent twice."""
    for pause in RECORD_AGAIN:
        try:
            return what()
        except DATABASE_FAILS as error:
            log.warning("chunk %d not recorded yet: %s", chunk.id, type(error).__name__)
            connection.close()
            time.sleep(pause)
    return what()


def _posted_at(posted: Mapping[str, _Posted]) -> dict[str, float]:
    """When each notification should first have gone out, by this machine's clock."""
    return {key: clock.ours(one.posted_at.timestamp()) for key, one in posted.items()}


def _claim(chunk_id: int) -> tuple[Chunk | None, list[Claimed], dict[str, _Posted]]:
    with transaction.atomic():
        chunk = chunks.claim(chunk_id)
        if chunk is None:
            return None, [], {}
        posted = {str(row.pk): _Posted(row) for row in _notifications(chunk)}
        in_line = {
            lines.line_of(one.row, chunk.channel) for one in posted.values() if one.row.ordering_key
        }
        if in_line:
            lines.lock(in_line)
        if _put_back(chunk, posted):
            return None, [], {}
        most_attempts = wiring.retry_policy(chunk.channel, None).attempts
        claimed = transitions.begin(
            chunk, _terms(chunk, posted), most_attempts, ordered=bool(in_line)
        )
        if not claimed:
            chunks.finish(chunk)
    return chunk, claimed, posted


def _put_back(chunk: Chunk, posted: Mapping[str, _Posted]) -> bool:
    """Whether none of the chunk may be sent now, and it waits without deliveries being made."""
    if chunk.notification_id is None or posted[str(chunk.notification_id)].row.cancelled_at:
        return False
    if gates.shut([chunk.channel]):
        chunks.put_back(chunk, holding.SHORTEST)
        return True
    if posted[str(chunk.notification_id)].row.ordering_key and lines.must_wait(chunk.id):
        chunks.put_back(chunk, lines.LOOK_AGAIN)
        return True
    return holding.put_back(chunk, posted[str(chunk.notification_id)].topic)


def _notifications(chunk: Chunk) -> Iterable[Notification]:
    """The chunk's notifications, share-locked: a cancel waits until the claim is written."""
    params: list[UUID | int]
    if chunk.notification_id is not None:
        where, params = "id = %s", [chunk.notification_id]
    else:
        where = "id IN (SELECT notification_id FROM delivery_delivery WHERE chunk_id = %s)"
        params = [chunk.id]
    return Notification.objects.raw(
        f"SELECT * FROM delivery_notification WHERE {where} ORDER BY id FOR SHARE", params
    )


def _terms(chunk: Chunk, posted: Mapping[str, _Posted]) -> Terms | None:
    """The terms under which new deliveries are made; none where none are to be made."""
    if chunk.notification_id is None or posted[str(chunk.notification_id)].row.cancelled_at:
        return None
    one = posted[str(chunk.notification_id)]
    topic = one.topic
    return Terms(
        one.row.topic_id,
        one.row.group_id,
        one.row.reachable_only,
        topic.category if topic else "",
        topic.mandatory if topic else one.row.kind != NotificationKind.PUBLISHED,
        one.row.expires_at,
        fallback=chunk.channel == one.row.fallback_channel,
        confirming=topic.requires_confirmation if topic else False,
    )


def _messages(
    chunk: Chunk, claimed: Iterable[Claimed], posted: Mapping[str, _Posted]
) -> tuple[list[Message], list[Sent]]:
    """What to send, and the outcomes of what cannot even be read or rendered.

    A row that does not decrypt (a key taken out of the settings) is tried again like any other
    failure: it must not stop the rest of its chunk, and the key may come back. A template that
    cannot say anything to somebody never will.
    """
    messages, unreadable = [], []
    for item in claimed:
        one = posted[item.notification_id]
        try:
            messages.append(_message(chunk, item, one))
        except Exception as error:  # whatever it is, the rest of the chunk is not to blame
            blank = Message(public_id(item.delivery_id), chunk.channel, "", Content())
            outcome = _unreadable(item, error)
            unreadable.append(Sent(blank, "", outcome, time.time(), 0.0))
    return messages, unreadable


def _unreadable(item: Claimed, error: Exception) -> Outcome:
    if isinstance(error, (DecryptionError, TemplateError)):
        log.error("delivery %d cannot be read: %s", item.delivery_id, error)
        if isinstance(error, TemplateError):
            return Refused(Reason.INVALID_MESSAGE, detail=str(error))
        return Retry(Reason.INTERNAL, detail=str(error))
    log_bug(f"delivery {item.delivery_id} cannot be read", error)
    return Retry(Reason.INTERNAL, detail=type(error).__name__)


def _message(chunk: Chunk, item: Claimed, one: _Posted) -> Message:
    index = bytes(item.address_index)
    return Message(
        id=public_id(item.delivery_id),
        channel=chunk.channel,
        address=vault.open(bytes(item.address), index),
        content=one.saying.to(chunk.channel, item.user_id, item.locale),
        priority=Priority(chunk.priority),
        platform=item.platform,
        app=item.app,
        notification_id=item.notification_id,
        user_id=item.user_id,
        topic=one.topic.name if one.topic else "",
        collapse_key=one.row.collapse_key,
        expires_at=one.row.expires_at,
        deadline=one.deadline,
        posted_at=one.posted_at,
        secret=vault.open_secret(bytes(item.secret), index) if item.secret else "",
        former_secrets=_former_secrets(item, index) if item.former_secrets else (),
        attempt=item.attempts + 1,
        instead_of=public_id(item.instead_of) if item.instead_of else "",
        failed_at=item.failed_at,
        halt=one.halt,
    )


def _former_secrets(item: Claimed, index: bytes) -> list[str]:
    return [vault.open_secret(bytes(former), index) for former in item.former_secrets or ()]


def _policies(
    batch: Iterable[Sent], claimed: Mapping[str, Claimed], posted: Mapping[str, _Posted]
) -> dict[int, Policy]:
    """The retry policies, of topics and subscriptions, of what failed and has one."""
    failed = [claimed[sent.message.id] for sent in batch if isinstance(sent.outcome, FAILED)]
    topics = {
        item.delivery_id: topic.retry_policy
        for item in failed
        # What is sent instead follows its own channel's policy: that of the topic is used up.
        if item.instead_of is None and (topic := posted[item.notification_id].topic)
    }
    own = policies.of_subscriptions(topics)
    return {key: found for key, policy in topics.items() if (found := own.get(key, policy))}


def _results(
    chunk: Chunk,
    batch: list[Sent],
    claimed: Mapping[str, Claimed],
    posted: Mapping[str, _Posted],
    own: Mapping[int, Policy],
    shut: Container[str],
) -> list[Result]:
    """What to write down. ``own``: retry policies by delivery, where there are any; ``shut``: the
    providers that nothing is sent through."""
    now = time.time()
    resend = wiring.resend_unknown(chunk.channel, chunk.priority)
    usual = wiring.retry_policy(chunk.channel, None)
    results = []
    for sent in batch:
        item = claimed[sent.message.id]
        one = posted[item.notification_id]
        policy = own.get(item.delivery_id)
        attempt = item.attempts + (not isinstance(sent.outcome, Held))
        rest = ALONE
        if at_fault(sent.outcome):
            rest = others(wiring.routes(), sent.message, sent.provider, shut)
        verdict = judge(
            sent.outcome,
            attempt=attempt - item.attempts_uncounted,
            policy=_policy(chunk.channel, policy, usual) if policy else usual,
            resend_unknown=resend,
            expires_at=one.deadline,
            now=now,
            rng=_rng,
            another=rest.next,
            alone=not rest.any,
            unanswered=item.unanswered,
        )
        outcome = sent.outcome
        results.append(
            Result(
                delivery_id=item.delivery_id,
                notification_id=item.notification_id,
                contact_id=item.contact_id,
                attempt=attempt,
                state=verdict.state,
                reason=verdict.reason,
                moved=verdict.moved,
                next_attempt_at=(
                    clock.shared(verdict.next_attempt_at)
                    if verdict.next_attempt_at is not None
                    else None
                ),
                provider=sent.provider,
                provider_message_id=(
                    _clean(outcome.provider_message_id, ID_LIMIT)
                    if isinstance(outcome, Accepted)
                    else ""
                ),
                started_at=clock.shared(sent.started_at),
                duration_ms=round(sent.duration * 1000),
                outcome=_NAMES[type(outcome)],
                status=getattr(outcome, "status", None),
                detail=_clean(getattr(outcome, "detail", ""), DETAIL_LIMIT),
                disable_contact=isinstance(outcome, Refused) and outcome.disable_contact,
                endpoint=_endpoint(policy),
            )
        )
    return results


def _policy(channel: str, own: Policy, usual: RetryPolicy) -> RetryPolicy:
    """``own``, or ``usual`` where the row has what is none: what was sent must be written down."""
    try:
        return wiring.retry_policy(channel, own)
    except (LookupError, TypeError, ValueError) as error:
        log_bug("a retry policy cannot be read", error)
        return usual


def _endpoint(policy: Policy | None) -> int | None:
    """The contact to send to once the policy's attempts are used up."""
    after_last = (policy or {}).get("after_last")
    return after_last["contact_id"] if isinstance(after_last, Mapping) else None


def _clean(text: str, most: int) -> str:
    """What a provider says, as a column can hold it: one odd answer must not cost a whole chunk."""
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
