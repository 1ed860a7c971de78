"""Group commit: requests that arrive while a transaction commits are stored together by the next.

A request that finds nobody at it commits at once, by itself. Whatever comes meanwhile waits, and
the first of those commits for all of them as soon as the one before has ended: the busier the
database, the more go together (natural batching); while several do, transactions begin ``SPACING``
apart. A transaction that takes longer than ``LONGEST`` is not waited for: the next begins beside
it.

Each request keeps its own key, quota, errors and answer. Where something goes wrong with the
transaction as a whole, before its commit, each of them tries again by itself, in its own thread.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

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

from apps.delivery.intake import accept, deduplication, lookups
from apps.delivery.intake.deduplication import Item
from apps.delivery.intake.drafts import Draft
from apps.delivery.intake.idempotency import Answer, Patience
from apps.delivery.intake.lookups import Key, Seen
from apps.delivery.intake.rows import NewNotification
from apps.delivery.intake.store import NewKey
from apps.delivery.models import Notification
from apps.preferences.selectors import Reached
from apps.publishers import quota
from apps.publishers.quota import Account

log = logging.getLogger(__name__)

#: Seconds after which those that wait no longer wait for the transaction before them.
LONGEST = 0.1
#: Seconds between the beginnings of two transactions, once ``MANY`` requests go together: under
#: load the next one has so many more, for which the database and this process do less.
SPACING, MANY = 0.008, 3


@dataclass(frozen=True, slots=True)
class Taken:
    """A draft that was accepted, or the earlier notification that stands for it (``repeated``)."""

    row: NewNotification | Notification
    draft: Draft
    repeated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Posting:
    """A request to publish.

    ``key``: with an Idempotency-Key. ``user_ids``: who is to be looked up. ``drafts`` makes what is
    to be accepted of those found and of how many more the publisher's quotas allow; what it raises
    is the request's error. It makes no query and takes microseconds: others wait for it.
    ``body`` makes the answer, JSON-ready.
    """

    publisher_id: int
    key: Key | None
    user_ids: Sequence[str]
    drafts: Callable[[Mapping[str, Reached], Mapping[Account, int]], Sequence[Draft]]
    body: Callable[[Sequence[Taken]], Any]


#: An error is the request's own. ``None``: the first request with its key is under way; ask again.
Outcome = Answer | Exception | None


class _Apart(Exception):
    """What was to be stored together is to be tried one by one. Nothing was stored."""


def commit(posting: Posting, *, together: bool = True) -> Answer:
    """Store it, once for its key, and answer. Raises its errors, ``StillInFlight``, ``KeyReused``
    and errors of the database.

    ``together``: with others'. What is large is stored by itself, so that nobody waits for it.
    """
    with Patience() as patience:
        while True:
            outcome = _door.pass_through(posting) if together else _alone(posting)
            if isinstance(outcome, Exception):
                raise outcome
            if outcome is not None:
                return outcome
            connection.close()  # back to the pool while we wait
            patience.wait()


class _Place:
    """A request's place in the door: ``settled`` once ``outcome``, ``apart`` or ``leads`` says what
    its thread is to do."""

    __slots__ = ("apart", "leads", "lent", "outcome", "posting", "settled")

    def __init__(self, posting: Posting) -> None:
        self.posting = posting
        self.settled = threading.Event()
        self.outcome: Outcome = None
        self.apart = False
        self.leads = False
        self.lent: BaseDatabaseWrapper | None = None


class _Door:
    """Where the requests of a process wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Place] = []
        self._busy = 0
        self._begun = float("-inf")
        self._together = 0

    def pass_through(self, posting: Posting) -> Outcome:
        place = _Place(posting)
        with self._lock:
            if self._busy:
                self._waiting.append(place)
            else:
                self._lead(place)
        while not place.leads and not place.settled.wait(LONGEST):
            with self._lock:
                if place in self._waiting:
                    self._waiting.remove(place)
                    self._lead(place)
        if place.leads:
            if place.lent is not None:
                _take_over(place.lent)
            self._run(self._gathered(place))
        if place.apart:
            return _alone(posting)
        return place.outcome

    def _lead(self, place: _Place) -> None:
        """Have the place's thread commit for all that wait. Under the lock."""
        place.leads = True
        self._busy += 1

    def _gathered(self, leader: _Place) -> Sequence[_Place]:
        """The leader and those that wait, once it is time for their transaction."""
        if self._together >= MANY and (pause := self._begun + SPACING - time.monotonic()) > 0:
            time.sleep(pause)
        with self._lock:
            group, self._waiting = [leader, *self._waiting], []
            self._begun, self._together = time.monotonic(), len(group)
        return group

    def _run(self, group: Sequence[_Place]) -> None:
        done = False
        try:
            outcomes = _together([place.posting for place in group])
            for place, outcome in zip(group, outcomes, strict=True):
                place.outcome = outcome
            done = True
        except _Apart:
            for place in group:
                place.apart = True
        except Exception as error:
            for place in group:
                place.outcome = copy(error)  # each is raised, and so changed, by another thread
        finally:
            with self._lock:
                self._busy -= 1
                if self._waiting and not self._busy:
                    following = self._waiting.pop(0)
                    self._lead(following)
                    following.lent = _give_away() if done else None
                    following.settled.set()
            for place in group:
                place.settled.set()


_door = _Door()


# A connection goes from one transaction to the next: to give it back to the pool and take it again
# costs a ping and half as much as a transaction.
def _give_away() -> BaseDatabaseWrapper:
    """This thread's connection, for another one."""
    own = connections[DEFAULT_DB_ALIAS]
    if not own.allow_thread_sharing:
        own.inc_thread_sharing()
    del connections[DEFAULT_DB_ALIAS]
    return own


def _take_over(lent: BaseDatabaseWrapper) -> None:
    """Make it this thread's, in place of its own."""
    for own in connections.all(initialized_only=True):
        if own.alias == DEFAULT_DB_ALIAS:
            own.close()
    connections[DEFAULT_DB_ALIAS] = lent


def _alone(posting: Posting) -> Outcome:
    [outcome] = _together([posting])
    return outcome


def _together(postings: Sequence[Posting]) -> list[Outcome]:
    """Store them in one transaction. Raises ``_Apart``, or an error of the database, after which
    they may be stored where it came with the commit."""
    committing = False
    try:
        with transaction.atomic():
            outcomes = _store(postings)
            committing = True
        return outcomes
    except _Refused as refused:
        others = [posting for posting in postings if posting is not refused.posting]
        outcomes = _together(others) if others else []
        outcomes.insert(postings.index(refused.posting), refused.error)
        return outcomes
    except (DatabaseError, InterfaceError) as error:
        # What failed before the commit is not stored; where only the connection is left to blame,
        # one by one would fail as well.
        if committing or len(postings) == 1 or not connection.is_usable():
            raise
        log.warning("requests are stored one by one: %s", type(error).__name__)
        raise _Apart from error


class _Refused(Exception):
    """A request failed when the transaction had written something for it: the others go without it.
    ``error`` of ``None``: it is to ask again."""

    def __init__(self, posting: Posting, error: Exception | None) -> None:
        super().__init__()
        self.posting = posting
        self.error = error


@dataclass(slots=True)
class _Accepting:
    """A request that is being accepted: its place in the transaction, and its drafts."""

    place: int
    posting: Posting
    items: Sequence[Item]


def _store(postings: Sequence[Posting]) -> list[Outcome]:
    """In the caller's transaction, which is rolled back by whatever is raised."""
    outcomes: list[Outcome] = [None] * len(postings)
    seen = lookups.look(
        [posting.key for posting in postings if posting.key is not None],
        {name for posting in postings for name in posting.user_ids},
        {posting.publisher_id for posting in postings},
    )
    left: dict[Account, int] = {}
    for posting in postings:
        for high in (False, True):
            account = Account(posting.publisher_id, high)
            if account not in left:
                left[account] = quota.per_day(account) - seen.used.get(account, 0)
    accepting: list[_Accepting] = []
    for place, posting in enumerate(postings):
        try:
            if posting.key is not None and not _is_first(posting.key, seen):
                if (kept := seen.kept.get(posting.key[:2])) is not None:
                    outcomes[place] = kept.answer_to(posting.key.request)
                continue
            drafts = posting.drafts(seen.people, left)
            items = [Item(uuid7(), posting.publisher_id, draft) for draft in drafts]
            accepting.append(_Accepting(place, posting, items))
        except (DatabaseError, InterfaceError):
            raise  # of the transaction, and so of all
        except Exception as error:
            outcomes[place] = error
    repeated = deduplication.repeated([item for one in accepting for item in one.items])
    fresh: list[Item] = []
    counts: Counter[Account] = Counter()
    accepted: list[_Accepting] = []
    for one in accepting:
        new = [item for item in one.items if item.id not in repeated]
        wanted = Counter(
            quota.account(one.posting.publisher_id, item.draft.priority) for item in new
        )
        beyond = next((account for account in wanted if wanted[account] > left[account]), None)
        if beyond is not None:
            exceeded = quota.exceeded(beyond)
            if any(item.draft.deduplicate_seconds for item in new):
                # It was claimed already, and others may have been taken for repetitions of it.
                raise _Refused(one.posting, exceeded)
            outcomes[one.place] = exceeded
            continue
        for account, number in wanted.items():
            left[account] -= number
        counts += wanted
        fresh += new
        accepted.append(one)
    rows = {
        item.id: accept.notification(item.id, item.publisher_id, item.draft, seen.now)
        for item in fresh
    }
    keys = []
    for one in accepted:
        answer = Answer(202, orjson.dumps(one.posting.body(_taken(one.items, rows, repeated))))
        outcomes[one.place] = answer
        if one.posting.key is not None:
            publisher_id, key, request = one.posting.key
            keys.append(NewKey(publisher_id, key, request, answer.status, answer.body.decode()))
    if rows or keys:
        stored = accept.write(list(rows.values()), [item.draft for item in fresh], keys, counts)
        if stored.keys < len(keys):
            # A first request ended between our look at its key and our taking its lock.
            raise _Refused(postings[0], None) if len(postings) == 1 else _Apart
    return outcomes


def _is_first(key: Key, seen: Seen) -> bool:
    """Whether it is for this request to use its key. Of two of the same group, the first."""
    try:
        seen.free.remove(key[:2])
    except KeyError:
        return False
    return True


def _taken(
    items: Sequence[Item],
    rows: Mapping[Any, NewNotification],
    repeated: deduplication.Repeated,
) -> list[Taken]:
    found = []
    for id, _, draft in items:
        if id in rows:
            found.append(Taken(rows[id], draft))
        elif id in repeated.earlier:
            found.append(Taken(repeated.earlier[id], draft, repeated=True))
        else:
            found.append(Taken(rows[repeated.first[id]], draft, repeated=True))
    return found


def replay(key: Key | None) -> Answer | None:
    """The answer that a key stands for already. Raises ``KeyReused``."""
    if key is None:
        return None
    with transaction.atomic():
        kept = lookups.look([key]).kept.get(key[:2])
    return None if kept is None else kept.answer_to(key.request)
