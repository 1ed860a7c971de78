"""Charts in a browser: the numbers of a point by pointer and by keyboard, ranges, narrow pages."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from notifier_client import Contact, NotifierClient
from tests.support.waiting import until

PAGE = "delivery/notification/charts/"
LABEL = "Messages that providers took, by channel"


@pytest.fixture
def sent(client: NotifierClient) -> None:
    client.upsert_recipient("charted", contacts=[Contact("email", "charted@example.com")])
    for channel, priority in (("email", "high"), ("inbox", "normal")):
        posted = client.notify_users(
            ["charted"], channels=[channel], body="Hello", priority=priority
        )
        client.wait(posted.id)


@pytest.fixture
def chart(admin: Page, sent: None) -> Locator:
    """The slider of the chart of what providers took, once some of it is on record."""

    def shown() -> bool:
        admin.goto(PAGE)
        return admin.get_by_role("slider", name=LABEL).count() > 0

    until(shown)
    return admin.get_by_role("slider", name=LABEL)


def rows_of(chart: Locator) -> list[list[str]]:
    """The table below a chart, without its headers."""
    return chart.evaluate(
        """(area) => [...area.closest("figure").querySelectorAll("tbody tr")]
            .map((row) => [...row.cells].map((cell) => cell.textContent))"""
    )


def test_the_pointer_shows_the_numbers_of_a_point(admin: Page, chart: Locator):
    card = chart.locator(".n-plot-card")
    expect(card).to_be_hidden()
    rows, box = rows_of(chart), chart.bounding_box()
    assert box is not None
    headers = chart.evaluate(
        """(area) => [...area.closest("figure").querySelectorAll("thead th")]
            .map((cell) => cell.textContent)"""
    )
    for place in (0, 17, len(rows) - 1):
        x = box["x"] + box["width"] * (place + 0.5) / len(rows)
        admin.mouse.move(x, box["y"] + box["height"] / 2)
        expect(card).to_be_visible()
        said = card.inner_text()
        assert rows[place][0] in said
        for name, cell in zip(headers[1:], rows[place][1:], strict=True):
            assert not cell or f"{name}: {cell}" in said
        drawn = card.bounding_box()
        assert drawn and box["x"] <= drawn["x"]
        assert drawn["x"] + drawn["width"] <= box["x"] + box["width"]
    admin.mouse.move(0, 0)
    expect(card).to_be_hidden()


def test_the_keyboard_goes_from_point_to_point_and_says_it(admin: Page, chart: Locator):
    card, rows = chart.locator(".n-plot-card"), rows_of(chart)
    last = len(rows) - 1
    chart.focus()
    expect(card).to_be_visible()
    steps = {
        "End": last,
        "ArrowLeft": last - 1,
        "PageDown": last - 11,
        "ArrowUp": last - 10,
        "PageUp": last,
        "ArrowRight": last,
        "Home": 0,
        "ArrowDown": 0,
    }
    for key, place in steps.items():
        admin.keyboard.press(key)
        expect(chart).to_have_attribute("aria-valuenow", str(place))
        assert rows[place][0] in card.inner_text()
        said = chart.get_attribute("aria-valuetext") or ""
        assert said.startswith(f"{rows[place][0]}: ")
        assert rows[place][1] in said
    admin.keyboard.press("Tab")
    expect(card).to_be_hidden()


def test_tab_reaches_a_chart_and_its_table_opens(admin: Page, chart: Locator):
    for _ in range(200):
        admin.keyboard.press("Tab")
        if chart.evaluate("(area) => area === document.activeElement"):
            break
    else:
        raise AssertionError("Tab does not reach the chart")
    admin.keyboard.press("Tab")
    admin.keyboard.press("Enter")
    table = chart.locator("xpath=ancestor::figure").get_by_role("table", name=LABEL)
    expect(table).to_be_visible()
    expect(table.get_by_role("row")).to_have_count(61)


def test_a_range_is_chosen_by_a_link_and_kept_in_the_address(admin: Page, chart: Locator):
    admin.get_by_role("navigation", name="Range").get_by_role("link", name="1 week").click()
    admin.wait_for_url(re.compile(r"\?range=week$"))
    chosen = admin.get_by_role("navigation", name="Range").locator("[aria-current=page]")
    expect(chosen).to_have_text("1 week")
    expect(admin.get_by_role("slider", name=LABEL)).to_have_attribute("aria-valuemax", "167")
    admin.locator("#content").get_by_role("link", name="sendgrid").first.click()
    admin.wait_for_url(re.compile(r"/charts/sendgrid/\?range=week$"))
    expect(admin.get_by_role("slider", name="Duration of calls of sendgrid")).to_be_visible()


def test_labels_stay_apart_on_a_narrow_page(admin: Page, chart: Locator):
    admin.set_viewport_size({"width": 390, "height": 900})
    for name in ("hour", "6-hours", "day", "week", "month"):
        admin.goto(f"{PAGE}?range={name}")
        overlaps = admin.evaluate(
            """() => [...document.querySelectorAll(".n-plot-times, .n-plot-heights")]
              .flatMap((labels) => {
                const boxes = [...labels.children].map((one) => one.getBoundingClientRect())
                  .filter((box) => box.width);
                return boxes.filter((box, place) => boxes.slice(place + 1).some((other) =>
                  box.left < other.right && other.left < box.right &&
                  box.top < other.bottom && other.top < box.bottom));
              }).length"""
        )
        assert overlaps == 0, name
