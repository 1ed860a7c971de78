"""Counters of frequency caps: exact over rolling windows, with Redis coming, going and emptied."""

import time
import uuid
from itertools import count

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core import cache
from apps.delivery.flow import frequency_counts
from apps.delivery.flow.frequency_counts import CountingLost, Take
from apps.delivery.models import Delivery, FrequencyCount, Notification
from notifier.domain.frequency import Cap, Per, Setter
from tests.support.deliveries import counters

TWO_AN_HOUR = Cap(Setter.COMPANY, "", 2, Per.HOUR)
THREE_A_DAY = Cap(Setter.PERSON, "", 3, Per.DAY)
ONE_OFFER_A_DAY = Cap(Setter.CATEGORY, "offers", 1, Per.DAY)
ids = count(1_000_000)


def taken(recipient: int, key: str, category: str, caps: tuple[Cap, ...]) -> Take:
    """What a claim takes for a person, under those of these caps that hold for its category."""
    own = tuple(cap for cap in caps if cap.category in ("", category))
    return Take(recipient, key, category, own, max(cap.per.seconds for cap in caps))


class World:
    """People who are sent notifications, and a clock that a test puts forward.

    ``sent``: when each notification was let through last, by person, in seconds of that clock.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.away = False
        self.people: dict[int, int] = {}
        self.notifications: dict[tuple[int, str], str] = {}
        self.sent: dict[int, dict[str, tuple[float, str]]] = {}
        self.moments: list[tuple[float, int, str, str]] = []
        call = cache._shared.call
        self._call = lambda what: None if self.away else call(what)

    def send(self, person: int, number: int, category: str, caps: tuple[Cap, ...]) -> Cap | None:
        """Have a claim take a notification for a person, as a worker does."""
        recipient = self.people.setdefault(person, next(ids))
        key = self.notifications.setdefault((number, category), "")
        if not key:
            key = self.notifications[number, category] = str(uuid.uuid4())
            Notification.objects.create(
                id=key, publisher_id=1, kind="published", category=category, channels=["sms"],
                category_kind="promotional", content=b"", created_at=timezone.now(),
            )  # fmt: skip
        take = taken(recipient, key, category, caps)
        for _ in range(4):
            try:
                with transaction.atomic():
                    exceeded = self._claim(take)
                break
            except CountingLost as lost:
                frequency_counts.restart(lost.generation)
        if exceeded is None:
            self.moments.append((self.now, person, key, category))
        else:  # taken again and suppressed: what was taken before was not sent
            self.moments = [one for one in self.moments if one[1:3] != (person, key)]
        return exceeded

    def _claim(self, take: Take) -> Cap | None:
        claim_id, now = next(ids), timezone.now()
        row, _ = Delivery.objects.update_or_create(
            notification_id=take.notification_id, contact_id=take.recipient_id,
            defaults={
                "recipient_id": take.recipient_id, "claim_id": claim_id, "channel": "sms",
                "priority": "normal", "state": "sending", "updated_at": now,
            },
            create_defaults={
                "recipient_id": take.recipient_id, "claim_id": claim_id, "channel": "sms",
                "priority": "normal", "state": "sending", "updated_at": now, "created_at": now,
                "contact_id": take.recipient_id,
            },
        )  # fmt: skip
        [exceeded] = frequency_counts.take("sms", claim_id, [take]).exceeded
        Delivery.objects.filter(pk=row.pk).update(state="suppressed" if exceeded else "accepted")
        return exceeded

    def wait(self, seconds: float) -> None:
        """Let time pass: everything that was written down becomes older."""
        self.now += seconds
        with connection.cursor() as cursor:
            for table, column in (
                ("delivery_delivery", "updated_at"),
                ("delivery_frequencycount", "since"),
            ):
                cursor.execute(
                    f"UPDATE {table} SET {column} = {column} - make_interval(secs => %s)",
                    [seconds],
                )
        away, self.away = self.away, False
        counters.age(seconds)
        time.sleep(0.002)  # until what is too old is gone
        self.away = away


@pytest.fixture
def world(transactional_db, monkeypatch):
    made = World()
    monkeypatch.setattr(cache._shared, "call", made._call)
    yield made
    made.away = False
    counters.lose()


def test_all_workers_share_the_counters_in_one_round_trip(world, monkeypatch):
    assert world.send(1, 1, "orders", (TWO_AN_HOUR,)) is None
    FrequencyCount.objects.update(since="2020-01-01T00:00:00Z")
    calls = []
    execute = cache._shared._clients.own.execute_command
    monkeypatch.setattr(
        cache._shared._clients.own,
        "execute_command",
        lambda *words, **options: calls.append(words[0]) or execute(*words, **options),
    )
    assert world.send(1, 2, "orders", (TWO_AN_HOUR,)) is None
    assert world.send(1, 3, "orders", (TWO_AN_HOUR,)) == TWO_AN_HOUR
    assert calls == ["EVALSHA", "EVALSHA"]
    assert world.send(2, 3, "orders", (TWO_AN_HOUR,)) is None, "another person"


def test_what_is_sent_again_counts_once(world):
    for _ in range(3):
        assert world.send(1, 1, "orders", (TWO_AN_HOUR,)) is None
    assert world.send(1, 2, "orders", (TWO_AN_HOUR,)) is None
    assert world.send(1, 1, "orders", (TWO_AN_HOUR,)) is None
    assert world.send(1, 3, "orders", (TWO_AN_HOUR,)) == TWO_AN_HOUR


@pytest.mark.parametrize("where", ["redis", "database"])
def test_a_category_that_ends_like_another_is_not_counted_as_that(world, where):
    world.away = where == "database"
    assert world.send(1, 1, "shop:offers", (THREE_A_DAY,)) is None
    assert world.send(1, 2, "offers", (ONE_OFFER_A_DAY,)) is None
    assert world.send(1, 3, "offers", (ONE_OFFER_A_DAY,)) == ONE_OFFER_A_DAY


@pytest.mark.parametrize("where", ["redis", "database"])
def test_a_window_rolls_on_by_the_second(world, where):
    world.away = where == "database"
    for number, seconds in ((1, 1800), (2, 1795)):
        assert world.send(1, number, "orders", (TWO_AN_HOUR,)) is None
        world.wait(seconds)
    assert world.send(1, 3, "orders", (TWO_AN_HOUR,)) == TWO_AN_HOUR
    world.wait(6)
    assert world.send(1, 3, "orders", (TWO_AN_HOUR,)) is None
    assert world.send(1, 4, "orders", (TWO_AN_HOUR,)) == TWO_AN_HOUR
    assert FrequencyCount.objects.get().in_redis is (where == "redis")


def test_a_redis_that_was_emptied_knows_again_what_was_sent(world):
    caps = (TWO_AN_HOUR, ONE_OFFER_A_DAY)
    assert world.send(1, 1, "offers", caps) is None
    assert world.send(1, 2, "orders", caps) is None
    counters.lose()
    assert world.send(1, 3, "orders", caps) == TWO_AN_HOUR
    world.wait(3600)
    counters.lose()
    assert world.send(1, 4, "offers", caps) == ONE_OFFER_A_DAY
    assert world.send(1, 4, "orders", caps) is None


def test_what_is_sent_while_redis_is_away_counts_when_it_is_back(world):
    assert world.send(1, 1, "orders", (TWO_AN_HOUR,)) is None
    world.away = True
    assert world.send(1, 2, "orders", (TWO_AN_HOUR,)) is None
    assert world.send(1, 3, "orders", (TWO_AN_HOUR,)) == TWO_AN_HOUR
    assert not FrequencyCount.objects.get().in_redis
    world.away = False
    assert world.send(1, 4, "orders", (TWO_AN_HOUR,)) == TWO_AN_HOUR
    assert not FrequencyCount.objects.get().in_redis, "not tried again at once"
    world.wait(11)
    assert world.send(1, 5, "orders", (TWO_AN_HOUR,)) == TWO_AN_HOUR
    assert FrequencyCount.objects.get().in_redis


def test_one_that_reaches_no_redis_has_all_others_count_where_it_does(world):
    assert world.send(1, 1, "orders", (TWO_AN_HOUR,)) is None
    world.away = True
    assert world.send(1, 2, "orders", (TWO_AN_HOUR,)) is None
    world.away = False  # another process, which reaches it all the time
    assert world.send(1, 3, "orders", (TWO_AN_HOUR,)) == TWO_AN_HOUR


def test_what_failed_gives_its_place_back_unless_it_was_taken_again(world):
    assert world.send(1, 1, "orders", (TWO_AN_HOUR,)) is None
    assert world.send(1, 2, "orders", (TWO_AN_HOUR,)) is None
    where = FrequencyCount.objects.get()
    take = taken(world.people[1], world.notifications[1, "orders"], "orders", (TWO_AN_HOUR,))
    frequency_counts.give_back(where.generation, 1, "sms", [take])
    assert world.send(1, 3, "orders", (TWO_AN_HOUR,)) == TWO_AN_HOUR, "taken again since"
    frequency_counts.give_back(where.generation, int(time.time() * 1000) + 1000, "sms", [take])
    assert world.send(1, 3, "orders", (TWO_AN_HOUR,)) is None


def test_looking_counts_nothing(world):
    world.send(1, 1, "orders", (TWO_AN_HOUR,))
    new = [str(uuid.uuid4()) for _ in range(5)]
    takes = [taken(world.people[1], key, "orders", (TWO_AN_HOUR,)) for key in new]
    assert frequency_counts.peek("sms", takes) == [None] * 5
    world.send(1, 2, "orders", (TWO_AN_HOUR,))
    assert frequency_counts.peek("sms", takes) == [TWO_AN_HOUR] * 5
    world.away = True
    assert frequency_counts.peek("sms", takes) == [TWO_AN_HOUR] * 5


sends = st.tuples(
    st.just("send"), st.integers(1, 2), st.integers(1, 8), st.sampled_from(["offers", "orders"])
)
steps = st.lists(
    sends
    | st.tuples(st.just("wait"), st.sampled_from([5, 12, 1700, 3601, 50_000]))
    | st.sampled_from([("empty",), ("away",), ("back",)]),
    min_size=5,
    max_size=30,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
def test_no_window_has_more_than_its_cap_however_redis_comes_and_goes(world, todo):
    caps = (TWO_AN_HOUR, THREE_A_DAY, ONE_OFFER_A_DAY)
    Delivery.objects.all().delete()
    call = world._call
    world.__init__()
    world._call = call
    for step, *arguments in todo:
        if step == "send":
            world.send(*arguments, caps)
        elif step == "wait":
            world.wait(*arguments)
        elif step == "empty":
            counters.lose()
        else:
            world.away = step == "away"
    world.away = False
    for cap in caps:
        for end, person, _, _ in world.moments:
            window = {
                key
                for at, whom, key, category in world.moments
                if whom == person
                and end - cap.per.seconds < at <= end
                and cap.category in ("", category)
            }
            assert len(window) <= cap.limit, (cap, todo)
