"""Tabs and another browser show the same, whatever breaks in between."""

import signal

import pytest
from playwright.sync_api import Browser, BrowserContext

from stack.whole_service import Stage
from tests.support.publishers.bell_tabs import Person, Tab, equal
from tests.support.waiting import until

MANY = 500
#: Changes that a tab may be told for these: what comes together is told together.
FEW = 50

pytestmark = pytest.mark.usefixtures("inbox_library")


def kill_workers(browser: Browser) -> None:
    """End the shared workers of the browser, as it does itself where memory is short."""
    session = browser.new_browser_cdp_session()
    found = session.send("Target.getTargets")["targetInfos"]
    workers = [one["targetId"] for one in found if one["type"] == "shared_worker"]
    assert workers
    for worker in workers:
        session.send("Target.closeTarget", {"targetId": worker})
    session.detach()


def restart(service: Stage, tabs: list[Tab]) -> None:
    """Have the stream's process die, and start it again once all tabs know."""
    service.processes.kill("stream", signal.SIGKILL)
    for tab in tabs:
        tab.wait("!inboxes[0].connected")
    service.processes.restart("stream")


def connected(tabs: list[Tab]) -> None:
    for tab in tabs:
        tab.wait("inboxes[0].connected")


def test_when_the_worker_is_killed_its_tabs_go_on_with_another_one(
    ada: Person, mine: BrowserContext, browser: Browser
) -> None:
    tabs = [ada.tab(mine) for _ in range(3)]
    ada.send("Before")
    for tab in tabs:
        tab.wait_for(1)
    kill_workers(browser)
    ada.send("After")
    for tab in tabs:
        tab.wait_for(2)
    assert [tab.way for tab in tabs] == ["worker"] * 3
    equal(tabs)


@pytest.mark.parametrize("way", ["worker", "leader"])
def test_all_stay_equal_whatever_happens(
    ada: Person, mine: BrowserContext, browser: Browser, service: Stage, way: str
) -> None:
    tabs = [ada.tab(mine, sharing=way) for _ in range(3)]
    with ada.browser() as phone:
        other = ada.tab(phone, sharing=way)
        every = [*tabs, other]
        ada.send(*(f"Item {number}" for number in range(6)))
        for tab in every:
            tab.wait_for(6)
        first, second, third, fourth, fifth, _ = other.ids()
        tabs[0].mark("read", first)
        other.mark("deleted", second)
        equal(every)
        restart(service, every)
        tabs[1].mark("archived", third)
        connected(every)
        if way == "worker":
            kill_workers(browser)
        else:
            tabs.pop(0).page.close()  # the one that led
            every = [*tabs, other]
        ada.send("After that")
        other.wait("inboxes[0].items.length === 5")
        mine.set_offline(True)
        tabs[-1].mark("read", fourth)
        tabs[-1].mark("deleted", fifth)
        other.mark("read", "all")
        mine.set_offline(False)
        for tab in every:
            tab.wait("inboxes[0].items.length === 4 && inboxes[0].counts.unread === 0")
        equal(every)
        assert [tab.errors for tab in every] == [[]] * len(every)


def test_a_tab_that_missed_hundreds_of_items_catches_up_in_a_few_steps(
    ada: Person, mine: BrowserContext, service: Stage
) -> None:
    tabs = [ada.tab(mine) for _ in range(3)]
    with ada.browser() as phone:
        every = [*tabs, ada.tab(phone)]
        service.processes.kill("stream", signal.SIGKILL)
        for tab in every:
            tab.wait("!inboxes[0].connected")
            tab.page.evaluate(
                "() => { window.changes = 0; inboxes[0].on('change', () => changes++); }"
            )
        ada.send_at_once(MANY)
        until(lambda: ada.unread(mine) == MANY)
        service.processes.restart("stream")
        for tab in every:
            tab.wait(f"inboxes[0].counts.unread === {MANY}")
        equal(every)
        assert max(tab.page.evaluate("changes") for tab in every) <= FEW
        tabs[0].mark("read")
        for tab in every:
            tab.wait("inboxes[0].counts.unread === 0")
        equal(every)
