"""What pops up beside the inbox: over reloads, after a snooze, and one after the other."""

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.publishers.bell_tabs import Person, Tab

pytestmark = pytest.mark.usefixtures("inbox_library")


def hide_list(tab: Tab) -> None:
    """Take the list out of the page, where it would be seen."""
    tab.page.evaluate("document.querySelector('.person > notifier-inbox').remove()")


@pytest.mark.parametrize("way", ["worker", "none"])
@pytest.mark.parametrize("kind", ["banner_nondismiss", "page", "popup"])
def test_what_waits_for_an_answer_comes_again_after_a_reload(
    ada: Person, mine: BrowserContext, kind: str, way: str
) -> None:
    tab = ada.tab(mine, sharing=way)
    hide_list(tab)
    ada.send("Answer me", display_type=kind)
    role = "region" if kind == "banner_nondismiss" else "dialog"
    shown = tab.page.locator("notifier-toasts").get_by_role(role, name="Answer me")
    expect(shown).to_be_visible()
    tab.again()
    expect(shown).to_be_visible()
    if role == "dialog":
        shown.get_by_role("button").click()
    else:
        tab.mark("read")
    expect(shown).to_have_count(0)
    tab.wait("!Object.keys(localStorage).some((one) => one.includes('mark/'))")  # it is sent
    tab.again()
    tab.wait_for(1)
    tab.page.wait_for_timeout(500)
    expect(shown).to_have_count(0)


def test_a_banner_that_can_be_closed_is_shown_once(ada: Person, mine: BrowserContext) -> None:
    tab = ada.tab(mine)
    hide_list(tab)
    ada.send("Once", display_type="banner_dismiss")
    banner = tab.page.locator("notifier-toasts").get_by_role("region", name="Once")
    expect(banner).to_be_visible()
    tab.again()
    tab.wait_for(1)
    tab.page.wait_for_timeout(500)
    expect(banner).to_have_count(0)


@pytest.mark.parametrize("locks", [True, False])
@pytest.mark.parametrize("kind", ["banner_dismiss", "popup"])
def test_what_was_snoozed_pops_up_again_after_a_reload(
    ada: Person, mine: BrowserContext, kind: str, locks: bool
) -> None:
    if not locks:
        mine.add_init_script("delete window.SharedWorker; delete Navigator.prototype.locks")
    tab = ada.tab(mine)
    assert tab.way == ("worker" if locks else "none")
    role = "region" if kind == "banner_dismiss" else "dialog"
    shown = tab.page.locator("notifier-toasts").get_by_role(role, name="Later")
    ada.send("Later", display_type=kind)
    expect(shown).to_be_visible()
    tab.again()
    tab.wait_for(1)
    tab.page.evaluate(
        """() => {
          const [{id}] = inboxes[0].items;
          void inboxes[0].mark("snoozed", id, new Date(Date.now() + 5000));
        }"""
    )
    expect(shown).to_have_count(0)
    tab.again()
    expect(shown).to_be_visible()
    tab.page.wait_for_timeout(1000)
    expect(shown).to_be_visible()  # whatever else is told meanwhile


#: Presses the answer, a link and Escape at the very moment at which a dialog opens.
HASTY = """() => {
  const show = HTMLDialogElement.prototype.showModal;
  HTMLDialogElement.prototype.showModal = function () {
    show.call(this);
    for (const one of this.querySelectorAll("a, button")) one.click();
    this.requestClose?.();
  };
}"""


@pytest.mark.parametrize("kind", ["page", "popup"])
def test_what_somebody_types_answers_no_dialog_that_opens_meanwhile(
    ada: Person, mine: BrowserContext, kind: str
) -> None:
    tab = ada.tab(mine)
    hide_list(tab)
    url = tab.page.url
    tab.page.evaluate(HASTY)
    send = tab.page.get_by_role("button", name="Send")
    send.focus()
    ada.send("Read me first", display_type=kind, actions={"Leave": "https://example.com/"})
    dialog = tab.page.locator("notifier-toasts").get_by_role("dialog", name="Read me first")
    expect(dialog).to_be_visible()
    expect(dialog).to_be_focused()
    for key in ("Space", "Enter"):
        tab.page.keyboard.press(key)
    answer = dialog.get_by_role("button")
    expect(answer).to_be_enabled()
    expect(dialog).to_be_visible()
    assert (tab.page.url, tab.state[0][0][1]) == (url, "unread")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Tab")
    expect(answer).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(send).to_be_focused()


def test_a_pop_up_is_not_closed_by_the_one_before_it(ada: Person, mine: BrowserContext) -> None:
    # Without locks nothing lies between the end of the first and the second.
    mine.add_init_script("delete window.SharedWorker; delete Navigator.prototype.locks")
    tab = ada.tab(mine)
    hide_list(tab)
    dialog = tab.page.locator("notifier-toasts").get_by_role("dialog")
    ada.send("First", display_type="popup")
    expect(dialog).to_have_accessible_name("First")
    tab.hide()
    ada.send("Second", display_type="popup")
    tab.wait_for(2)
    tab.page.evaluate(
        """() => {
          void inboxes[0].mark("read", inboxes[0].items[1].id);
          delete document.hidden;
          delete document.visibilityState;
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    expect(dialog).to_have_accessible_name("Second")
    tab.page.wait_for_timeout(500)
    expect(dialog).to_be_visible()
    tab.wait("inboxes[0].counts.unseen === 1")
