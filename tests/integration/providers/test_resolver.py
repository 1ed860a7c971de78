"""The resolver, with a name server on loopback."""

import asyncio
import ipaddress
import time

import pytest

from notifier.transport import resolver as module
from notifier.transport.resolver import NotResolved, Resolver
from tests.support.fakes.name_server import name_server

SHOP = (ipaddress.ip_address("203.0.113.9"), ipaddress.ip_address("203.0.113.10"))
NAMES = {"shop.example": ["203.0.113.9", "203.0.113.10"]}


async def test_a_name_has_all_its_addresses_of_both_kinds():
    async with name_server({"shop.example": ["203.0.113.9", "2001:db8::1"]}) as names:
        resolver = Resolver([names.address])
        found = await resolver.look_up("shop.example")
        assert set(map(str, found)) == {"203.0.113.9", "2001:db8::1"}
        await resolver.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
async def test_addresses_and_what_the_hosts_file_has_need_no_server(host: str):
    async with name_server({}) as names:
        resolver = Resolver([names.address])
        assert {ip.is_loopback for ip in await resolver.look_up(host)} == {True}
        await resolver.close()
    assert not names.asked


async def test_all_that_wait_for_a_name_ask_once():
    async with name_server(NAMES) as names:
        resolver = Resolver([names.address])
        found = await asyncio.gather(*(resolver.look_up("shop.example") for _ in range(50)))
        assert set(map(frozenset, found)) == {frozenset(SHOP)}
        await resolver.close()
    assert len(names.asked) == 2  # A and AAAA


async def test_one_that_stops_waiting_stops_it_for_nobody_else():
    async with name_server(NAMES) as names:
        resolver = Resolver([names.address])
        first = asyncio.create_task(resolver.look_up("shop.example"))
        second = asyncio.create_task(resolver.look_up("shop.example"))
        await asyncio.sleep(0)
        first.cancel()
        assert set(await second) == set(SHOP)
        await resolver.close()


async def test_addresses_are_used_as_long_as_their_record_says_and_then_asked_for_again():
    async with name_server(NAMES, ttl=1) as names:
        resolver = Resolver([names.address])
        await resolver.look_up("shop.example")
        names.names["shop.example"] = ["203.0.113.11"]
        assert set(await resolver.look_up("shop.example")) == set(SHOP)
        await asyncio.sleep(2.1)
        assert list(map(str, await resolver.look_up("shop.example"))) == ["203.0.113.11"]
        await resolver.close()


async def test_a_name_that_does_not_exist_is_not_asked_for_again_at_once():
    async with name_server({}) as names:
        resolver = Resolver([names.address])
        for _ in range(3):
            with pytest.raises(NotResolved):
                await resolver.look_up("nowhere.example")
        await resolver.close()
    assert names.asked == ["nowhere.example"] * 2


async def test_a_name_that_nobody_answers_for_is_given_up_in_time_and_holds_up_no_other():
    silent = [f"silent-{number}.example" for number in range(8)]
    async with name_server(NAMES, silent=silent) as names:
        resolver = Resolver([names.address])
        started = time.perf_counter()
        hanging = [asyncio.create_task(resolver.look_up(name)) for name in silent]
        await asyncio.sleep(0.1)
        await resolver.look_up("shop.example")
        assert not any(task.done() for task in hanging)
        results = await asyncio.gather(*hanging, return_exceptions=True)
        assert all(isinstance(result, NotResolved) for result in results)
        assert time.perf_counter() - started < 4 * module.TIMEOUT
        await resolver.close()


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example", "\ud800.example", ""])
async def test_what_is_no_name_is_not_resolved(host: str):
    resolver = Resolver(["127.0.0.1:9"])
    with pytest.raises(NotResolved):
        await resolver.look_up(host)
    await resolver.close()


async def test_few_names_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_NAMES", 2)
    async with name_server({}) as names:
        resolver = Resolver([names.address])
        for number in range(5):
            with pytest.raises(NotResolved):
                await resolver.look_up(f"nowhere-{number}.example")
        assert len(resolver._known) == 2
        await resolver.close()
