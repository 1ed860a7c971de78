"""How much a worker process holds at once."""

import threading
import time

from apps.delivery.room import Room
from stack.process import PATIENCE
from tests import waiting

from apps.delivery import wiring


def holding(room, sizes, until):
    """Threads that claim chunks of so many messages and hold them; who holds one now."""
    held = []

    def hold(size):
        with room.reserved() as take:
            take(size)
            held.append(size)
            until.wait(PATIENCE)

    threads = [threading.Thread(target=hold, args=(size,), daemon=True) for size in sizes]
    for thread in threads:
        thread.start()
    return held, threads


def settles_at(held, number):
    waiting.until(lambda: len(held) >= number)
    time.sleep(0.05)  # for one too many
    return len(held) == number


def test_no_more_full_chunks_are_claimed_than_there_is_room_for():
    room, done = Room(100, 200), threading.Event()
    held, threads = holding(room, [100] * 5, done)
    assert settles_at(held, 2)
    done.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(held) == 5


def test_small_chunks_leave_room_for_others():
    room, done = Room(100, 200), threading.Event()
    held, threads = holding(room, [1] * 30, done)
    assert settles_at(held, 30)
    done.set()
    for thread in threads:
        thread.join(PATIENCE)


def test_a_chunk_with_more_messages_than_recipients_takes_more_room():
    room, done = Room(100, 300), threading.Event()
    held, threads = holding(room, [250], done)
    assert settles_at(held, 1)
    others, more = holding(room, [100], done)
    assert settles_at(others, 0)
    done.set()
    for thread in [*threads, *more]:
        thread.join(PATIENCE)
    assert len(others) == 1


def test_room_comes_back_whatever_happens():
    room = Room(100, 100)
    for _ in range(3):
        try:
            with room.reserved():
                raise ValueError
        except ValueError:
            pass
    with room.reserved() as take:
        take(50)


def test_a_chunk_larger_than_all_room_is_claimed_all_the_same():
    room, done = Room(500, 300), threading.Event()
    held, threads = holding(room, [500] * 2, done)
    assert settles_at(held, 1)
    done.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(held) == 2


def test_what_is_told_after_the_end_takes_no_room():
    room, done = Room(100, 100), threading.Event()
    with room.reserved() as take:
        take(50)
    take(40)
    held, threads = holding(room, [100], done)
    assert settles_at(held, 1)
    done.set()
    threads[0].join(PATIENCE)


def test_small_chunks_of_a_process_do_not_use_up_its_room(settings):
    settings.CHUNK_SIZE = 50
    room, done = wiring.room.__wrapped__(), threading.Event()
    held, threads = holding(room, [50] * 16, done)
    assert settles_at(held, 16)
    done.set()
    for thread in threads:
        thread.join(PATIENCE)
