"""Rows for the admin's pages, made in the running service's own database.

Run by ``manage.py shell``; prints, as JSON, the primary keys of each model's rows.
"""

import itertools
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group as Role
from django.contrib.auth.models import User
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from uuid_utils.compat import uuid7

from apps.alerts.models import Silence
from apps.alerts.rules import RULES
from apps.bulk.models import BulkAction
from apps.delivery.models import Chunk, ChunkKind, Notification, RetentionRule
from apps.operators.sessions import SessionStore
from apps.operators.signin import second_factor
from apps.operators.signin.models import SecondFactor
from apps.preferences.models import (
    Category,
    Group,
    Membership,
    Preference,
    Recipient,
    Suppression,
)
from apps.publishers.models import Publisher
from apps.publishers.services import create_key
from apps.topics.models import Subscription, Topic

#: Rows of each model; each test takes one and leaves it as it likes.
EACH = 8


def make() -> None:
    """Make every row and print the primary keys."""
    made: dict[str, list[int | str]] = {}
    for number in range(EACH):
        for row in _rows(f"spare-{number}", number):
            if getattr(row, "error", ""):  # it is restored with all of its cause
                continue
            key = str(row.pk) if isinstance(row.pk, UUID) else row.pk
            made.setdefault(row._meta.label_lower, []).append(key)
    print(json.dumps(made))


def _held(publisher: Publisher, person: Recipient) -> None:
    """Have a notification of the publisher wait as after a restore."""
    now = datetime.now(UTC)
    row = Notification.objects.create(
        id=uuid7(), publisher=publisher, channels=["inbox"], content=b"", created_at=now
    )
    Chunk.objects.create(
        notification=row,
        publisher_id=publisher.pk,
        kind=ChunkKind.NAMED,
        channel="inbox",
        priority=row.priority,
        recipient_ids=[person.pk],
        reason="held",
        due_at=now,
        ready_at=now + timedelta(days=1000),
    )


def _operator(name: str) -> User:
    """Return an operator with a second factor and a session."""
    user = User.objects.create_user(name)
    second_factor.begin(user)
    SecondFactor.objects.filter(user=user).update(confirmed_at=datetime.now(UTC))
    session = SessionStore()
    session[SESSION_KEY] = user.pk
    session.create()
    return user


def _rows(name: str, number: int) -> itertools.chain:
    person = Recipient.objects.create(user_id=name)
    member = Recipient.objects.create(user_id=f"{name}-member")  # stays when the person is erased
    publisher = Publisher.objects.create(name=name)
    key, _ = create_key(publisher.pk, ["topics:read"], name=name)
    topic = Topic.objects.create(name=name, publisher=publisher)
    group = Group.objects.create(name=name, publisher=publisher)
    Membership.objects.create(group=group, recipient=member)
    if number == 0:
        _held(publisher, member)
    every = IntervalSchedule.objects.create(every=1000 + number, period="days")
    later = datetime.now(UTC) + timedelta(days=1000 + number)
    task = PeriodicTask.objects.create(
        name=name, task="delivery.purge", interval=every, enabled=False
    )
    return itertools.chain(
        [person, publisher, key, topic, group, task],
        [
            _operator(name),
            Role.objects.create(name=name),
            IntervalSchedule.objects.create(every=2000 + number, period="days"),
            CrontabSchedule.objects.create(minute=str(number)),
            SolarSchedule.objects.create(event="sunset", latitude=number, longitude=16),
            ClockedSchedule.objects.create(clocked_time=later),
            Subscription.objects.create(topic=topic, recipient=member, channel="inbox"),
            Category.objects.create(name=name),
            Silence.objects.create(name=sorted(RULES)[number], until=later, reason=name),
            BulkAction.objects.create(action="redrive", asked_by=name, leased_until=later),
            RetentionRule.objects.create(category=name, content_days=3),
            Preference.objects.create(recipient=member, channel="sms", allowed=False),
            Suppression.objects.create(
                channel="email", address_index=bytes([number] * 16), masked=name, reason="manual"
            ),
            Suppression.objects.create(
                channel="push",
                address_index=bytes([number] * 16),
                masked=name,
                reason="dead_address",
                provider="fcm",
                error="UNREGISTERED",
            ),
        ],
    )
