"""Where the focus is, what was seen, and what a screen reader is told, while things change."""

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.publishers.bell_tabs import Person

#: Items of one page, as the library asks for them.
PAGE = 20
HOURS = 2 * 3_600_000
#: Open the bell, close it once its items have come into sight, and open it again.
BLINK = """async () => {
  const bell = document.querySelector("notifier-bell");
  bell.toggle();
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  bell.toggle();
  bell.toggle();
}"""

pytestmark = pytest.mark.usefixtures("inbox_library")


def test_show_more_keeps_the_focus_and_hands_it_on_with_the_last_page(
    ada: Person, mine: BrowserContext
) -> None:
    ada.send(*(f"Item {number}" for number in range(2 * PAGE + 2)))
    ada.tab(mine).wait(f"inboxes[0].counts.unread === {2 * PAGE + 2}")
    tab = ada.tab(mine)
    expect(tab.rows).to_have_count(PAGE)
    more = tab.page.get_by_role("button", name="Show more")
    more.focus()
    tab.page.keyboard.press("Enter")
    expect(tab.rows).to_have_count(2 * PAGE)
    expect(more).to_be_focused()
    ada.send("New")
    expect(tab.rows).to_have_count(2 * PAGE + 1)
    expect(more).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(tab.rows).to_have_count(2 * PAGE + 3)
    expect(more).to_be_hidden()
    expect(tab.rows.nth(2 * PAGE + 1).get_by_role("button").first).to_be_focused()


def test_a_link_keeps_the_focus_when_its_item_changes_and_time_goes_by(
    ada: Person, mine: BrowserContext
) -> None:
    mine.clock.install()
    tab = ada.tab(mine)
    ada.send("One", actions={"Look": "https://bank.example.com/"})
    link = tab.rows.get_by_role("link")
    link.focus()
    with ada.browser() as phone:
        other = ada.tab(phone)
        other.wait_for(1)
        other.mark("read")
    expect(tab.page.get_by_role("button", name="Mark as unread: One")).to_be_visible()
    expect(link).to_be_focused()
    mine.clock.fast_forward(HOURS)
    expect(tab.rows.locator("time")).to_contain_text("hour")
    expect(link).to_be_focused()


def test_a_banner_that_stays_says_how_old_it_is(ada: Person, mine: BrowserContext) -> None:
    mine.clock.install()
    tab = ada.tab(mine)
    ada.send("Stays", display_type="banner_nondismiss")
    time = tab.page.get_by_role("region", name="Stays").locator("time")
    expect(time).to_contain_text(re.compile("now|second|minute"))
    mine.clock.fast_forward(HOURS)
    expect(time).to_contain_text("hour")


def test_the_same_words_are_told_again(ada: Person, mine: BrowserContext) -> None:
    tab = ada.tab(mine)
    tab.listen()
    for count in (1, 2):
        ada.send("Another")
        tab.wait(f"said.length === {count}")
    assert tab.page.evaluate("said") == ["A new notification"] * 2


def test_what_came_while_the_page_was_hidden_is_told_when_it_is_back_if_nobody_read_it(
    ada: Person, mine: BrowserContext
) -> None:
    tab = ada.tab(mine)
    tab.listen()
    tab.hide()
    ada.send("One", "Two", "Three")
    tab.wait_for(3)
    with ada.browser() as phone:
        other = ada.tab(phone)
        other.wait_for(3)
        other.mark("read", other.ids()[0])
    tab.wait("inboxes[0].counts.unread === 2")
    tab.hide(False)
    tab.wait("said.length")
    assert tab.page.evaluate("said") == ["2 new notifications"]


def test_what_is_on_the_screen_is_seen_while_other_items_change_all_the_time(
    ada: Person, mine: BrowserContext
) -> None:
    tab = ada.tab(mine)
    tab.hide()
    ada.send("Changes", "Stays")
    tab.wait_for(2)
    mine.route("**/v1/inbox/status", lambda route: route.abort())
    tab.page.evaluate(
        """() => {
          const [, changes] = inboxes[0].items;
          let unread = false;
          setInterval(() => {
            void inboxes[0].mark(unread ? "unread" : "read", changes.id);
            unread = !unread;
          }, 100);
        }"""
    )
    tab.hide(False)
    tab.wait("inboxes[0].items[0].seen_at !== null")


def test_what_the_bell_shows_is_seen_although_it_was_closed_at_once_before(
    ada: Person, mine: BrowserContext
) -> None:
    tab = ada.tab(mine)
    # The page has a list of its own, which would have the item seen.
    tab.page.evaluate("document.querySelector('.person > notifier-inbox').remove()")
    ada.send("One")
    tab.wait_for(1)
    tab.page.evaluate(BLINK)
    tab.wait("inboxes[0].counts.unseen === 0")
