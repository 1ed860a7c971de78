"""A worker process holds a bounded number of messages, and slow ones take no others' capacity."""

import asyncio
import gc
import time

import pytest
from django.db import DatabaseError

from apps.delivery.flow import availability
from apps.delivery.models import Delivery
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import claiming, process
from apps.delivery.sending.capacity import Capacity
from apps.delivery.sending.claiming import Claim
from apps.delivery.sending.worker import POLL_EVERY
from apps.publishers.models import Publisher
from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome
from notifier.domain.priorities import Priority
from notifier.providers.base import Provider
from tests.support.database import locks_of
from tests.support.deliveries.workers import PATIENCE, begin, claim
from tests.support.publishers.people import contact, recipient
from tests.support.waiting import until

#: Messages of a claim, and claims for which a process has capacity, one of them for newcomers.
SIZE, CLAIMS = 4, 4


class HalfAsleep(Provider):
    """Leave one of four messages, or all, without an outcome until ``asleep`` is 0."""

    asleep = SIZE
    calls: list[str] = []

    async def send(self, message: Message) -> Outcome:
        self.calls.append(message.user_id)
        while int(message.user_id) % SIZE < self.asleep:
            await asyncio.sleep(0.02)
        return Accepted("id")


@pytest.fixture
def small(settings, monkeypatch):
    """Give this process a small capacity and a provider that is slow with so many of four."""

    def run(asleep):
        settings.PROVIDERS = {"slow": {"class": f"{__name__}.HalfAsleep", "channel": "sms"}}
        settings.CHUNK_SIZE = SIZE
        process.worker().capacity = Capacity(SIZE, CLAIMS * SIZE)
        monkeypatch.setattr(HalfAsleep, "asleep", asleep)
        monkeypatch.setattr(HalfAsleep, "calls", [])

    return run


def post(shop, numbers, **fields):
    people = [str(number) for number in numbers]
    for name in people:
        recipient(name, sms=f"+43660{name:0>8}")
    body = {"user_ids": people, "content": {"body": "Hello"}, "channels": ["sms"], **fields}
    return shop.post("notifications", body)


def due_again(shop, number, work, execute):
    """Have so many deliveries of a publisher that were tried once, and are due."""
    post(shop, range(number))
    work()
    execute("UPDATE delivery_delivery SET state = 'retrying', next_attempt_at = now()")


def called():
    """Return the number of claims whose messages were sent, once no more are."""
    still = time.monotonic()
    number = 0
    while time.monotonic() < still + 1:
        begin("sms")
        time.sleep(0.02)
        if len(HalfAsleep.calls) > number:
            number, still = len(HalfAsleep.calls), time.monotonic()
    return number / SIZE


def test_one_publisher_leaves_capacity_for_the_next(shop, other_shop, small):
    small(asleep=SIZE)
    post(shop, range(2 * CLAIMS * SIZE))
    assert called() == CLAIMS - 1
    post(other_shop, range(100, 101))
    assert called() == CLAIMS - 1 + 1 / SIZE
    post(other_shop, range(101, 102))  # less than a full claim is left by now
    assert called() == CLAIMS - 1 + 2 / SIZE
    assert {"100", "101"} <= set(HalfAsleep.calls)
    HalfAsleep.asleep = 0

    def all_of_them():
        begin("sms")
        return len(HalfAsleep.calls) == 2 * CLAIMS * SIZE + 2

    until(all_of_them)
    assert process.worker().join(PATIENCE)
    assert process.worker().capacity.taken == 0


def test_slow_messages_keep_no_capacity_for_those_that_went_out(shop, small):
    small(asleep=1)
    post(shop, range(2 * CLAIMS * SIZE))
    assert called() == 2 * CLAIMS
    HalfAsleep.asleep = 0
    assert process.worker().join(PATIENCE)


def test_a_recorded_claim_is_freed_without_the_collector_of_garbage(shop, small):
    """The collector may come a dozen claims later, and those would be kept in memory until then.

    Some outcomes are reported before the last one, so that the timer has run, too.
    """
    small(asleep=1)
    posted = post(shop, range(SIZE))
    gc.collect()
    gc.disable()
    try:
        begin("sms")
        until(lambda: shop.counts(posted)["sms"].get("accepted") == SIZE - 1)
        HalfAsleep.asleep = 0
        assert process.worker().join(PATIENCE)
        until(lambda: not [one for one in gc.get_objects() if type(one) is Claim])
    finally:
        gc.enable()


def test_a_claim_that_cannot_be_admitted_is_freed_likewise(shop, small, monkeypatch):
    small(asleep=0)
    posted = post(shop, range(SIZE))

    def fail(channel):
        raise DatabaseError("the connection is gone")

    monkeypatch.setattr(availability, "gates", fail)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(DatabaseError):
            begin("sms")
        assert process.worker().join(PATIENCE)
        until(lambda: not [one for one in gc.get_objects() if type(one) is Claim], 30)
    finally:
        gc.enable()
    assert shop.counts(posted) == {"sms": {"retrying": SIZE}}


def test_a_claim_is_shared_by_those_who_wait(shop, other_shop, small):
    """The number and the age of one publisher's chunks make no difference."""
    small(asleep=SIZE)
    post(shop, range(4 * SIZE))
    post(other_shop, range(100, 100 + SIZE // 2))
    of_both = claim("sms", most=2 * SIZE)
    publishers = [one.row.publisher_id for one in of_both.contexts.values()]
    assert of_both.by_publisher(d.notification_id for d in of_both.deliveries) == {
        shop.id: SIZE,
        other_shop.id: SIZE // 2,
    }
    assert set(publishers) == {shop.id, other_shop.id}


def test_many_who_blast_at_once_take_turns(shop, settings, execute):
    """A chunk of each is more than a process can hold: a hundred claims would be one."""
    publishers, people = 100, 10
    for number in range(people):
        recipient(str(number), sms=f"+43660{number:0>8}")
    to_all = {"user_ids": [str(number) for number in range(people)], "content": {"body": "Hello"}}
    posts = [to_all | {"channels": ["sms"]}] * (2 * publishers)
    shop.post("notifications/batch", {"notifications": posts})
    Publisher.objects.bulk_create([Publisher(name=f"p{number}") for number in range(publishers)])
    for table, key in (("chunk", "notification_id"), ("notification", "id")):
        execute(
            f"""UPDATE delivery_{table} SET publisher_id = p.id
                  FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM delivery_notification)
                    AS m
                  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM publishers_publisher
                         WHERE name LIKE 'p%%') AS p ON p.n = 1 + m.n %% %s
                 WHERE delivery_{table}.{key} = m.id""",
            publishers,
        )
    settings.CHUNK_SIZE = 100
    turns = []
    while (found := claim("sms", most=100)) is not None:
        assert len(found.deliveries) <= 100
        turns += {one.row.publisher_id for one in found.contexts.values()}
    assert len(set(turns[:publishers])) == len(set(turns[publishers:])) == publishers


def test_one_with_much_that_is_due_again_leaves_others_their_claim(
    shop, other_shop, work, small, execute
):
    small(asleep=0)
    due_again(shop, 3 * SIZE, work, execute)
    names = ["first", "second"]
    some = [Publisher.objects.create(name=name) for name in names]
    for number, publisher in enumerate(some):
        posted = post(shop, range(100 * number + 100, 100 * number + 100 + SIZE))
        for table, key in (("chunk", "notification_id"), ("notification", "id")):
            execute(
                f"UPDATE delivery_{table} SET publisher_id = %s WHERE {key} = %s",
                publisher.id,
                posted["id"],
            )
    found = claim("sms", most=3 * SIZE)
    publishers = {one.row.publisher_id for one in found.contexts.values()}
    assert publishers == {shop.id, *(one.id for one in some)}


def test_what_is_due_again_of_one_takes_nothing_from_the_share_of_another(
    shop, other_shop, work, small, execute
):
    small(asleep=0)
    due_again(shop, 2 * SIZE, work, execute)
    for number in range(100, 100 + 2 * SIZE):
        post(other_shop, [number])
    found = claim("sms", most=2 * SIZE)
    assert found.by_publisher(d.notification_id for d in found.deliveries) == {
        shop.id: SIZE,
        other_shop.id: SIZE,
    }


def test_a_turn_whose_chunks_others_have_locked_goes_to_the_next(shop, other_shop, small):
    small(asleep=SIZE)
    post(shop, range(2 * SIZE))
    post(other_shop, range(100, 100 + 2 * SIZE))
    for locked, other in ((shop, other_shop), (other_shop, shop)):
        with locks_of("SELECT FROM delivery_chunk WHERE publisher_id = %s FOR UPDATE", locked.id):
            found = claim("sms", most=SIZE)
        assert {one.row.publisher_id for one in found.contexts.values()} == {other.id}


def test_what_is_due_again_gets_its_share_beside_what_is_new(shop, work, small, execute):
    small(asleep=0)
    due_again(shop, 2 * SIZE, work, execute)
    post(shop, range(100, 100 + 2 * SIZE))
    both = claim("sms", most=2 * SIZE)
    assert len(both.deliveries) == 2 * SIZE
    assert sum(item.attempts for item in both.deliveries) == SIZE, "half of them"


class Quick(HalfAsleep):
    """Takes half a second with each."""

    async def send(self, message: Message) -> Outcome:
        self.calls.append(message.user_id)
        await asyncio.sleep(0.5)
        return Accepted("id")


def test_one_who_has_more_than_there_is_capacity_for_does_not_wait_for_the_next_look(
    shop, small, settings, monkeypatch
):
    monkeypatch.setitem(POLL_EVERY, Priority.LOW, 2 * PATIENCE)  # no look comes in time
    small(asleep=0)
    settings.PROVIDERS = {"slow": {"class": f"{__name__}.Quick", "channel": "sms"}}
    rounds = 8
    posted = post(shop, range(rounds * (CLAIMS - 1) * SIZE), priority="low")
    process.attend([Queue("sms", "low")])
    process.worker().wake(Queue("sms", "low"))
    until(lambda: shop.counts(posted) == {"sms": {"accepted": rounds * (CLAIMS - 1) * SIZE}})


@pytest.mark.parametrize("key", ["", "order-7"])
def test_somebody_with_many_addresses_is_no_larger_claim_than_others(shop, small, key):
    small(asleep=0)
    person = recipient("1")
    for number in range(10 * SIZE):
        contact("sms", f"+43660{number:0>8}", recipient=person)
    body = {"user_ids": ["1"], "content": {"body": "Hello"}, "channels": ["sms"]}
    posted = shop.post("notifications", body | ({"ordering_key": key} if key else {}))
    first = claim("sms")
    assert len(first.deliveries) == claiming.PER_RECIPIENT * SIZE
    made = Delivery.objects.filter(notification_id=posted["id"])
    assert made.count() == 10 * SIZE
    assert made.filter(state="queued").count() == 10 * SIZE - len(first.deliveries)
    process.worker().send(first)

    def all_of_them():
        begin("sms")
        return len(HalfAsleep.calls) == 10 * SIZE

    until(all_of_them)
    assert process.worker().join(PATIENCE)
    assert made.filter(state="accepted").count() == len(HalfAsleep.calls) == 10 * SIZE
    assert shop.get(f"notifications/{posted['id']}")["counts"] == {"sms": {"accepted": 10 * SIZE}}
