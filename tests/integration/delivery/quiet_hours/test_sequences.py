"""Sequences of publishes, of hours that pass and of people who change their minds.

Everything arrives once or says why not, nothing in quiet hours, and nothing beyond a frequency cap.
The clock that claims judge by is the test's, and is put forward over the days on which four zones
set theirs. It is years ahead of the database's, so that what waits is due only when it says so.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models import Min
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.delivery.models import Chunk, Delivery, Notification
from apps.preferences.frequency import caps
from apps.preferences.models import Recipient
from apps.topics.models import Topic
from notifier.domain.frequency import Cap, Per, Setter
from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome
from notifier.domain.times.quiet_hours import DAYS, Schedule, parse
from notifier.security.tokens import sign
from tests.support.deliveries import counters, workers
from tests.support.deliveries.quiet_hours import Push
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers.inbox_app import SECRET
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop
from tests.support.wall_clocks import CHANGING, changes, walls_quiet

#: The year after the next: no clock of a database is there yet.
YEAR = datetime.now(UTC).year + 2
MOMENTS = sorted(at for zone in CHANGING for at in changes(zone, YEAR))
CAPS = (
    Cap(Setter.COMPANY, "", 2, Per.HOUR),
    Cap(Setter.COMPANY, "", 5, Per.DAY),
)
#: Seconds by which a call may come later than the claim that counted it.
LATE = 60
#: More times than there are at which something is due.
ROUNDS = 100
FINAL = ("accepted", "suppressed", "cancelled", "unknown")


def window(days: tuple[str, ...], begins: str, ends: str) -> dict[str, Any]:
    return {"days": list(days), "from": begins, "to": ends}


#: Nights, windows that begin, end or lie in hours that are skipped or come twice, and a weekend.
HOURS: tuple[dict[str, Any], ...] = (
    {"windows": []},
    {"windows": [window(DAYS, "22:00", "07:00")]},
    {"windows": [window(DAYS, "01:00", "02:30"), window(DAYS, "02:45", "03:15")]},
    {"windows": [window(DAYS, "02:00", "03:00")]},
    {"windows": [window(DAYS, "03:30", "01:30")]},
    {"windows": [window(DAYS[5:], "00:00", "24:00"), window(DAYS[:5], "23:00", "05:30")]},
)
ids = count(1)


class World:
    """Four people, one in each zone, a topic, and a clock.

    ``calls``: of the provider, each with the delivery's id, the time, and whether it was quiet.
    """

    def __init__(self, shop: Shop, work: Callable[[], None], start: float) -> None:
        self.shop, self.work, self.now = shop, work, start
        self.calls: list[tuple[str, float, bool]] = []
        self.posted: list[tuple[str, list[str]]] = []
        self.cancelled: set[str] = set()
        self.schedules: dict[str, Schedule] = {}
        number = next(ids)
        self.topic = f"news-{number}"
        topic = Topic.objects.create(name=self.topic, publisher_id=shop.id)
        self.zones = {f"{zone.partition('/')[2]}-{number}".lower(): zone for zone in CHANGING}
        self.people = list(self.zones)
        for name, zone in self.zones.items():
            person = recipient(name, push_android=f"token-{name}")
            Recipient.objects.filter(pk=person.pk).update(time_zone=zone)
            subscribe(topic, person, "push")

    def answer(self, message: Message) -> Outcome:
        name = message.address.removeprefix("token-")
        quiet = walls_quiet(self.schedules[name], self.zones[name], self.now)
        self.calls.append((message.id, self.now, quiet))
        return Accepted("id")

    def run(self, step: str, *arguments: Any) -> None:
        getattr(self, step)(*arguments)
        self.work()

    def publish(self, priority: str) -> None:
        self._post(f"topics/{self.topic}/publish", self.people, priority)

    def notify(self, person: int, priority: str) -> None:
        name = self.people[person]
        self._post("notifications", [name], priority, user_id=name)

    def _post(self, path: str, people: list[str], priority: str, **more: Any) -> None:
        body = {"content": HELLO, "channels": ["push"], "priority": priority, **more}
        self.posted.append((self.shop.post(path, body)["id"], people))

    def cancel(self, which: int) -> None:
        """Cancel one that has not ended, if there is one."""
        waiting = Delivery.objects.filter(state="retrying").order_by("pk")
        found = list(dict.fromkeys(waiting.values_list("notification_id", flat=True)))
        if found:
            key = str(found[which % len(found)])
            self.shop.post(f"notifications/{key}/cancel", {}, status=200)
            self.cancelled.add(key)

    def be_quiet(self, person: int, which: int) -> None:
        name = self.people[person]
        answer = self._app(name).put("/v1/me/quiet-hours", HOURS[which], format="json")
        assert answer.status_code == 200, answer.json()
        self.schedules[name] = parse(HOURS[which], ["push", "sms"])

    def choose(self, person: int, allowed: bool) -> None:
        wanted = [] if allowed else [{"channel": "push", "allowed": False}]
        app = self._app(self.people[person])
        answer = app.put("/v1/me/preferences", {"preferences": wanted}, format="json")
        assert answer.status_code == 200, answer.json()

    def _app(self, name: str) -> APIClient:
        http = APIClient()
        http.credentials(HTTP_AUTHORIZATION=f"Bearer {sign(lasting({'sub': name}), SECRET)}")
        return http

    def wait(self, seconds: float) -> None:
        """Put the clock forward: what was written down is older, and what is due by then is due."""
        self.now += seconds
        with connection.cursor() as cursor:
            for table, column in (
                ("delivery_delivery", "updated_at"),
                ("delivery_attempt", "started_at"),
                ("delivery_frequencycount", "since"),
            ):
                cursor.execute(
                    f"UPDATE {table} SET {column} = {column} - make_interval(secs => %s)",
                    [seconds],
                )
            cursor.execute(
                "UPDATE delivery_delivery SET next_attempt_at = '2020-01-01T00:00:00Z'"
                " WHERE next_attempt_at <= to_timestamp(%s)",
                [self.now],
            )
        counters.age(seconds)

    def lose_redis(self) -> None:
        counters.lose()

    def lose_a_worker(self) -> None:
        """Let a worker die with whatever it could claim of one more publish."""
        self.publish("normal")
        workers.cut()
        workers.claim("push")
        workers.lose_claims()

    def settle(self) -> None:
        """Put the clock forward to each time at which something is due, until nothing waits."""
        for _ in range(ROUNDS):
            waiting = Delivery.objects.exclude(state__in=FINAL)
            due = waiting.aggregate(Min("next_attempt_at"))["next_attempt_at__min"]
            if due is None:
                break
            self.run("wait", max(0.0, due.timestamp() - self.now) + 0.001)
        assert not waiting.exists(), "waits for ever"


@pytest.fixture
def world(
    shop: Shop,
    work: Callable[[], None],
    carriers: None,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[float], World]]:
    """Begin anew at a time (unix seconds), with nothing of an earlier world."""
    settings.FREQUENCY_CAPS = {"push": CAPS}
    settings.INBOX_TOKENS = {**settings.INBOX_TOKENS, "secret": SECRET}
    clock = SimpleNamespace(now=lambda: made[-1].now)
    monkeypatch.setattr("apps.delivery.sending.quiet_hours.clock", clock)
    made: list[World] = []

    def begin(start: float) -> World:
        for model in (Delivery, Chunk, Notification):
            model.objects.all().delete()
        made.append(World(shop, work, start))
        Push.answer = staticmethod(made[-1].answer)
        return made[-1]

    yield begin
    counters.lose()
    caps._known.forget()


people = st.integers(0, len(CHANGING) - 1)
priorities = st.sampled_from(["normal", "normal", "low", "high"])
steps = st.one_of(
    st.tuples(st.just("publish"), priorities),
    st.tuples(st.just("notify"), people, priorities),
    st.tuples(st.just("be_quiet"), people, st.integers(0, len(HOURS) - 1)),
    st.tuples(st.just("choose"), people, st.booleans()),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.sampled_from([300, 1_700, 5_000, 9_000, 30_000, 90_000])),
    st.sampled_from([("lose_redis",), ("lose_a_worker",)]),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(MOMENTS),
    st.integers(-50_000, 10_000),
    st.lists(st.integers(0, len(HOURS) - 1), min_size=4, max_size=4),
    st.lists(steps, min_size=4, max_size=14),
)
def test_everything_arrives_once_or_says_why_not_and_nothing_at_night(
    world, change, before, schedules, todo
):
    here = world(change + before)
    for person, which in enumerate(schedules):
        here.be_quiet(person, which)
    for step in todo:
        here.run(*step)
    here.settle()
    check(here)


def check(here: World) -> None:
    """Whether each message ended once, was sent in no quiet hour and kept to the caps."""
    rows = {row.public_id: row for row in Delivery.objects.all()}
    names = dict(Recipient.objects.filter(user_id__in=here.people).values_list("pk", "user_id"))
    addressed = Counter((key, name) for key, people in here.posted for name in people)
    made = Counter((str(row.notification_id), names[row.recipient_id]) for row in rows.values())
    # A cancel may come before the audience is cut: then there is nothing to end.
    assert made.keys() <= addressed.keys() and set(made.values()) <= {1}
    assert all(key in here.cancelled for key, _ in addressed.keys() - made.keys()), "lost"
    called = Counter(key for key, _, _ in here.calls)
    assert set(called.values()) <= {1}, "sent twice"
    priorities = dict(Notification.objects.values_list("pk", "priority"))
    sent: dict[int, list[float]] = defaultdict(list)
    for key, at, quiet in here.calls:
        row = rows[key]
        assert row.state == "accepted"
        if priorities[row.notification_id] != "high":
            assert not quiet, f"{names[row.recipient_id]} was disturbed"
            sent[row.recipient_id].append(at)
    for key, row in rows.items():
        if row.state == "suppressed":
            assert row.reason in ("preference", "frequency_cap")
        elif row.state == "cancelled":
            assert str(row.notification_id) in here.cancelled
        elif row.state == "accepted":
            assert called[key] == 1
        else:  # refused after the worker that had it was lost: nobody knows whether it was sent
            assert (row.state, called[key]) == ("unknown", 0)
    for times in sent.values():
        for cap in CAPS:
            for end in times:
                begins = end - cap.per.seconds + LATE
                assert sum(begins < at <= end for at in times) <= cap.limit, cap
