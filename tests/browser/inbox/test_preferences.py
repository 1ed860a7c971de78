"""``<notifier-preferences>`` in Chromium, on a running service: what people choose, arrives."""

from collections.abc import Iterator
from itertools import product

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from notifier_client import Contact, NotifierClient, Preference, QuietWindow
from stack.whole_service import Stage
from tests.support.publishers.bell_tabs import Person, Tab
from tests.support.waiting import until

#: Presses of Tab on the whole page, at most.
LONGEST_WALK = 200
ALL_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

pytestmark = pytest.mark.usefixtures("inbox_library")


class Chooser(Person):
    """Somebody with an address on two channels, who is subscribed to a topic of their own."""

    def __init__(self, client: NotifierClient, service: Stage, browser: Browser, name: str) -> None:
        super().__init__(client, service, browser, name)
        self.client = client
        self.topic = f"orders-of-{name}"
        number = f"+1202555{abs(hash(name)) % 10**4:04}"
        contacts = [Contact("email", f"{name}@example.com"), Contact("sms", number)]
        client.upsert_recipient(name, time_zone="Europe/Vienna", locale="en", contacts=contacts)
        client.create_topic(self.topic, display_name="Your orders")
        client.subscribe(self.topic, user_id=name, channels=["email", "inbox"])

    @property
    def preferences(self) -> set[Preference]:
        return set(self.client.get_preferences(self.name))

    def page(self, context: BrowserContext) -> Tab:
        """Open a tab that shows what they get."""
        tab = self.tab(context)
        tab.page.get_by_text("What I get").click()
        expect(shown(tab).get_by_role("heading", name="What you get from us")).to_be_visible()
        return tab


def shown(tab: Tab) -> Locator:
    return tab.page.locator("notifier-preferences")


def box(tab: Tab, group: str, name: str) -> Locator:
    found = shown(tab).get_by_role("group", name=group, exact=True)
    return found.get_by_role("checkbox", name=name)


def saved(tab: Tab) -> None:
    expect(shown(tab).get_by_role("status")).to_have_text("Saved.")


@pytest.fixture(scope="module", autouse=True)
def catalogue(client: NotifierClient) -> None:
    client.put_category(
        "bell-offers",
        kind="promotional",
        display_name={"en": "Offers of the bell", "de": "Angebote der Glocke"},
        description={"en": "At most three a week."},
        defaults={"sms": False},
    )
    client.put_category("bell-alarms", kind="critical", display_name={"en": "Alarms of the bell"})


@pytest.fixture
def ada(
    client: NotifierClient, service: Stage, browser: Browser, request: pytest.FixtureRequest
) -> Chooser:
    return Chooser(client, service, browser, f"ida-{abs(hash(request.node.nodeid)) % 10**9}")


@pytest.fixture
def mine(ada: Chooser) -> Iterator[BrowserContext]:
    with ada.browser() as context:
        yield context


def test_what_somebody_ticks_arrives_and_is_said(ada: Chooser, mine: BrowserContext) -> None:
    tab = ada.page(mine)
    email, sms = (box(tab, "Offers of the bell", one) for one in ("Email", "Text message"))
    expect(email).to_be_checked()
    expect(sms).not_to_be_checked()
    email.uncheck()
    saved(tab)
    sms.check()
    box(tab, "Your orders", "In the app").uncheck()
    wanted = {
        Preference(False, "email", category="bell-offers"),
        Preference(True, "sms", category="bell-offers"),
        Preference(False, "inbox", topic=ada.topic),
    }
    until(lambda: ada.preferences == wanted)
    tab.page.reload()
    tab.page.get_by_text("What I get").click()
    expect(email).not_to_be_checked()
    expect(sms).to_be_checked()
    assert tab.errors == []


def test_what_is_critical_has_no_box(ada: Chooser, mine: BrowserContext) -> None:
    tab = ada.page(mine)
    critical = shown(tab).get_by_role("group", name="Alarms of the bell")
    expect(critical).to_contain_text("Always sent")
    expect(critical.get_by_role("checkbox")).to_have_count(0)


def test_what_the_server_refuses_is_taken_back_and_said(ada: Chooser, mine: BrowserContext) -> None:
    tab = ada.page(mine)
    orders = box(tab, "Your orders", "Email")
    expect(orders).to_be_checked()
    ada.client.delete_topic(ada.topic)
    orders.click()
    alert = shown(tab).get_by_role("alert")
    expect(alert).to_contain_text("That was not saved")
    expect(alert).to_contain_text("There is no topic")
    expect(orders).to_have_count(0)  # it was read again
    alert.get_by_role("button", name="Close").click()
    expect(alert).to_be_empty()
    assert ada.preferences == set()


def test_without_a_network_a_change_is_taken_back_and_tried_again(
    ada: Chooser, mine: BrowserContext
) -> None:
    tab = ada.page(mine)
    email = box(tab, "Offers of the bell", "Email")
    mine.set_offline(True)
    email.click()
    alert = shown(tab).get_by_role("alert")
    expect(alert).to_contain_text("That was not saved")
    expect(email).to_be_checked()
    mine.set_offline(False)
    alert.get_by_role("button", name="Try again").click()
    saved(tab)
    expect(alert).to_be_empty()
    expect(email).not_to_be_checked()
    assert ada.preferences == {Preference(False, "email", category="bell-offers")}


def test_another_tab_shows_the_same_when_it_comes_back(ada: Chooser, mine: BrowserContext) -> None:
    first, second = ada.page(mine), ada.page(mine)
    first.hide()
    box(second, "Offers of the bell", "Email").uncheck()
    saved(second)
    expect(box(first, "Offers of the bell", "Email")).to_be_checked()
    first.hide(False)
    expect(box(first, "Offers of the bell", "Email")).not_to_be_checked()


def test_quiet_hours_are_turned_on_changed_and_removed(ada: Chooser, mine: BrowserContext) -> None:
    tab = ada.page(mine)
    on = shown(tab).get_by_role("checkbox", name="Have quiet hours")
    on.check()
    saved(tab)
    windows = ada.client.get_quiet_hours(ada.name).windows
    assert [(one.begins, one.ends) for one in windows] == [("22:00", "07:00")]
    days = "Days on which they begin"
    box(tab, days, "Sunday").uncheck()
    shown(tab).get_by_label("Until").fill("08:30")
    box(tab, "Where nothing disturbs you", "Email").check()
    expect(shown(tab).get_by_text("Not saved yet.")).to_be_visible()
    shown(tab).get_by_role("button", name="Save quiet hours").click()
    expect(shown(tab).get_by_text("Not saved yet.")).to_be_hidden()
    wanted = [QuietWindow(ALL_DAYS[:-1], "22:00", "08:30")]
    until(lambda: list(ada.client.get_quiet_hours(ada.name).windows) == wanted)
    assert "email" in ada.client.get_quiet_hours(ada.name).channels
    on.uncheck()
    until(lambda: not ada.client.get_quiet_hours(ada.name).windows)
    shown(tab).get_by_role("button", name="Use those for everybody").click()
    until(lambda: ada.client.get_quiet_hours(ada.name).source == "company")


def test_times_that_are_the_same_are_not_sent(ada: Chooser, mine: BrowserContext) -> None:
    nights = [QuietWindow(["mon"], "22:00", "07:00")]
    ada.client.set_quiet_hours(ada.name, nights)
    tab = ada.page(mine)
    shown(tab).get_by_label("Until").fill("22:00")
    shown(tab).get_by_role("button", name="Save quiet hours").click()
    expect(shown(tab).get_by_role("alert")).to_contain_text(["two times that differ"])
    expect(shown(tab).get_by_label("From")).to_be_focused()
    assert [one.ends for one in ada.client.get_quiet_hours(ada.name).windows] == ["07:00"]


def test_language_and_zone_arrive_and_names_are_in_that_language(
    ada: Chooser, mine: BrowserContext
) -> None:
    tab = ada.page(mine)
    shown(tab).get_by_label("Language").select_option(label="Deutsch")
    expect(shown(tab).get_by_role("group", name="Angebote der Glocke")).to_be_visible()
    shown(tab).get_by_label("Time zone").select_option("Asia/Tokyo")
    until(lambda: ada.client.get_recipient(ada.name).time_zone == "Asia/Tokyo")
    assert ada.client.get_recipient(ada.name).locale == "de"


def test_how_often_a_kind_comes_arrives(ada: Chooser, mine: BrowserContext) -> None:
    tab = ada.page(mine)
    offers = shown(tab).get_by_role("group", name="Offers of the bell")
    offers.get_by_label("How often").select_option("weekly")
    shown(tab).get_by_label("How often, where nothing").select_option("daily")

    def chosen() -> set[tuple[str | None, str]]:
        digests = ada.client.get_recipient(ada.name).digests
        return {(one.category, one.cadence) for one in digests}

    until(lambda: chosen() == {("bell-offers", "weekly"), (None, "daily")})
    offers.get_by_label("How often").select_option("")
    until(lambda: chosen() == {(None, "daily")})


def test_leaving_everything_is_asked_and_done(ada: Chooser, mine: BrowserContext) -> None:
    tab = ada.page(mine)
    box(tab, "Offers of the bell", "Text message").check()
    saved(tab)
    leave = shown(tab).get_by_role("button", name="Leave everything that can be left")
    leave.click()
    shown(tab).get_by_role("button", name="Cancel").click()
    expect(leave).to_be_focused()
    leave.click()
    shown(tab).get_by_role("button", name="Yes, leave everything").click()
    until(lambda: ada.preferences == {Preference(False)})
    for group, name in product(("Offers of the bell", "Your orders"), ("Email", "In the app")):
        expect(box(tab, group, name)).not_to_be_checked()


def test_signing_out_leaves_nothing_on_the_page(ada: Chooser, mine: BrowserContext) -> None:
    tab = ada.page(mine)
    tab.page.get_by_role("button", name="Sign out").click()
    expect(shown(tab).get_by_role("heading")).to_have_count(0)
    expect(shown(tab).get_by_role("checkbox")).to_have_count(0)


def test_an_element_that_left_the_page_sends_what_was_chosen_and_keeps_nothing(
    ada: Chooser, mine: BrowserContext
) -> None:
    tab = ada.page(mine)
    box(tab, "Offers of the bell", "Email").uncheck()
    box(tab, "Offers of the bell", "In the app").uncheck()
    tab.page.evaluate(
        """() => {
          window.gone = document.querySelector("notifier-preferences");
          window.place = gone.parentElement;
          gone.remove();
        }"""
    )
    until(lambda: len(ada.preferences) == 2)
    tab.wait("!gone.shadowRoot.querySelector('input')")
    tab.page.evaluate("place.append(gone)")
    expect(box(tab, "Offers of the bell", "In the app")).not_to_be_checked()


WHERE = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  return [at.dataset.key ?? "", outlineStyle !== "none" && parseFloat(outlineWidth) > 0];
}"""


def test_the_keyboard_reaches_and_changes_everything(ada: Chooser, mine: BrowserContext) -> None:
    ada.client.set_quiet_hours(ada.name, [QuietWindow(["mon"], "22:00", "07:00")])
    tab = ada.page(mine)
    keys = shown(tab).evaluate(
        "(one) => [...one.shadowRoot.querySelectorAll('[data-key]')].map((at) => at.dataset.key)"
    )
    press = tab.page.keyboard.press
    tab.page.get_by_text("What I get").focus()
    reached: dict[str, bool] = {}
    for _ in range(LONGEST_WALK):
        press("Tab")
        key, outlined = tab.page.evaluate(WHERE)
        if reached and not key:
            break
        reached.setdefault(key, outlined)
        if key == "categories bell-offers email":
            press("Space")
            saved(tab)
            assert tab.page.evaluate(WHERE)[0] == key, "the focus has gone"
        if key == "quiet 0 sun":
            press("Space")
        if key == "quiet save":
            press("Enter")
    assert list(reached) == keys
    assert all(reached.values())
    until(lambda: Preference(False, "email", category="bell-offers") in ada.preferences)
    days = {"mon", "sun"}
    until(lambda: set(ada.client.get_quiet_hours(ada.name).windows[0].days) == days)


@pytest.mark.parametrize(("scheme", "width"), product(["light", "dark"], [1440, 390]))
def test_it_is_easily_read(ada: Chooser, scheme: str, width: int) -> None:
    ada.client.set_quiet_hours(ada.name, [QuietWindow(["mon"], "22:00", "07:00")])
    viewport = {"width": width, "height": 900}
    with ada.browser(color_scheme=scheme, viewport=viewport) as context:
        tab = ada.page(context)
        assert tab.complaints() == []
        context.set_offline(True)
        box(tab, "Offers of the bell", "Email").click()
        expect(shown(tab).get_by_role("alert")).to_contain_text(["That was not saved"])
        shown(tab).get_by_role("button", name="Leave everything that can be left").click()
        assert tab.complaints() == []
        context.set_offline(False)
        shown(tab).get_by_role("button", name="Try again").click()
        saved(tab)
        assert tab.complaints() == []


def test_it_turns_around_where_one_reads_from_right_to_left(
    ada: Chooser, mine: BrowserContext
) -> None:
    tab = ada.page(mine)
    tab.page.evaluate("document.documentElement.dir = 'rtl'")
    group = shown(tab).get_by_role("group", name="Offers of the bell")
    inside, around = box(tab, "Offers of the bell", "Email").bounding_box(), group.bounding_box()
    assert inside and around
    assert inside["x"] > around["x"] + around["width"] / 2
    assert [one for one in tab.complaints() if "too wide" in one] == []


def test_its_words_can_be_others(ada: Chooser, mine: BrowserContext) -> None:
    tab = ada.page(mine)
    shown(tab).evaluate(
        "(one) => { one.lang = 'de'; one.messages = {preferences: 'Was Sie bekommen'}; }"
    )
    expect(shown(tab).get_by_role("heading", name="Was Sie bekommen")).to_be_visible()
    shown(tab).get_by_role("checkbox", name="Have quiet hours").check()
    expect(shown(tab).get_by_role("checkbox", name="Montag")).to_be_checked()
