"""A worker process holds a bounded number of messages, and slow ones keep no room for others."""

import asyncio
import threading
import time

from django.db import connection

from apps.delivery import tasks, wiring
from apps.delivery.models import Chunk
from apps.delivery.room import Room
from notifier.messages import Message
from notifier.outcomes import Accepted, Outcome
from notifier.providers.base import Provider
from tests.integration.delivery.conftest import recipient

SIZE, CHUNKS, TAKES = 4, 3, 3.0


class HalfAsleep(Provider):
    """Takes its time with one of four, or with all."""

    asleep = SIZE
    calls: list[str] = []

    async def send(self, message: Message) -> Outcome:
        self.calls.append(message.user_id)
        if int(message.user_id) % SIZE < self.asleep:
            await asyncio.sleep(TAKES)
        return Accepted("id")


def called(shop, settings, monkeypatch, asleep):
    """How many chunks' messages a process has sent after a while, of twice as many as it has room
    for, each of which has so many that take long."""
    settings.PROVIDERS = {"slow": {"class": f"{__name__}.HalfAsleep", "channel": "sms"}}
    settings.CHUNK_SIZE = SIZE
    room = Room(SIZE, CHUNKS * SIZE)
    monkeypatch.setattr(wiring, "room", lambda: room)
    monkeypatch.setattr(HalfAsleep, "asleep", asleep)
    monkeypatch.setattr(HalfAsleep, "calls", [])
    people = [str(number) for number in range(2 * CHUNKS * SIZE)]
    for name in people:
        recipient(name, sms=f"+43660{name:0>8}")
    shop.post(
        "notifications",
        {"user_ids": people, "content": {"body": "Hello"}, "channels": ["sms"]},
    )

    def deliver(key):
        tasks.deliver.apply(args=[key], throw=True)
        connection.close()

    threads = [threading.Thread(target=deliver, args=(chunk.pk,)) for chunk in Chunk.objects.all()]
    for thread in threads:
        thread.start()
    time.sleep(TAKES / 2)
    number = len(HalfAsleep.calls)
    for thread in threads:
        thread.join()
    assert len(HalfAsleep.calls) == len(people)
    return number / SIZE


def test_no_more_is_claimed_than_there_is_room_for(shop, settings, monkeypatch):
    assert called(shop, settings, monkeypatch, asleep=SIZE) == CHUNKS


def test_slow_messages_keep_no_room_for_those_that_went_out(shop, settings, monkeypatch):
    assert called(shop, settings, monkeypatch, asleep=1) == 2 * CHUNKS
