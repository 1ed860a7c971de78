"""The library of the inbox in Firefox: what tabs tell each other is up to the browser."""

from collections.abc import Iterator

import pytest

from stack.debian import FIREFOX
from tests.browser.inbox import firefox
from tests.browser.inbox.firefox import Firefox
from tests.support.programs import need
from tests.support.publishers.bell_tabs import Person
from tests.support.waiting import until

READ = """document.querySelector(".person > notifier-inbox").shadowRoot
  .querySelector("[data-key=read]").click()"""

pytestmark = pytest.mark.usefixtures("inbox_library")


@pytest.fixture(scope="module")
def fox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    need(FIREFOX)
    with firefox.running(tmp_path_factory.mktemp("firefox")) as fox:
        yield fox


@pytest.mark.parametrize("way", ["worker", "leader", "none"])
def test_an_item_comes_to_two_tabs_and_read_in_one_it_is_read_in_the_other(
    fox: Firefox, ada: Person, way: str
) -> None:
    url = f"{ada.url}/bell?user={ada.name}&sharing={way}"
    tabs = [fox.tab(url) for _ in range(2)]

    def both(condition: str) -> None:
        for tab in tabs:
            until(lambda tab=tab: fox.evaluate(tab, condition))

    both("Boolean(window.inboxes?.[0]?.connected)")
    assert [fox.evaluate(tab, "inboxes[0].sharing") for tab in tabs] == [way] * 2
    ada.send("Live")
    both("inboxes[0].items.length === 1 && inboxes[0].counts.unread === 1")
    fox.evaluate(tabs[1], READ)
    both("inboxes[0].items[0].status === 'read' && inboxes[0].counts.unread === 0")
    late = fox.tab(url)  # by then the service knows
    until(lambda: fox.evaluate(late, "inboxes?.[0]?.items[0]?.status === 'read'"))
