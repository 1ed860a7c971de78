"""The admin in a browser: what operators do there."""

from playwright.sync_api import Page, expect

from stack.stage import Stage
from stack.state import State


def test_an_operator_logs_in_with_a_password(service: Stage, state: State, session, page: Page):
    page.goto(f"{service.api_url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("guess")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(state.secret("admin"))
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("h1")).to_have_text("Operations")
