"""The browser's library of the inbox, on a running service: several tabs, people and networks."""

import signal
from itertools import product

import pytest
from playwright.sync_api import BrowserContext, expect

from notifier_client import NotifierClient
from stack.whole_service import Stage
from tests.support.publishers.bell_tabs import Person, equal
from tests.support.waiting import until

WAYS = ("worker", "leader", "none")
#: Items of one page, as the library asks for them.
PAGE = 20

pytestmark = pytest.mark.usefixtures("inbox_library")


@pytest.mark.parametrize("way", WAYS)
def test_tabs_and_another_browser_stay_equal(ada: Person, mine: BrowserContext, way: str) -> None:
    tabs = [ada.tab(mine, sharing=way) for _ in range(3)]
    assert [tab.way for tab in tabs] == [way] * 3
    with ada.browser() as phone:
        tabs.append(ada.tab(phone, sharing=way))
        ada.send("One", "Two", "Three")
        for tab in tabs:
            tab.wait_for(3)
        one, two, three = tabs[0].ids()[::-1]
        tabs[0].mark("read", one)
        tabs[1].mark("deleted", two)
        tabs[3].mark("archived", three)
        for tab in tabs:
            tab.wait("inboxes[0].counts.unread === 0 && inboxes[0].items.length === 1")
        equal(tabs)
        tabs[2].mark("unread", one)
        for tab in tabs:
            tab.wait("inboxes[0].counts.unread === 1")
        equal(tabs)
    assert [tab.errors for tab in tabs] == [[]] * 4


def test_three_tabs_have_one_connection(
    ada: Person, mine: BrowserContext, service: Stage, client: NotifierClient
) -> None:
    for way in ("worker", "leader"):
        before = connections(service, mine)
        tabs = [ada.tab(mine, sharing=way) for _ in range(3)]
        assert connections(service, mine) - before == 1, way
        for tab in tabs:
            tab.page.close()
        until(lambda before=before: connections(service, mine) == before)


def connections(service: Stage, context: BrowserContext) -> int:
    answer = context.request.get(f"{service.stream_url}/readyz")
    return int(answer.json()["connections"])


@pytest.mark.parametrize("way", ["worker", "leader"])
def test_when_the_tab_that_was_first_closes_the_others_go_on(
    ada: Person, mine: BrowserContext, way: str
) -> None:
    first, second, third = (ada.tab(mine, sharing=way) for _ in range(3))
    ada.send("Before")
    for tab in (first, second, third):
        tab.wait_for(1)
    first.page.close()
    ada.send("After")
    for tab in (second, third):
        tab.wait_for(2)
    equal([second, third])


def test_a_browser_without_the_worker_elects_a_leader(ada: Person, mine: BrowserContext) -> None:
    mine.add_init_script("delete window.SharedWorker")
    assert [ada.tab(mine).way for _ in range(2)] == ["leader"] * 2


def test_nothing_is_missed_while_the_stream_restarts(
    ada: Person, mine: BrowserContext, service: Stage
) -> None:
    tabs = [ada.tab(mine), ada.tab(mine, sharing="leader")]
    service.processes.kill("stream", signal.SIGKILL)
    for tab in tabs:
        tab.wait("!inboxes[0].connected")
    ada.send("Meanwhile")
    service.processes.restart("stream")
    for tab in tabs:
        tab.wait_for(1)
    equal(tabs)


def test_marks_made_offline_are_shown_kept_and_sent(ada: Person, mine: BrowserContext) -> None:
    tab = ada.tab(mine, sharing="none")
    ada.send("One", "Two", "Three")
    tab.wait_for(3)
    three, two, one = tab.ids()
    mine.set_offline(True)
    tab.wait("!inboxes[0].connected")
    tab.mark("read", one)
    tab.mark("deleted", two)
    tab.mark("archived", three)
    assert tab.ids() == [one]
    mine.set_offline(False)
    with ada.browser() as phone:
        other = ada.tab(phone)
        other.wait("inboxes[0].items.length === 1 && inboxes[0].counts.unread === 0")
        tab.wait("inboxes[0].connected")
        equal([tab, other])
    assert (
        tab.page.evaluate("Object.keys(localStorage).filter((one) => one.includes('mark/'))") == []
    )


def test_a_reload_loses_no_mark(ada: Person, mine: BrowserContext) -> None:
    tab = ada.tab(mine)
    ada.send("One")
    tab.wait_for(1)
    mine.route("**/v1/inbox/status", lambda route: route.abort())
    tab.mark("read", tab.ids())
    tab.page.close()
    mine.unroute("**/v1/inbox/status")
    ada.tab(mine).wait("inboxes[0].items[0]?.status === 'read'")
    with ada.browser() as phone:
        ada.tab(phone).wait("inboxes[0].items[0]?.status === 'read'")


def test_what_the_server_refuses_is_taken_back_and_said(ada: Person, mine: BrowserContext) -> None:
    tab = ada.tab(mine)
    ada.send("One")
    tab.wait_for(1)
    tab.page.evaluate("void inboxes[0].mark('snoozed', inboxes[0].items[0].id, new Date(1))")
    tab.wait("told.some(([name]) => name === 'rolledback')")
    assert tab.state[0] == [[tab.ids()[0], "unread"]]
    expect(tab.page.get_by_text("That did not work, and was taken back.")).to_be_visible()


@pytest.mark.parametrize("way", WAYS)
def test_signing_out_in_one_tab_ends_all_of_that_person(
    ada: Person, bo: Person, mine: BrowserContext, way: str
) -> None:
    tabs = [ada.tab(mine, sharing=way) for _ in range(2)]
    ada.send("Hers", display_type="banner_dismiss")
    for tab in tabs:
        tab.wait_for(1)
    other = bo.tab(mine, sharing=way)
    bo.send("His")
    other.wait_for(1)
    tabs[0].page.get_by_role("button", name="Sign out").click()
    for tab in tabs:
        tab.wait("told.some(([name]) => name === 'signedout')")
        assert tab.state == [[], {"unread": 0, "unseen": 0}]
        expect(tab.rows).to_have_count(0)
        expect(tab.page.locator("notifier-toasts .banner")).to_have_count(0)
    assert tabs[0].page.evaluate("Object.keys(localStorage)") == [
        key for key in tabs[0].page.evaluate("Object.keys(localStorage)") if bo.name in key
    ]
    bo.send("His, too")
    other.wait_for(2)


def test_an_item_pops_up_in_one_tab_and_once(ada: Person, mine: BrowserContext) -> None:
    tabs = [ada.tab(mine) for _ in range(3)]
    ada.send("Look", display_type="banner_dismiss")
    for tab in tabs:
        tab.wait_for(1)
    until(lambda: any(tab.told("popup") for tab in tabs))
    tabs[0].page.wait_for_timeout(500)
    assert sorted(tab.told("popup") for tab in tabs) == [[], [], ["Look"]]


def test_a_hidden_page_pops_up_what_is_still_new_when_it_comes_back(
    ada: Person, mine: BrowserContext
) -> None:
    tab = ada.tab(mine)
    tab.page.get_by_role("button", name="Sign out").wait_for()
    tab.hide()
    ada.send("Read elsewhere", "Still new", display_type="banner_dismiss")
    tab.wait_for(2)
    with ada.browser() as phone:
        other = ada.tab(phone)
        other.wait_for(2)
        other.mark("read", other.ids()[1])
        tab.wait("inboxes[0].counts.unread === 1")  # the phone has sent it
    assert tab.told("popup") == []
    tab.hide(False)
    tab.wait("told.some(([name]) => name === 'popup')")
    tab.hide()
    tab.hide(False)
    tab.page.wait_for_timeout(500)
    assert tab.told("popup") == ["Still new"]


def test_many_items_are_counted_and_paged(ada: Person, mine: BrowserContext) -> None:
    ada.send(*(f"Item {number}" for number in range(60)))
    ada.tab(mine).wait("inboxes[0].counts.unread === 60")
    tab = ada.tab(mine)
    expect(tab.rows).to_have_count(PAGE)
    tab.page.get_by_role("button", name="Show more").click()
    expect(tab.rows).to_have_count(2 * PAGE)
    tab.page.get_by_role("button", name="Mark all as read").click()
    with ada.browser() as phone:
        ada.tab(phone).wait("inboxes[0].counts.unread === 0")


def test_the_list_does_what_its_buttons_say(ada: Person, mine: BrowserContext) -> None:
    tab = ada.tab(mine)
    ada.send("One", "Two", "Three")
    expect(tab.rows).to_have_count(3)
    press = lambda name: tab.page.get_by_role("button", name=name).click()  # noqa: E731
    press("Mark as read: One")
    expect(tab.page.get_by_role("button", name="Mark as unread: One")).to_be_visible()
    press("Archive: One")
    press("Snooze: Two")
    press("In an hour")
    press("Delete: Three")
    expect(tab.rows).to_have_count(0)
    press("Archived")
    expect(tab.rows).to_contain_text(["One"])
    press("Put back: One")
    press("Snoozed")
    expect(tab.rows).to_contain_text(["Two"])
    press("Inbox")
    expect(tab.rows).to_contain_text(["One"])


def test_the_keyboard_opens_reads_and_closes(ada: Person, mine: BrowserContext) -> None:
    ada.send("One", "Two")
    tab = ada.tab(mine)
    bell = tab.page.get_by_role("button", name="Notifications")
    bell.focus()
    tab.page.keyboard.press("Enter")
    panel = tab.page.get_by_role("dialog", name="Notifications")
    expect(panel.locator("li")).to_have_count(2)
    archive = panel.get_by_role("button", name="Archive: Two")
    archive.focus()
    tab.page.keyboard.press("Enter")
    expect(panel.locator("li")).to_have_count(1)
    expect(panel.get_by_role("button", name="Archive: One")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(bell).to_be_focused()


def test_what_is_on_the_screen_is_seen_and_leaves_the_badge(
    ada: Person, mine: BrowserContext
) -> None:
    tab = ada.tab(mine)
    tab.hide()
    ada.send("One", "Two")
    expect(tab.badge).to_have_text("2")
    tab.hide(False)
    expect(tab.badge).to_be_hidden()
    tab.wait("inboxes[0].counts.unseen === 0 && inboxes[0].counts.unread === 2")


def test_a_burst_is_told_once(ada: Person, mine: BrowserContext) -> None:
    ada.send("Before")
    tab = ada.tab(mine)
    tab.wait_for(1)
    region = tab.page.locator("body > [role=status]")
    expect(region).to_be_empty()
    tab.listen()
    tab.hide()
    ada.send("One", "Two", "Three")
    tab.wait_for(4)
    tab.hide(False)
    ada.send("Four")
    tab.wait("said.length")
    tab.page.wait_for_timeout(1500)
    assert len(tab.page.evaluate("said")) == 1


def test_the_first_item_of_an_empty_inbox_is_told(ada: Person, mine: BrowserContext) -> None:
    tab = ada.tab(mine)
    region = tab.page.locator("body > [role=status]")
    expect(region).to_be_empty()
    ada.send("First")
    expect(region).to_have_text("A new notification")


def test_each_display_type_is_shown_as_it_says(ada: Person, mine: BrowserContext) -> None:
    tab = ada.tab(mine)
    toasts = tab.page.locator("notifier-toasts")
    links = {"Read it": "https://bank.example.com/", "Open the app": "bank:cards/7"}
    ada.send("Dismiss", display_type="banner_dismiss", actions=links, severity="warning")
    banner = toasts.get_by_role("region", name="Dismiss")
    expect(banner.get_by_role("link")).to_have_text(["Read it"])
    toasts.get_by_role("button", name="Close: Dismiss").click()
    expect(banner).to_have_count(0)
    ada.send("Stays", display_type="banner_nondismiss")
    expect(toasts.get_by_role("region", name="Stays")).to_be_visible()
    expect(toasts.get_by_role("button")).to_have_count(0)
    tab.mark("read")
    expect(toasts.get_by_role("region", name="Stays")).to_have_count(0)
    ada.send("Pops", display_type="popup")
    expect(toasts.get_by_role("dialog", name="Pops").get_by_role("button")).to_be_enabled()
    tab.page.keyboard.press("Escape")
    expect(toasts.get_by_role("dialog")).to_have_count(0)
    ada.send("Asks", display_type="page")
    dialog = toasts.get_by_role("dialog", name="Asks")
    expect(dialog).to_be_visible()
    for _ in range(3):
        tab.page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_have_count(0)
    tab.wait("inboxes[0].items[0].status === 'acknowledged'")


def test_content_is_text(ada: Person, mine: BrowserContext) -> None:
    tab = ada.tab(mine)
    hostile = "<img src=x onerror=\"document.title='taken'\">"
    title = tab.page.title()
    ada.send(hostile, display_type="banner_dismiss", source=hostile)
    expect(tab.rows.locator(".title")).to_have_text(hostile)
    expect(tab.rows.locator("img")).to_have_count(0)
    assert tab.page.title() == title


@pytest.mark.parametrize(("scheme", "width"), product(["light", "dark"], [1440, 390]))
def test_it_is_easily_read(ada: Person, scheme: str, width: int) -> None:
    viewport = {"width": width, "height": 900}
    with ada.browser(color_scheme=scheme, viewport=viewport) as context:
        tab = ada.tab(context)
        for severity in ("info", "success", "warning", "error"):
            actions = {"Look": "https://bank.example.com/"}
            ada.send(severity, severity=severity, actions=actions, source="Cards")
        ada.send("Banner", display_type="banner_dismiss")
        tab.wait_for(5)
        tab.mark("read", tab.ids()[-1])
        assert tab.complaints() == []
        tab.page.get_by_role("button", name="Notifications").click()
        assert tab.complaints() == []
        ada.send("Popup", display_type="popup")
        expect(tab.page.get_by_role("dialog", name="Popup")).to_be_visible()
        assert tab.complaints() == []


STARTS = """(row) => {
  const text = row.querySelector(".title").getBoundingClientRect();
  const around = row.getBoundingClientRect();
  return row.isConnected && [text.left - around.left, around.right - text.right];
}"""


def test_it_turns_around_where_one_reads_from_right_to_left(
    ada: Person, mine: BrowserContext
) -> None:
    ada.send("One")
    tab = ada.tab(mine)
    row = tab.rows.first
    expect(row).to_be_visible()

    def starts() -> list[float]:
        # At once, and of a row that is there: it is drawn anew when it has been seen.
        return until(lambda: row.evaluate(STARTS))

    left, right = starts()
    tab.page.evaluate("document.documentElement.dir = 'rtl'")
    assert starts() == pytest.approx([right, left], abs=1)


def test_what_is_said_in_english_reads_from_left_to_right_in_any_page(
    ada: Person, mine: BrowserContext
) -> None:
    ada.send("One", source="Cards")
    tab = ada.tab(mine)
    tab.page.evaluate("document.documentElement.dir = 'rtl'")
    direction = "(one) => getComputedStyle(one).direction"
    time = tab.rows.first.locator("time")
    assert until(lambda: time.evaluate(direction)) == "ltr"  # or it is "second ago 1"


def test_a_title_is_read_in_its_own_direction_behind_a_severity_in_another(
    ada: Person, mine: BrowserContext
) -> None:
    ada.send("فشل الدفع", severity="error")
    tab = ada.tab(mine)
    title = tab.rows.first.locator(".title")
    expect(title).to_have_text("Error: فشل الدفع")
    assert until(lambda: title.evaluate("(one) => getComputedStyle(one).direction")) == "rtl"


def test_texts_and_times_are_in_the_persons_language(ada: Person, mine: BrowserContext) -> None:
    ada.send("Eins")
    tab = ada.tab(mine)
    tab.page.evaluate(
        """() => {
          document.documentElement.lang = "de";
          const list = document.querySelector(".person > notifier-inbox");
          list.messages = {readAll: "Alle gelesen"};
          list.client = inboxes[0];
        }"""
    )
    expect(tab.page.get_by_role("button", name="Alle gelesen")).to_be_visible()
    expect(tab.rows.locator("time")).to_contain_text("vor")
