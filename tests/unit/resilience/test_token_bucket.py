"""The quota of a provider's account, as one process accounts for it."""

import heapq
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from notifier.dispatch.dispatcher import Dispatcher, Gate
from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Accepted, Held, Reason
from notifier.domain.priorities import Priority
from notifier.providers import Route
from notifier.providers.base import Provider, Sent
from notifier.resilience.token_bucket import Bucket, Quota

TEN = Quota(per_second=10)
NOW = 1_000.0
MAIL = Message("dlv_1", "email", "ada@example.com", Content())


def take(bucket, wanted, priority=Priority.LOW, now=NOW, line=""):
    return bucket.take(TEN, wanted, TEN.left_over(priority), line or priority, now)


def test_a_full_bucket_gives_a_second_and_what_is_left_over_and_then_so_many_a_second():
    bucket = Bucket()
    assert take(bucket, 100, Priority.HIGH).granted == 13
    assert take(bucket, 100, Priority.HIGH).granted == 0
    given = [take(bucket, 100, Priority.HIGH, NOW + n / 5).granted for n in range(1, 51)]
    assert sum(given) == 100


def test_lower_priorities_leave_a_part_to_those_above_them():
    bucket = Bucket()
    assert take(bucket, 100, Priority.LOW).granted == 10
    assert take(bucket, 100, Priority.NORMAL).granted == 1
    assert take(bucket, 100, Priority.HIGH).granted == 2
    # While low priority takes whatever it may, high priority finds its part at any time.
    for n in range(1, 20):
        take(bucket, 100, Priority.LOW, NOW + n)
        assert take(bucket, 2, Priority.HIGH, NOW + n).granted == 2


def test_what_waits_is_told_a_turn_behind_those_that_wait_already():
    bucket = Bucket()
    first = take(bucket, 60)  # 10 go, 50 wait for five seconds
    second = take(bucket, 20)
    third = take(bucket, 20, now=NOW + 1)
    assert first.wait == pytest.approx(0.1)
    assert second.wait == pytest.approx(5.1)
    assert third.wait == pytest.approx(6.1)
    assert take(bucket, 1, Priority.HIGH).granted == 1, "another priority has a queue of its own"


def test_a_clock_that_goes_back_makes_no_tokens():
    bucket = Bucket()
    take(bucket, 100, Priority.HIGH)
    assert take(bucket, 100, Priority.HIGH, NOW - 600).granted == 0


def test_a_quota_of_few_messages_lets_low_priority_through():
    bucket, quota = Bucket(), Quota(per_second=0.5)
    granted = [
        bucket.take(quota, 5, quota.left_over(Priority.LOW), "low", NOW + n).granted
        for n in range(0, 100, 2)
    ]
    assert sum(granted) == pytest.approx(50, abs=5)


class Mailer(Provider):
    """Accept every message."""

    def __init__(self) -> None:
        super().__init__("sendgrid")

    async def send_chunk(self, messages, report) -> None:
        for message in messages:
            report(Sent(message, self.name, Accepted(), 0.0, 0.0))


@dataclass
class Blast:
    """A blast over a quota of 100 a second, to its end, in simulated time.

    Chunks of a thousand are claimed as they come, ten of them at each look, and what is due is
    claimed again, in chunks, once in ``look`` seconds, in any order.
    """

    number: int
    priority: Priority
    look: float
    seconds: float = 0.0
    most_in_a_look: int = 0
    #: Times each message was held, by its number.
    held: Counter[int] = field(default_factory=Counter)

    async def run(self) -> None:
        self._quota, self._bucket = Quota(per_second=100), Bucket()
        route = Route("sendgrid", "", "email", frozenset(), {})
        route._provider = Mailer()
        self._dispatcher = Dispatcher([route])
        self._mails = [MAIL._replace(id=str(number)) for number in range(self.number)]
        self._waiting: list[tuple[float, int]] = []
        self._sent = fresh = 0
        shuffled = random.Random(7)
        now = NOW
        while self._sent < self.number:
            before = self._sent
            for _ in range(10):
                chunk = range(fresh, min(fresh + 1000, self.number))
                fresh = chunk.stop
                await self._claim(chunk, self.priority, now)
            due = []
            while self._waiting and self._waiting[0][0] <= now:
                due.append(heapq.heappop(self._waiting)[1])
            for start in range(0, len(due), 1000):
                again = due[start : start + 1000]
                shuffled.shuffle(again)
                await self._claim(again, f"{self.priority}:again", now)
            self.most_in_a_look = max(self.most_in_a_look, self._sent - before)
            now += self.look
        self.seconds = now - NOW

    async def _claim(self, numbers: Sequence[int], line: str, now: float) -> None:
        if not numbers:
            return
        left_over = self._quota.left_over(self.priority)
        grant = self._bucket.take(self._quota, len(numbers), left_over, line, now)
        gate = Gate(grant.granted, now + grant.wait, Reason.THROTTLED, pace=0.01)

        def report(sent: Sent) -> None:
            number = int(sent.message.id)
            if isinstance(sent.outcome, Held):
                self.held[number] += 1
                heapq.heappush(self._waiting, (sent.outcome.until, number))
            else:
                self._sent += 1

        mails = [self._mails[number] for number in numbers]
        await self._dispatcher.send(mails, report, {"sendgrid": gate})


@pytest.mark.parametrize("priority", list(Priority))
@pytest.mark.parametrize("look", [0.25, 1.0])
async def test_a_blast_far_over_the_quota_uses_all_of_it_and_is_written_seldom(priority, look):
    blast = Blast(20_000, priority, look)
    await blast.run()
    assert blast.seconds == pytest.approx(200, rel=0.02)
    assert blast.most_in_a_look <= 130
    assert max(blast.held.values()) <= 3


async def test_a_blast_of_two_hundred_thousand_over_a_hundred_a_second_comes_to_its_end():
    blast = Blast(200_000, Priority.NORMAL, 1.0)
    await blast.run()
    assert blast.seconds == pytest.approx(2000, rel=0.01)
    assert sum(blast.held.values()) <= 2 * blast.number
    assert max(blast.held.values()) <= 8


def test_calls_at_once_are_shared_by_those_who_send():
    quota = Quota(concurrent=20)
    assert [quota.share(processes) for processes in (0, 1, 3, 40)] == [20, 20, 6, 1]
