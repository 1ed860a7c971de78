"""The admin in a browser: what operators do there."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from notifier_client import Contact, NotifierClient
from sandbox.client import SandboxClient
from stack.state_directory import State
from stack.supervision.process import PATIENCE
from stack.whole_service import Stage


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


@pytest.fixture(autouse=True)
def providers_are_called(admin: Page, sandbox: SandboxClient) -> None:
    """Close the breakers that tests before have opened: this service is theirs, too.

    Again and again, since calls that began before may fail yet.
    """
    deadline = time.monotonic() + PATIENCE
    for provider in ("sendgrid", "smtp"):
        row = admin.get_by_role("row", name=f"{provider} email")
        while True:
            admin.goto("")
            found = row.inner_text()
            if "closed" in found:
                break
            assert time.monotonic() < deadline, found
            admin.once("dialog", lambda dialog: dialog.accept())
            row.get_by_role("button", name=f"Close {provider}").click()


def test_the_start_page_shows_what_goes_on(admin: Page, client: NotifierClient):
    client.upsert_recipient("starter", contacts=[Contact("email", "starter@example.com")])
    client.wait(client.notify_users(["starter"], body="Hello", channels=["email"]).id)
    admin.goto("")
    expect(admin.get_by_text("deliveries wait")).to_be_visible()
    expect(admin.get_by_role("slider", name="Attempts accepted, by channel")).to_be_visible()
    sendgrid = admin.get_by_role("row", name="sendgrid email")
    expect(sendgrid).to_contain_text("closed")
    admin.locator("nav a[href='/admin/delivery/delivery/']").click()
    expect(admin.locator("#result_list")).to_contain_text("s•••@example.com")


def test_a_dead_letter_is_redriven_and_arrives(
    admin: Page, client: NotifierClient, sandbox: SandboxClient
):
    client.upsert_recipient("redriven", contacts=[Contact("email", "redriven@example.com")])
    for provider in ("sendgrid", "smtp"):  # one alone, and the other would take it
        sandbox.behave(provider, "401")
    posted = client.notify_users(["redriven"], body="Hello", channels=["email"])
    client.wait(posted.id)
    sandbox.heal()
    admin.goto("delivery/deadletter/?reason=authentication")
    row = admin.get_by_role("row", name="redriven")
    row.get_by_role("checkbox").check()
    admin.on("dialog", lambda dialog: dialog.accept())
    admin.locator("select[name=action]").select_option("redrive")
    admin.get_by_role("button", name="Run").click()
    expect(admin.get_by_text("Redriven: 1.")).to_be_visible()
    client.wait(posted.id)
    counts = client.get_notification(posted.id).counts
    assert counts in ({"email": {"accepted": 1}}, {"email": {"delivered": 1}})  # with its receipt
    admin.goto("delivery/deadletter/")
    expect(row).to_have_count(0)


def test_a_scheduled_notification_is_cancelled(admin: Page, client: NotifierClient):
    client.upsert_recipient("cancelled")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    posted = client.notify_users(["cancelled"], body="Hello", send_at=tomorrow)
    admin.goto(f"delivery/notification/{posted.id}/change/")
    admin.on("dialog", lambda dialog: dialog.accept())
    admin.get_by_role("button", name="Cancel what has not been sent").click()
    expect(admin.get_by_text("What was not sent yet is cancelled.")).to_be_visible()
    assert client.get_notification(posted.id).state == "cancelled"


def test_an_address_is_revealed_and_that_is_in_the_audit_trail(admin: Page, client: NotifierClient):
    address = "revealed.person@example.com"
    client.upsert_recipient("revealed", contacts=[Contact("email", address)])
    admin.goto("preferences/contact/?q=revealed")
    admin.get_by_role("link", name="r•••@example.com").click()
    expect(admin.get_by_text(address)).to_have_count(0)
    admin.on("dialog", lambda dialog: dialog.accept())
    admin.get_by_role("button", name="Reveal the address").click()
    expect(admin.locator("#address")).to_have_text(address)
    admin.goto("publishers/auditevent/?object_type=contact")
    expect(admin.get_by_role("row", name="reveal").first).to_contain_text("admin")
