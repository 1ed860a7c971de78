"""Fair queueing of calls between publishers and their hosts."""

from notifier.resilience.fair_queue import FairQueue


def filled(*flows: tuple[int, str, int], shares: bool = False) -> FairQueue[str]:
    """Jobs named after their publisher and host."""
    queue: FairQueue[str] = FairQueue(shares=shares)
    for publisher, host, number in flows:
        for _ in range(number):
            queue.put((publisher, host), f"{publisher}{host}")
    return queue


def begun(queue: FairQueue[str], slots: int) -> list[str]:
    """The jobs that begin on so many slots, none of which becomes free again."""
    jobs = []
    while (free := slots - len(jobs)) and (found := queue.take(free)):
        jobs.append(found[1])
    return jobs


def test_jobs_of_one_flow_go_in_the_order_in_which_they_came():
    queue: FairQueue[str] = FairQueue()
    for job in "abc":
        queue.put((None, ""), job)
    assert begun(queue, 9) == ["a", "b", "c"]


def test_publishers_take_turns_and_so_do_the_hosts_of_each():
    queue = filled((1, "a", 3), (1, "b", 2), (2, "c", 2))
    assert begun(queue, 9) == ["1a", "2c", "1b", "2c", "1a", "1b", "1a"]


def test_one_publisher_fills_all_slots_of_one_server():
    assert len(begun(filled((1, "", 20)), 16)) == 16


def test_one_publisher_has_two_thirds_of_the_slots_and_half_for_one_host():
    assert len(begun(filled((1, "a", 500), shares=True), 256)) == 129
    many = filled(*((1, str(number), 1) for number in range(500)), shares=True)
    assert len(begun(many, 256)) == 171


def test_a_host_that_takes_its_share_leaves_capacity_for_its_publishers_others():
    queue = filled((1, "a", 500), shares=True)
    assert len(begun(queue, 256)) == 129
    queue.put((1, "b"), "1b")
    assert queue.take(256 - 129) == ((1, "b"), "1b")


def test_a_newcomer_finds_a_slot_even_at_the_same_host():
    queue = filled((1, "a", 500), shares=True)
    taken = len(begun(queue, 256))
    queue.put((2, "a"), "2a")
    assert queue.take(256 - taken) == ((2, "a"), "2a")


def test_slots_stay_free_however_many_publishers_and_hosts_are_slow():
    queue = filled(*((number, str(number), 50) for number in range(20)), shares=True)
    assert len(begun(queue, 256)) == 245
    queue.put((99, "new"), "99new")
    assert queue.take(256 - 245) == ((99, "new"), "99new")


def test_what_ends_gives_its_share_back():
    queue = filled((1, "a", 9), shares=True)
    assert begun(queue, 4) == ["1a", "1a", "1a"]
    assert queue.take(1) is None
    queue.done((1, "a"))
    queue.done((1, "a"))
    assert begun(queue, 3) == ["1a", "1a"]


def test_a_single_slot_can_be_used():
    assert begun(filled((1, "a", 2), shares=True), 1) == ["1a"]
