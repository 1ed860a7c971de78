"""The page ``/bell`` as somebody meets it: with a wrong clock, or on a fresh service."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, expect

from stack.whole_service import Stage
from tests.browser.conftest import APP
from tests.support.publishers.bell_tabs import Person

pytestmark = pytest.mark.usefixtures("inbox_library")


@pytest.mark.parametrize("days", [-30, 30])
def test_a_wrong_clock_of_the_device_loses_nothing(
    ada: Person, mine: BrowserContext, days: int
) -> None:
    ada.send("One")
    mine.clock.set_system_time(datetime.now(UTC) + timedelta(days=days))
    tab = ada.tab(mine)
    tab.wait_for(1)
    ada.send("Two")
    tab.wait_for(2)
    expect(tab.rows.locator("time").first).to_contain_text(re.compile("second|now"))
    tab.page.get_by_role("button", name="Snooze: One").click()
    tab.page.get_by_role("button", name="In an hour").click()
    with ada.browser() as phone:
        ada.tab(phone).wait_for(1)


def test_pages_of_the_sandbox_and_of_the_origins_that_were_named_may_read_inboxes(
    ada: Person, mine: BrowserContext, service: Stage
) -> None:
    for origin in (service.sandbox["control_url"], APP):
        answer = mine.request.get(f"{service.api_url}/v1/inbox", headers={"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin


def test_one_click_sends_to_somebody_whom_nobody_has_registered(
    mine: BrowserContext, service: Stage
) -> None:
    page = mine.new_page()
    page.goto(f"{service.sandbox['control_url']}/bell?user=nobody-yet")
    page.get_by_label("shown as").select_option("inbox")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("notifier-inbox li")).to_contain_text("Your statement is here")
    expect(page.get_by_text("Sent.")).to_be_visible()


def test_an_element_is_defined_alone(mine: BrowserContext, service: Stage) -> None:
    defined = """async (file) => {
      await import(`/bell/${file}.js`);
      const names = ["bell", "inbox", "preferences", "toasts"];
      return names.filter((name) => customElements.get(`notifier-${name}`));
    }"""
    for file, names in {
        "bell": ["bell", "inbox"],
        "inbox": ["inbox"],
        "preferences": ["preferences"],
        "toasts": ["toasts"],
    }.items():
        page = mine.new_page()
        page.goto(service.sandbox["control_url"])
        assert page.evaluate(defined, file) == names
