"""The library of the inbox in Firefox: what tabs tell each other is up to the browser."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from stack.debian import FIREFOX
from stack.whole_service import Stage
from tests.browser.inbox import firefox
from tests.browser.inbox.firefox import Firefox, Tab
from tests.support.programs import need
from tests.support.publishers.bell_tabs import Person
from tests.support.waiting import until

WAYS = ("worker", "leader", "none")
READ = """document.querySelector(".person > notifier-inbox").shadowRoot
  .querySelector("[data-key=read]").click()"""
SIGN_OUT = 'document.querySelector(".person > header > button").click()'
STATE = "[inboxes[0].items.map((one) => [one.id, one.status]), inboxes[0].counts]"

pytestmark = pytest.mark.usefixtures("inbox_library")
#: Opens tabs of a person that share in this way, and returns them once they are connected.
Opener = Callable[[Person, str, int], list[Tab]]


@pytest.fixture(scope="module")
def fox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    need(FIREFOX)
    with firefox.running(tmp_path_factory.mktemp("firefox")) as fox:
        yield fox


@pytest.fixture
def opened(fox: Firefox) -> Iterator[Opener]:
    """Closes at the end what it opened: a worker lives as long as one of its tabs."""
    every: list[Tab] = []

    def opened(person: Person, way: str, count: int) -> list[Tab]:
        tabs = []
        for _ in range(count):
            tabs.append(fox.tab(f"{person.url}/bell?user={person.name}&sharing={way}"))
            every.append(tabs[-1])
            tabs[-1].wait("Boolean(window.inboxes?.[0]?.connected)")
            assert tabs[-1].evaluate("inboxes[0].sharing") == way
        return tabs

    yield opened
    for tab in every:
        tab.close()


def all_show(tabs: list[Tab], count: int) -> None:
    """Wait until all have so many items, and then until they show the same of them."""
    for tab in tabs:
        tab.wait(f"inboxes[0].items.length === {count}")
    until(lambda: len({str(tab.evaluate(STATE)) for tab in tabs}) == 1)


@pytest.mark.parametrize("way", WAYS)
def test_an_item_comes_to_two_tabs_and_read_in_one_it_is_read_in_the_other(
    ada: Person, opened: Opener, way: str
) -> None:
    tabs = opened(ada, way, 2)
    ada.send("Live")
    all_show(tabs, 1)
    assert tabs[0].evaluate("inboxes[0].counts.unread") == 1
    tabs[1].evaluate(READ)
    for tab in tabs:
        tab.wait("inboxes[0].items[0].status === 'read' && inboxes[0].counts.unread === 0")
    [late] = opened(ada, way, 1)  # by then the service knows
    late.wait("inboxes[0].items[0]?.status === 'read'")


@pytest.mark.parametrize("way", ["worker", "leader"])
def test_nothing_is_missed_while_the_stream_restarts(
    ada: Person, opened: Opener, service: Stage, way: str
) -> None:
    tabs = opened(ada, way, 2)
    service.processes.kill("stream", signal.SIGKILL)
    try:
        for tab in tabs:
            tab.wait("!inboxes[0].connected")
        ada.send("Meanwhile")
    finally:
        service.processes.restart("stream")
    all_show(tabs, 1)


@pytest.mark.parametrize("way", WAYS)
def test_what_was_marked_and_sent_offline_is_everywhere_once_the_network_is_back(
    fox: Firefox, ada: Person, opened: Opener, way: str
) -> None:
    tabs = opened(ada, way, 2)
    ada.send("One", "Two")
    all_show(tabs, 2)
    with fox.offline():
        for tab in tabs:
            tab.wait("!inboxes[0].connected")
        tabs[1].evaluate("void inboxes[0].mark('read', inboxes[0].items[1].id)")
        tabs[1].evaluate("void inboxes[0].mark('deleted', inboxes[0].items[0].id)")
        all_show(tabs, 1)
        ada.send("Meanwhile")
    all_show(tabs, 2)
    with ada.browser() as phone:
        other = ada.tab(phone)
        until(lambda: other.state == tabs[0].evaluate(STATE))
    assert [status for _, status in tabs[0].evaluate(STATE)[0]] == ["unread", "read"]


@pytest.mark.parametrize("way", WAYS)
def test_signing_out_in_one_tab_ends_all_of_that_person(
    ada: Person, bo: Person, opened: Opener, way: str
) -> None:
    tabs = opened(ada, way, 2)
    [other] = opened(bo, way, 1)
    ada.send("Hers")
    all_show(tabs, 1)
    tabs[1].evaluate(SIGN_OUT)
    for tab in tabs:
        tab.wait("document.querySelector('.live').textContent === 'signed out'")
        assert tab.evaluate(STATE) == [[], {"unread": 0, "unseen": 0}]
    bo.send("His")
    all_show([other], 1)
    kept = other.evaluate("Object.keys(localStorage)")
    assert [key for key in kept if ada.name in key] == []


def test_the_others_go_on_when_the_process_of_the_leader_is_killed(
    ada: Person, opened: Opener
) -> None:
    first, *others = opened(ada, "leader", 3)
    assert first.pid not in {tab.pid for tab in others}
    ada.send("Before")
    all_show([first, *others], 1)
    os.kill(first.pid, signal.SIGKILL)
    ada.send("After")
    all_show(others, 2)


def test_the_others_go_on_when_the_process_of_the_worker_is_killed(
    fox: Firefox, ada: Person, opened: Opener
) -> None:
    tabs = opened(ada, "worker", 3)
    ada.send("Before")
    all_show(tabs, 1)
    home = fox.worker  # and that of a tab, usually
    os.kill(home, signal.SIGKILL)
    others = [tab for tab in tabs if tab.pid != home]
    assert len(others) >= 2
    ada.send("After")
    all_show(others, 2)
