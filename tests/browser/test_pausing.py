"""Switching a provider off and on, in a browser."""

from playwright.sync_api import Page, expect

from notifier_client import Contact, NotifierClient
from sandbox.client import SandboxClient


def test_a_paused_provider_sends_nothing_until_it_is_resumed(
    admin: Page, client: NotifierClient, sandbox: SandboxClient
):
    client.upsert_recipient("waiting", contacts=[Contact("email", "waiting@example.com")])
    admin.goto("")
    admin.once("dialog", lambda dialog: dialog.dismiss())
    admin.get_by_role("button", name="Pause smtp").click()
    expect(admin.get_by_role("button", name="Resume smtp")).to_have_count(0)
    admin.on("dialog", lambda dialog: dialog.accept())
    for provider in ("sendgrid", "smtp"):
        admin.get_by_role("button", name=f"Pause {provider}").click()
        expect(admin.get_by_text(f"Nothing is sent through {provider}")).to_be_visible()
    admin.wait_for_timeout(1_200)  # workers believe what they read for a second
    posted = client.notify_users(["waiting"], body="Hello", channels=["email"], priority="normal")
    admin.goto(f"delivery/notification/why/?user_id=waiting&notification={posted.id}")
    expect(admin.get_by_text("Not yet:")).to_be_visible()
    admin.goto("")
    for provider in ("smtp", "sendgrid"):
        admin.get_by_role("button", name=f"Resume {provider}").click()
        expect(admin.get_by_text(f"{provider} is resumed.")).to_be_visible()
    client.wait(posted.id)
    admin.goto(f"delivery/notification/why/?user_id=waiting&notification={posted.id}")
    expect(admin.get_by_text("Yes")).to_be_visible()
