"""Group commit: requests that arrive while a transaction commits are stored together by the next.

A request that finds no transaction under way commits at once, by itself. Requests that arrive
meanwhile wait, and the first of them commits for all when that transaction has ended: the busier
the database, the larger the groups (natural batching). While groups are large, a transaction waits
up to ``SPACING`` for a group as large as the last, since the same clients are likely to post again.
A transaction that takes longer than ``LONGEST_WAIT`` is not waited for: the next begins beside it.

Each request keeps its own key, quota, errors and answer. If the transaction as a whole fails before
its commit, each request is tried again by itself, in its own thread.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from uuid import UUID

import orjson
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    connection,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from uuid_utils.compat import uuid7

from apps.core import tracing
from apps.delivery.intake import accept, deduplication, lookups
from apps.delivery.intake.deduplication import Candidate
from apps.delivery.intake.drafts import Draft
from apps.delivery.intake.idempotency import Answer, InFlightWait, Key, StillInFlight
from apps.delivery.intake.rows import NewKey, NewNotification
from apps.delivery.models import Notification
from apps.preferences.selectors import Reached
from apps.publishers import daily_quota
from apps.publishers.daily_quota import Account

log = logging.getLogger(__name__)

#: Seconds for which waiting requests wait for the transaction before them.
LONGEST_WAIT = 0.1
#: Most seconds between the beginnings of two transactions once a group has ``MANY`` requests: under
#: load larger groups cost the database and this process less.
SPACING, MANY = 0.03, 3


@dataclass(frozen=True, slots=True)
class AcceptedDraft:
    """A draft that was accepted, or a repetition with the earlier notification (``repeated``)."""

    row: NewNotification | Notification
    draft: Draft
    repeated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PublishRequest:
    """A request to publish.

    - ``key``: its Idempotency-Key, or ``None``.
    - ``user_ids``: recipients to look up.
    - ``drafts``: makes the drafts to accept of the recipients found and of what is left of the
      publisher's quotas. What it raises is the error of this request. It must not query and must
      take microseconds, since the whole group waits for it.
    - ``body``: makes the JSON-ready answer.
    - ``traceparent``: where its notifications belong in a trace, if it is sampled.
    """

    publisher_id: int
    key: Key | None
    user_ids: Sequence[str]
    drafts: Callable[[Mapping[str, Reached], Mapping[Account, int]], Sequence[Draft]]
    body: Callable[[Sequence[AcceptedDraft]], object]
    traceparent: bytes | None = None


#: The answer or the error of a request; ``None`` while the first request with its key is under way.
Outcome = Answer | Exception | None


class _RetryAlone(Exception):
    """Raised to have the requests of a group tried one by one. Nothing was stored."""


def commit(request: PublishRequest, *, together: bool = True) -> Answer:
    """Store a request, once for its key, and return its answer.

    ``together``: in a group with others. Large requests go by themselves, so that none waits for
    them.

    Raises what ``request.drafts`` raises, ``StillInFlight``, ``KeyReused`` and errors of the
    database.
    """
    with InFlightWait() as in_flight:
        while True:
            outcome = _queue.submit(request) if together else _commit_alone(request)
            if isinstance(outcome, Exception):
                raise outcome
            if outcome is not None:
                return outcome
            connection.close()  # returns it to the pool during the wait
            in_flight.wait()


def commit_within(requests: Sequence[PublishRequest]) -> list[Answer | Exception]:
    """Store requests in the caller's transaction; return each one's answer or error.

    One that fails leaves nothing behind, and does not fail the others. One whose key's first
    request is under way gets ``StillInFlight``. Raises errors of the database.
    """
    try:
        outcomes = _commit_group(requests)
    except _RetryAlone:
        outcomes = [_commit_alone(request) for request in requests]
    return [StillInFlight() if outcome is None else outcome for outcome in outcomes]


class _Entry:
    """A waiting request.

    ``settled`` is set once one of these says what its thread does: ``leads``: commit for the group;
    ``retry_alone``: commit by itself; otherwise return ``outcome``. ``connection``: a database
    connection handed over to a leader, if any.
    """

    __slots__ = ("connection", "leads", "outcome", "request", "retry_alone", "settled")

    def __init__(self, request: PublishRequest) -> None:
        self.request = request
        self.settled = threading.Event()
        self.outcome: Outcome = None
        self.retry_alone = False
        self.leads = False
        self.connection: BaseDatabaseWrapper | None = None


class _CommitQueue:
    """Groups the requests of a process into transactions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Notified when as many requests wait as the last group had.
        self._enough = threading.Condition(self._lock)
        self._waiting: list[_Entry] = []
        self._busy = 0
        self._begun = float("-inf")
        self._last_size = 0

    def submit(self, request: PublishRequest) -> Outcome:
        """Have a request committed, by this thread or by another one."""
        entry = _Entry(request)
        with self._lock:
            if self._busy:
                self._waiting.append(entry)
                if self._as_many():
                    self._enough.notify_all()
            else:
                self._lead(entry)
        if not entry.leads:
            # The thread that commits for it may need this connection: the process has few.
            connection.close()
        while not entry.leads and not entry.settled.wait(LONGEST_WAIT):
            with self._lock:
                if entry in self._waiting:
                    self._waiting.remove(entry)
                    self._lead(entry)
        if entry.leads:
            if entry.connection is not None:
                _adopt_connection(entry.connection)
            self._run(self._gathered(entry))
        if entry.retry_alone:
            return _commit_alone(request)
        return entry.outcome

    def _lead(self, entry: _Entry) -> None:
        """Make the entry's thread commit for all that wait. Call it under the lock."""
        entry.leads = True
        self._busy += 1

    def _gathered(self, leader: _Entry) -> Sequence[_Entry]:
        """Wait until it is time for the next transaction; return its entries, the leader first."""
        with self._lock:
            pause = self._begun + SPACING - time.monotonic()
            if self._last_size >= MANY and pause > 0:
                self._enough.wait_for(self._as_many, pause)
            group, self._waiting = [leader, *self._waiting], []
            self._begun, self._last_size = time.monotonic(), len(group)
        return group

    def _as_many(self) -> bool:
        """Return whether a leader's group would be as large as the last. Call it under the lock."""
        return len(self._waiting) + 1 >= self._last_size

    def _run(self, group: Sequence[_Entry]) -> None:
        done = False
        try:
            outcomes = _commit_group([entry.request for entry in group])
            for entry, outcome in zip(group, outcomes, strict=True):
                entry.outcome = outcome
            done = True
        except _RetryAlone:
            for entry in group:
                entry.retry_alone = True
        except Exception as error:
            for entry in group:
                entry.outcome = copy(error)  # raising changes it, and each thread raises its own
        finally:
            with self._lock:
                self._busy -= 1
                if self._waiting and not self._busy:
                    following = self._waiting.pop(0)
                    following.connection = _release_connection() if done else None
                    self._lead(following)
                    following.settled.set()
            for entry in group:
                entry.settled.set()


_queue = _CommitQueue()


# The leaders of consecutive groups hand one connection over: returning it to the pool and taking it
# again costs a ping, and half as much as a transaction.
def _release_connection() -> BaseDatabaseWrapper:
    """Take this thread's connection away from it, to be used by another thread."""
    own = connections[DEFAULT_DB_ALIAS]
    if not own.allow_thread_sharing:
        own.inc_thread_sharing()
    del connections[DEFAULT_DB_ALIAS]
    return own


def _adopt_connection(other: BaseDatabaseWrapper) -> None:
    """Use another thread's connection in place of this thread's own."""
    for own in connections.all(initialized_only=True):
        if own.alias == DEFAULT_DB_ALIAS:
            own.close()
    connections[DEFAULT_DB_ALIAS] = other


def _commit_alone(request: PublishRequest) -> Outcome:
    [outcome] = _commit_group([request])
    return outcome


def _commit_group(requests: Sequence[PublishRequest]) -> list[Outcome]:
    """Store requests in one transaction.

    Raises ``_RetryAlone``, or an error; after one of the commit itself they may be stored.
    """
    committing = False
    try:
        with transaction.atomic():
            outcomes = _store(requests)
            committing = True
        return outcomes
    except _RequestFailed as refused:
        others = [request for request in requests if request is not refused.request]
        outcomes = _commit_group(others) if others else []
        outcomes.insert(requests.index(refused.request), refused.error)
        return outcomes
    except _RetryAlone:
        raise
    except Exception as error:
        # Nothing is stored before the commit. Without a usable connection each would fail as well.
        alone, of_database = len(requests) == 1, isinstance(error, DatabaseError | InterfaceError)
        if committing or not connection.is_usable() or (alone and of_database):
            raise
        if alone:
            return [error]
        log.warning("requests are stored one by one: %s", type(error).__name__)
        raise _RetryAlone from error


class _RequestFailed(Exception):
    """A request failed after the transaction had written something for it.

    The group is stored again without it. ``error``: its error; ``None`` to have it try again.
    """

    def __init__(self, request: PublishRequest, error: Exception | None) -> None:
        super().__init__()
        self.request = request
        self.error = error


@dataclass(slots=True)
class _Acceptance:
    """A request in a transaction: its index in the group, and its drafts."""

    index: int
    request: PublishRequest
    items: Sequence[Candidate]


def _store(requests: Sequence[PublishRequest]) -> list[Outcome]:
    """Store requests in the caller's transaction, which any exception rolls back."""
    outcomes: list[Outcome] = [None] * len(requests)
    found = lookups.read(
        [request.key for request in requests if request.key is not None],
        {name for request in requests for name in request.user_ids},
        {request.publisher_id for request in requests},
    )
    left: dict[Account, int] = {}
    for request in requests:
        for high in (False, True):
            account = Account(request.publisher_id, high)
            if account not in left:
                left[account] = daily_quota.per_day(account) - found.used.get(account, 0)
    accepting: list[_Acceptance] = []
    for index, request in enumerate(requests):
        try:
            if request.key is not None and not found.keys.take(request.key):
                outcomes[index] = found.keys.answer(request.key)
                continue
            drafts = request.drafts(found.people, left)
            items = [Candidate(uuid7(), request.publisher_id, draft) for draft in drafts]
            accepting.append(_Acceptance(index, request, items))
        except (DatabaseError, InterfaceError):
            raise  # it concerns the transaction, and so all of them
        except Exception as error:
            outcomes[index] = error
    repeated = deduplication.find_repetitions([item for one in accepting for item in one.items])
    fresh: list[Candidate] = []
    traces: dict[UUID, bytes] = {}
    counts: Counter[Account] = Counter()
    accepted: list[_Acceptance] = []
    for one in accepting:
        new = [item for item in one.items if item.id not in repeated]
        wanted = Counter(
            daily_quota.account(one.request.publisher_id, item.draft.priority) for item in new
        )
        beyond = next((account for account in wanted if wanted[account] > left[account]), None)
        if beyond is not None:
            exceeded = daily_quota.exceeded(beyond)
            if any(item.draft.deduplicate_seconds for item in new):
                # It is claimed as the first of its kind, and others may count as its repetitions.
                raise _RequestFailed(one.request, exceeded)
            outcomes[one.index] = exceeded
            continue
        for account, number in wanted.items():
            left[account] -= number
        counts += wanted
        fresh += new
        if one.request.traceparent is not None:
            traced = tracing.first([item.id for item in new])
            traces.update(dict.fromkeys(traced, one.request.traceparent))
        accepted.append(one)
    rows = {
        item.id: accept.notification_row(
            item.id, item.publisher_id, item.draft, found.now, traces.get(item.id)
        )
        for item in fresh
    }
    keys = []
    for one in accepted:
        body = one.request.body(_accepted_drafts(one.items, rows, repeated))
        answer = Answer(202, orjson.dumps(body))
        outcomes[one.index] = answer
        if one.request.key is not None:
            publisher_id, key, fingerprint = one.request.key
            keys.append(NewKey(publisher_id, key, fingerprint, answer.status, answer.body.decode()))
    if rows or keys:
        stored = accept.write(list(rows.values()), [item.draft for item in fresh], keys, counts)
        if stored.keys < len(keys):
            # Another request stored its key between our read of the key and our lock on it.
            raise _RequestFailed(requests[0], None) if len(requests) == 1 else _RetryAlone
    return outcomes


def _accepted_drafts(
    items: Sequence[Candidate],
    rows: Mapping[UUID, NewNotification],
    repeated: deduplication.Repetitions,
) -> list[AcceptedDraft]:
    found = []
    for id, _, draft in items:
        if id in rows:
            found.append(AcceptedDraft(rows[id], draft))
        elif id in repeated.earlier:
            found.append(AcceptedDraft(repeated.earlier[id], draft, repeated=True))
        else:
            found.append(AcceptedDraft(rows[repeated.first[id]], draft, repeated=True))
    return found


def replay(key: Key | None) -> Answer | None:
    """Return the stored answer of a key, or ``None``. Raises ``KeyReused``."""
    if key is None:
        return None
    with transaction.atomic():
        found = lookups.read([key])
    return found.keys.answer(key)
