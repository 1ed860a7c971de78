"""How much a worker process holds at once."""

import threading
import time

from apps.delivery.room import Room


def holding(room, shares, until):
    """Threads that claim chunks of these shares and hold them; how many hold one now."""
    held = []

    def hold(share):
        with room.reserved() as take:
            take(share)
            held.append(share)
            until.wait(10)

    threads = [threading.Thread(target=hold, args=(share,), daemon=True) for share in shares]
    for thread in threads:
        thread.start()
    return held, threads


def settles_at(held, number):
    deadline = time.monotonic() + 5
    while len(held) < number and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(0.05)
    return len(held) == number


def test_no_more_full_chunks_are_claimed_than_there_is_room_for():
    room, done = Room(2), threading.Event()
    held, threads = holding(room, [1.0] * 5, done)
    assert settles_at(held, 2)
    done.set()
    for thread in threads:
        thread.join(5)
    assert len(held) == 5


def test_small_chunks_leave_room_for_others():
    room, done = Room(2), threading.Event()
    held, threads = holding(room, [0.001] * 30, done)
    assert settles_at(held, 30)
    done.set()
    for thread in threads:
        thread.join(5)


def test_a_chunk_with_more_messages_than_recipients_takes_more_room():
    room, done = Room(3), threading.Event()
    held, threads = holding(room, [2.5], done)
    assert settles_at(held, 1)
    others, more = holding(room, [1.0], done)
    assert settles_at(others, 0)
    done.set()
    for thread in [*threads, *more]:
        thread.join(5)
    assert len(others) == 1


def test_room_comes_back_whatever_happens():
    room = Room(1)
    for _ in range(3):
        try:
            with room.reserved():
                raise ValueError
        except ValueError:
            pass
    with room.reserved() as take:
        take(0.5)


def test_all_room_comes_back_after_any_number_of_fractions():
    room, done = Room(1), threading.Event()

    def fractions():
        for number in range(1, 2000):
            with room.reserved() as take:
                for left in (number / 7, 0.1, number / 3):
                    take(left)

    using = threading.Thread(target=fractions, daemon=True)  # it would wait for ever
    using.start()
    using.join(5)
    held, threads = holding(room, [1.0], done)
    assert settles_at(held, 1)
    done.set()
    threads[0].join(5)


def test_what_is_told_after_the_end_takes_no_room():
    room, done = Room(1), threading.Event()
    with room.reserved() as take:
        take(0.5)
    take(0.4)
    held, threads = holding(room, [1.0], done)
    assert settles_at(held, 1)
    done.set()
    threads[0].join(5)
