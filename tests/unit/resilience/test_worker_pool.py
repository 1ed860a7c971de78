"""The pool of a process that calls one provider."""

import asyncio

import pytest

from notifier.resilience.worker_pool import WorkerPool
from stack.supervision.process import PATIENCE


class Jobs:
    """Jobs that end when a test says so, and a record of them."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.gate = asyncio.Event()

    async def do(self, job: str) -> None:
        self.begun.append(job)
        await self.gate.wait()


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_no_more_are_done_at_a_time_than_its_limit():
    jobs, pool = Jobs(), WorkerPool[str](2)
    running = asyncio.create_task(pool.run("abcd", jobs.do))
    await turns()
    assert jobs.begun == ["a", "b"]
    jobs.gate.set()
    await running
    assert jobs.begun == ["a", "b", "c", "d"]


async def test_a_higher_limit_counts_at_once_and_a_lower_one_from_the_next_job_on():
    jobs, pool = Jobs(), WorkerPool[str](1)
    running = asyncio.create_task(pool.run("abcdef", jobs.do))
    await turns()
    pool.limit = 3
    await turns()
    assert jobs.begun == ["a", "b", "c"]
    pool.limit = 1
    gate, jobs.gate = jobs.gate, asyncio.Event()
    gate.set()
    await turns()
    assert jobs.begun == ["a", "b", "c", "d"]
    jobs.gate.set()
    await running
    assert jobs.begun == list("abcdef")


async def test_who_comes_first_is_served_first():
    jobs, pool = Jobs(), WorkerPool[str](1)
    first = asyncio.create_task(pool.run("ab", jobs.do))
    second = asyncio.create_task(pool.run("cd", jobs.do))
    await turns()
    jobs.gate.set()
    await first
    assert jobs.begun[:2] == ["a", "b"]
    await second
    assert jobs.begun == ["a", "b", "c", "d"]


async def test_a_caller_that_gives_up_leaves_out_what_has_not_begun_and_nobody_elses():
    jobs, pool = Jobs(), WorkerPool[str](1)
    first = asyncio.create_task(pool.run("ab", jobs.do))
    second = asyncio.create_task(pool.run("cd", jobs.do))
    await turns()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    jobs.gate.set()
    await second
    assert jobs.begun == ["a", "c", "d"]


async def test_a_job_that_fails_keeps_nobody_waiting():
    pool, done = WorkerPool[str](1), []

    async def do(job: str) -> None:
        await asyncio.sleep(0)
        if job == "a":
            raise asyncio.CancelledError
        done.append(job)

    await asyncio.wait_for(pool.run("abc", do), timeout=PATIENCE)
    assert done == ["b", "c"]


async def test_no_jobs_are_done_at_once():
    await WorkerPool[str](1).run([], Jobs().do)
