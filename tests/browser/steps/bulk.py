"""Steps that begin and abort bulk actions in a browser."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from notifier_client import Contact
from stack.supervision.process import PATIENCE
from tests.browser.action_context import ActionContext

BEGUN = "It is begun."


def is_done(on: ActionContext, progress: str) -> None:
    """Confirm, and watch the action's page until it says that it is done, and how much that was."""
    on.button("Begin it")
    on.says(BEGUN)
    done = on.page.locator("#panels").get_by_text("done", exact=True)
    expect(done).to_be_visible(timeout=PATIENCE * 1000)
    expect(on.page.get_by_text(progress).first).to_be_visible()


def redrives_all(on: ActionContext) -> None:
    on.go("delivery.deadletter", "?reason=authentication")
    on.button("Redrive all that match")
    is_done(on, "redriven")


def cancels_all(on: ActionContext) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    on.client.upsert_recipient("ada")
    posted = [
        on.client.notify_users(
            ["ada"], channels=["inbox"], body="Later", send_at=later, reference="put-off"
        )
        for _ in range(3)
    ]
    on.go("delivery.notification", "?q=reference:put-off")
    on.button("Cancel all that match")
    is_done(on, "3 of 3")
    for one in posted:
        assert on.client.get_notification(one.id).state == "cancelled"


def releases_all(on: ActionContext) -> None:
    on.sandbox.behave("twilio", "503")
    on.client.upsert_recipient("waits", contacts=[Contact("sms", "+12025550177")])
    posted = on.client.notify_users(["waits"], channels=["sms"], body="Hi", priority="high")
    for _ in range(int(PATIENCE)):
        if on.client.get_notification(posted.id).count("retrying"):
            break
        on.page.wait_for_timeout(1000)
    else:
        raise AssertionError("it was not tried")
    on.sandbox.heal()
    on.load.slow()
    on.go("delivery.delivery", f"?notification_id={posted.id}")
    on.button("Try now all that match")
    is_done(on, "released")


def restores_addresses(on: ActionContext) -> None:
    on.go("delivery.notification", "lost-addresses/")
    on.button("Restore what fcm UNREGISTERED brought")
    is_done(on, "suppressions")


def lifts_all(on: ActionContext) -> None:
    on.client.suppress("sms", "+12025550188")
    on.go("preferences.suppression", "?channel=sms&reason=manual")
    on.button("Lift all that match")
    on.page.locator("[name=reason]").fill("They asked us to.")
    is_done(on, "lifted")
    assert not list(on.client.list_suppressions(channel="sms"))


#: The buttons above lists.
OF_LISTS = (redrives_all, cancels_all, releases_all, restores_addresses, lifts_all)


def aborts(on: ActionContext, model: str) -> None:
    """Abort one that another process seems to have, so that it does not end before."""
    on.go(model, f"{on.take(model)}/change/")
    on.button("Abort it")
    on.says("It is aborted")
