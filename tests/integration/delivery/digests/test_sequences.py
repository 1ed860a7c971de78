"""Sequences of publishes, cancels, reads, changed minds, failures and lost workers.

Everything is told once or says why not, and nothing in quiet hours. The clock by which digests
close and quiet hours are judged is the test's, years ahead of the database's, so that what waits is
due only when it says so; it is put forward over the days on which four zones set theirs.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models import Min
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.delivery import selectors
from apps.delivery.models import Chunk, DeadLetter, Delivery, Notification, OpenDigest, StateCount
from apps.inbox.models import InboxItem
from apps.preferences.digests import services
from apps.preferences.models import DigestChoice, Recipient
from apps.topics.models import Topic
from notifier.domain.digests import Cadence
from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome, Reason, Refused, Retry
from notifier.domain.times.quiet_hours import DAYS, Schedule, parse
from tests.support.deliveries import workers
from tests.support.deliveries.digests import Push
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import Shop
from tests.support.wall_clocks import CHANGING, changes, walls_quiet

YEAR = datetime.now(UTC).year + 2
MOMENTS = sorted(at for zone in CHANGING for at in changes(zone, YEAR))
ROUNDS = 200
FINAL = ("accepted", "delivered", "suppressed", "cancelled", "unknown")
NIGHTS: tuple[dict[str, Any], ...] = (
    {"windows": []},
    {"windows": [{"days": list(DAYS), "from": "22:00", "to": "07:00"}]},
    {"windows": [{"days": list(DAYS), "from": "01:00", "to": "02:30"}]},
    {"windows": [{"days": list(DAYS[5:]), "from": "00:00", "to": "24:00"}]},
)
DIGESTS: tuple[dict[str, Any] | None, ...] = (
    None,
    {"key": "a", "window": 600},
    {"key": "a", "window": 7_200},
    {"key": "b", "at": "09:00"},
    {"key": "b", "at": "02:30"},
)
numbers = count(1)


class World:
    """Two people in zones that change their clocks, a topic, and a clock.

    ``told``: how often each text reached a person; ``disturbed``: those that came in quiet hours.
    """

    def __init__(self, shop: Shop, work: Callable[[], None], start: float) -> None:
        self.shop, self.work, self.now = shop, work, start
        self.told: Counter[tuple[str, str]] = Counter()
        self.disturbed: list[tuple[str, float]] = []
        self.posted: dict[str, tuple[str, list[str]]] = {}
        self.cancelled: set[str] = set()
        self.schedules: dict[str, Schedule] = {}
        self.failing: Outcome | None = None
        number = next(numbers)
        self.topic = f"news-{number}"
        topic = Topic.objects.create(name=self.topic, publisher_id=shop.id)
        self.zones = {f"person-{number}-{n}": zone for n, zone in enumerate(CHANGING[:2])}
        self.people = list(self.zones)
        self.ids: dict[str, int] = {}
        for name, zone in self.zones.items():
            person = recipient(name, push_android=f"token-{name}")
            self.ids[name] = person.pk
            Recipient.objects.filter(pk=person.pk).update(time_zone=zone)
            subscribe(topic, person, "push")
            self.be_quiet(len(self.schedules), 0)

    def answer(self, message: Message) -> Outcome:
        if self.failing is not None:
            return self.failing
        name = message.address.removeprefix("token-")
        if walls_quiet(self.schedules[name], self.zones[name], self.now):
            self.disturbed.append((name, self.now))
        text = f"{message.content.title} {message.content.body}".replace(":", " ")
        for word in text.split():
            if word.startswith("item-"):
                self.told[word, name] += 1
        return Accepted("id")

    def run(self, step: str, *arguments: Any) -> None:
        getattr(self, step)(*arguments)
        self.work()

    def publish(self, digest: int) -> None:
        self._post(f"topics/{self.topic}/publish", self.people, digest, channels=["push"])

    def notify(self, person: int, digest: int) -> None:
        name = self.people[person]
        self._post("notifications", [name], digest, user_id=name, channels=["push", "inbox"])

    def _post(self, path: str, people: list[str], digest: int, **more: Any) -> None:
        text = f"item-{next(numbers)}"
        body = {"content": {"title": text}, **more}
        if (asked := DIGESTS[digest]) is not None:
            body["digest"] = asked
        self.posted[self.shop.post(path, body)["id"]] = text, people

    def cancel(self, which: int) -> None:
        """Cancel one that waits, if there is one."""
        waiting = Delivery.objects.filter(state="retrying", notification__kind="published")
        found = sorted({str(key) for key in waiting.values_list("notification_id", flat=True)})
        if found:
            key = found[which % len(found)]
            self.shop.post(f"notifications/{key}/cancel", {}, status=200)
            self.cancelled.add(key)

    def read(self, which: int) -> None:
        """Read an item of an inbox."""
        items = list(InboxItem.objects.filter(read_at=None).order_by("pk"))
        if items:
            InboxItem.objects.filter(pk=items[which % len(items)].pk).update(
                read_at=datetime.now(UTC)
            )

    def be_quiet(self, person: int, which: int) -> None:
        """Have quiet hours from the next message on."""
        name = self.people[person]
        self.schedules[name] = parse(NIGHTS[which], ["push", "sms"])
        stored = self.schedules[name].as_json()
        Recipient.objects.filter(pk=self.ids[name]).update(quiet_hours=stored)

    def choose(self, person: int, cadence: Cadence | None) -> None:
        services.choose(self.ids[self.people[person]], "", cadence)

    def fail(self, outcome: Outcome) -> None:
        """Let the provider fail for as long as what is due now is tried."""
        self.failing = outcome
        self.work()
        self.failing = None

    def lose_a_worker(self) -> None:
        """Let a worker die with whatever it could claim, before anything of it is sent."""
        workers.cut()
        workers.claim("push")
        workers.lose_claims()

    def wait(self, seconds: float) -> None:
        """Put the clock forward: what is due by then is due."""
        self.now += seconds
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE delivery_delivery SET next_attempt_at = '2020-01-01T00:00:00Z'"
                " WHERE next_attempt_at <= to_timestamp(%s)",
                [self.now],
            )

    def wait_and_fail(self, seconds: float, outcome: Outcome) -> None:
        self.wait(seconds)
        self.fail(outcome)

    def wait_and_lose_a_worker(self, seconds: float) -> None:
        self.wait(seconds)
        self.lose_a_worker()

    def settle(self) -> None:
        """Put the clock forward to each time at which something is due, until nothing waits."""
        for _ in range(ROUNDS):
            dead = [row.delivery.public_id for row in DeadLetter.objects.select_related("delivery")]
            if dead:
                self.shop.post("dead-letters/redrive", {"ids": dead}, status=200)
            waiting = Delivery.objects.exclude(state__in=FINAL)
            due = waiting.aggregate(Min("next_attempt_at"))["next_attempt_at__min"]
            if due is None:
                break
            self.run("wait", max(0.0, due.timestamp() - self.now) + 0.001)
        assert not waiting.exists(), list(waiting.values_list("state", "reason", "told_in"))
        assert not OpenDigest.objects.exists(), "a digest never closed"


@pytest.fixture
def world(
    shop: Shop, work: Callable[[], None], carriers: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], World]:
    """Begin anew at a time (unix seconds), with nothing of an earlier world."""
    made: list[World] = []
    clock = SimpleNamespace(now=lambda: made[-1].now)
    monkeypatch.setattr("apps.delivery.sending.quiet_hours.clock", clock)
    monkeypatch.setattr("apps.delivery.sending.digests.joining.clock", clock)

    def begin(start: float) -> World:
        for model in (InboxItem, DeadLetter, OpenDigest, Delivery, Chunk, StateCount, Notification):
            model.objects.all().delete()
        DigestChoice.objects.all().delete()
        made.append(World(shop, work, start))
        Push.answer = staticmethod(made[-1].answer)
        return made[-1]

    return begin


people = st.integers(0, 1)
asked = st.integers(0, len(DIGESTS) - 1)
some_time = st.sampled_from([0, 300, 700, 5_000, 9_000, 30_000, 90_000])
failures = st.sampled_from(
    [Retry(Reason.PROVIDER_ERROR), Retry(Reason.RATE_LIMITED), Refused(Reason.AUTHENTICATION)]
)
steps = st.one_of(
    st.tuples(st.just("publish"), asked),
    st.tuples(st.just("notify"), people, asked),
    st.tuples(st.just("notify"), people, asked),
    st.tuples(st.just("be_quiet"), people, st.integers(0, len(NIGHTS) - 1)),
    st.tuples(st.just("choose"), people, st.sampled_from([None, *Cadence])),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("read"), st.integers(0, 5)),
    st.tuples(st.just("wait"), some_time),
    st.tuples(st.just("wait_and_fail"), some_time, failures),
    st.tuples(st.just("wait_and_lose_a_worker"), some_time),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(MOMENTS), st.integers(-50_000, 10_000), st.lists(steps, min_size=4, max_size=16)
)
def test_every_item_is_told_once_or_says_why_not_and_none_at_night(world, change, before, todo):
    here = world(change + before)
    for step in todo:
        here.run(*step)
    here.settle()
    check(here)


def check(here: World) -> None:
    """Whether each item was told once or says why not, and counts say the same."""
    assert not here.disturbed
    names = {key: name for name, key in here.ids.items()}
    items = Delivery.objects.filter(notification__kind="published", channel="push")
    made = Counter((str(row.notification_id), names[row.recipient_id or 0]) for row in items)
    addressed = {(key, name) for key, (_, people) in here.posted.items() for name in people}
    assert made.keys() <= addressed and set(made.values()) <= {1}
    assert all(key in here.cancelled for key, _ in addressed - made.keys()), "lost"
    for row in items:
        key, name = str(row.notification_id), names[row.recipient_id or 0]
        told = here.told[here.posted[key][0], name]
        match row.state:
            case "accepted":
                assert told == 1
            case "cancelled":
                assert told == 0 and key in here.cancelled
            case "suppressed":
                assert told == 0 and row.reason == "read"
            case _:  # a worker that had it was lost, so nobody knows whether it was sent
                assert (row.state, told) == ("unknown", 0)
    every = Notification.objects.values_list("pk", flat=True)
    counted = {
        (key, state): number
        for key, by_channel in selectors.counts(every).items()
        for state, number in by_channel.get("push", {}).items()
    }
    rows = Delivery.objects.filter(channel="push").values_list("notification_id", "state")
    assert counted == dict(Counter(rows))
