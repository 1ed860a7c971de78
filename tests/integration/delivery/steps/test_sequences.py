"""Sequences of steps that become due, of people who answer and of workers that are lost.

A model says who is to get each step. Nobody gets one after their answer, everybody who is to get
one gets it once, and a notification ends.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.delivery.models import Answer, Chunk, Delivery, Notification
from apps.preferences.models import Group, Membership
from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome
from tests.integration.delivery.steps.conftest import App, Mails, Push, Texts
from tests.support.deliveries import workers as lost_workers
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

HELLO = {"title": "The pump has stopped", "body": "Hall 3"}
CHANNELS = ("email", "sms", "push")
#: Seconds between two steps; the tests' own work takes less than one.
AFTER = (100, 300, 500)
numbers = count(1)


class World:
    """Ada and bob, who are notified, a group of cyd and perhaps bob, and what they are sent."""

    def __init__(
        self,
        shop: Shop,
        later: Callable[[float], None],
        plan: list[tuple[str, int, str, bool]],
        bob_is_in_it: bool,
    ) -> None:
        self.shop, self.later, self.now = shop, later, 0.0
        number = next(numbers)
        self.names = [f"{name}-{number}" for name in ("ada", "bob", "cyd")]
        self.apps = {name: App(name) for name in self.names}
        self.calls: list[tuple[str, str]] = []
        people = {
            name: recipient(
                name,
                push_android=f"token-{name}",
                sms=f"+436601{number:05}{place}",
                email=f"{name}@example.com",
            )
            for place, name in enumerate(self.names)
        }
        group = Group.objects.create(publisher_id=shop.id, name=f"on-call-{number}")
        self.members = self.names[1 if bob_is_in_it else 2 :]
        for name in self.members:
            Membership.objects.create(group=group, recipient=people[name])
        #: Of each step: when it is due, its channel, what it asks and whether it is for the group.
        self.steps: list[tuple[float, str, str, bool]] = []
        fallback: dict[str, Any] = {}
        due, taken = 0, set()
        kept = []
        for channel, after, unless, to_group in plan:
            if not to_group and channel in taken:
                continue
            taken |= set() if to_group else {channel}
            due += after
            self.steps.append((due, channel, unless, to_group))
            kept.append((channel, after, unless, to_group))
        for channel, after, unless, to_group in reversed(kept):
            step = {"channel": channel, "after_seconds": after, "unless": unless}
            step |= {"group": group.name} if to_group else {}
            fallback = step | ({"then": fallback} if fallback else {})
        self.shared = any(to_group for *_, to_group in self.steps)
        self.posted = shop.post(
            "notifications",
            {
                "user_ids": self.names[:2],
                "content": HELLO,
                "channels": ["inbox"],
                "fallback": fallback,
            },
        )
        later(0)
        self.read: set[str] = set()
        self.acknowledged: set[str] = set()
        self.has = {(name, "inbox") for name in self.names[:2]}
        #: Who is to get what, and who may have it or not, since their worker was lost.
        self.wanted: Counter[tuple[str, str]] = Counter()
        self.doubtful: set[tuple[str, str]] = set()

    def answer(self, message: Message) -> Outcome:
        self.calls.append((message.user_id, message.channel))
        return Accepted("id")

    def receivers(self, unless: str, to_group: bool) -> list[str]:
        """Return to whom a step goes that is due now."""
        if self.shared and self.acknowledged:
            return []
        if to_group:
            answered = self.acknowledged if unless == "acknowledged" else self.read
            return [] if answered else self.members
        answered = self.acknowledged if unless == "acknowledged" else self.read
        return [name for name in self.names[:2] if name not in answered]

    def wait(self, seconds: float, lose: bool = False) -> None:
        """Let time pass, step by step as these become due; ``lose``: the first worker of each."""
        until = self.now + seconds
        for due, channel, unless, to_group in self.steps:
            if not self.now < due <= until:
                continue
            new = [
                (name, channel)
                for name in self.receivers(unless, to_group)
                if (name, channel) not in self.has
            ]
            self.has |= set(new)
            if lose:
                self.doubtful |= set(new)
                self._shift(due)
                lost_workers.claim(channel)
                lost_workers.lose_claims()
                self.later(0)
            else:
                self.wanted.update(new)
                self.later(due - self.now)
            self.now = due
        self.later(until - self.now)
        self.now = until

    def _shift(self, due: float) -> None:
        back = timedelta(seconds=due - self.now)
        Chunk.objects.exclude(state="done").update(
            due_at=F("due_at") - back, ready_at=F("ready_at") - back
        )

    def open(self, person: int) -> None:
        """Somebody reads what is in their inbox; cyd has nothing there."""
        self.apps[self.names[person]].mark("read")
        self.read |= {self.names[person]} & set(self.names[:2])

    def acknowledge(self, person: int) -> None:
        """Somebody acknowledges it, who can if they have it."""
        name = self.names[person]
        sent = any(who == name for who, _ in self.has)
        self.apps[name].acknowledge(self.posted, status=200 if sent else 404)
        if sent:
            self.read.add(name)
            self.acknowledged.add(name)

    def check(self) -> None:
        """Compare what the providers got with what the model says."""
        called = Counter(self.calls)
        assert set(called.values()) <= {1}, "sent twice"
        sure = {key for key in called if key not in self.doubtful}
        assert sure == set(self.wanted), (self.steps, self.read, self.acknowledged)
        for name, channel in self.doubtful - set(called):
            states = Delivery.objects.filter(
                recipient_id__isnull=False, channel=channel, notification_id=self.posted["id"]
            ).values_list("state", flat=True)
            assert set(states) & {"unknown", "suppressed"}, (name, channel)
        shown = self.shop.get(f"notifications/{self.posted['id']}")
        assert shown["state"] == "done" and not Chunk.objects.exclude(state="done").exists()
        who = {one["user_id"] for one in shown["acknowledged_by"]}
        assert who == self.acknowledged


@pytest.fixture
def world(shop, later) -> Callable[..., World]:
    """Begin anew, with nothing of an earlier world."""

    def begin(*arguments: Any) -> World:
        for model in (Delivery, Chunk, Answer, Notification):
            model.objects.all().delete()
        made = World(shop, later, *arguments)
        for provider in (Push, Texts, Mails):
            provider.answer = staticmethod(made.answer)
        return made

    return begin


plans = st.lists(
    st.tuples(
        st.sampled_from(CHANNELS),
        st.sampled_from(AFTER),
        st.sampled_from(["read", "acknowledged"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)
events = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([50, 200, 400, 1_000]), st.booleans()),
    st.tuples(st.sampled_from(["open", "acknowledge"]), st.integers(0, 2)),
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plans, st.booleans(), st.lists(events, min_size=1, max_size=8))
def test_each_step_goes_once_to_who_has_not_answered_and_to_nobody_else(
    world, plan, bob_is_in_it, todo
):
    here = world(plan, bob_is_in_it)
    for event, *arguments in todo:
        getattr(here, event)(*arguments)
    here.wait(5 * max(AFTER))
    here.check()
