"""Steps that perform each action of the admin in a browser, and the text expected then."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import expect

from notifier_client import Contact, TemplateContent
from tests.browser.action_context import ActionContext
from tests.browser.load import TOPIC
from tests.browser.steps import bulk
from tests.browser.steps.operators import (
    ends_sessions,
    resets_a_second_factor,
    sets_a_password,
)
from tests.browser.steps.schedules import (
    pauses_a_schedule,
    resumes_a_schedule,
    runs_a_schedule,
    skips_an_occurrence,
)
from tests.browser.steps.templates import (
    deletes_a_template,
    sends_a_template_to_oneself,
    writes_a_template,
    writes_the_next_version,
)


def saves(says: str = "successfully", **fields: Any) -> Callable[[ActionContext, str], None]:
    """Fill in and save the form for a new row. Callable values are called with the context."""

    def press(on: ActionContext, model: str) -> None:
        on.go(model, "add/")
        on.fill(**{k: str(v(on)) if callable(v) else v for k, v in fields.items()})
        on.page.locator("[name=_save]").first.click()
        on.says(says)

    return press


def changes(on: ActionContext, model: str) -> None:
    on.go(model, f"{on.take(model)}/change/")
    on.page.locator("[name=_save]").first.click()
    on.says("was changed successfully")


def deletes(on: ActionContext, model: str) -> None:
    on.go(model, f"{on.take(model)}/delete/")
    on.button("Yes, I’m sure")
    on.says("was deleted successfully")


def deletes_selected(on: ActionContext, model: str) -> None:
    on.go(model)
    on.of_list(model, on.take(model), "delete_selected")
    on.button("Yes, I’m sure")
    on.says("Successfully deleted 1")


def with_a_reason(label: str, says: str) -> Callable[[ActionContext, str], None]:
    """Give a reason and push a button."""

    def press(on: ActionContext, model: str) -> None:
        on.go(model, f"{on.take(model)}/change/")
        on.fill(reason="They asked for it.")
        on.button(label)
        on.says(says)

    return press


def changes_a_preference(on: ActionContext, model: str) -> None:
    on.go(model, f"{on.take(model)}/change/")
    on.page.locator("#id_reason").fill("They asked for it.")  # the button asks, too
    on.page.locator("[name=_save]").first.click()
    on.says("was changed successfully")


def runs(action: str, says: str) -> Callable[[ActionContext, str], None]:
    """Run a list's action on one row."""

    def press(on: ActionContext, model: str) -> None:
        on.go(model)
        on.of_list(model, on.take(model), action)
        on.says(says)

    return press


def cancels(on: ActionContext, model: str) -> None:
    posted = on.load.begun()
    on.of_row(model, posted, "Cancel what has not been sent", "What was not sent yet is cancelled.")
    assert on.client.get_notification(posted).state == "cancelled"


def moves(on: ActionContext, model: str) -> None:
    on.client.upsert_recipient("later")
    posted = on.client.notify_users(
        ["later"], channels=["inbox"], body="Later", send_at=datetime.now(UTC) + timedelta(hours=1)
    )
    on.go(model, f"{posted.id}/change/")
    on.page.locator("[name=reason]").first.fill("2027-01-02T09:30")
    on.button("Send it then (UTC)")
    on.says("It will be sent at 2027-01-02 09:30.")
    moved = on.client.get_notification(posted.id).send_at
    assert moved is not None and (moved.year, moved.minute) == (2027, 30)


def replays(on: ActionContext, model: str) -> None:
    _dead(on, "dies-4")
    posted = next(iter(on.client.list_notifications(user_id="dies-4")))
    label = "Send it again to those who did not get it"
    on.of_row(model, posted.id, label, "It is sent again: this is the new notification.")
    on.says("It sends again")


def pauses_a_topic(on: ActionContext, model: str) -> None:
    on.go(model, f"?q={TOPIC}")
    on.page.get_by_role("link", name=TOPIC, exact=True).click()
    on.button("Pause this topic")
    on.says(f"Notifications to {TOPIC} are held back.")
    assert on.client.get_topic(TOPIC).paused


def resumes_a_topic(on: ActionContext, model: str) -> None:
    pauses_a_topic(on, model)
    on.button("Resume this topic")
    on.says(f"{TOPIC} is resumed.")


def cancels_what_is_held(on: ActionContext, model: str) -> None:
    on.go(model, "held/?publisher=spare-0")
    on.button("Cancel all that is listed")
    on.says("0 deliveries are cancelled, and 1 parts of audiences")


def switches_a_provider(on: ActionContext, model: str) -> None:
    on.page.goto("")
    on.button("Pause sendgrid")
    on.says("Nothing is sent through sendgrid until it is resumed.")
    on.button("Resume sendgrid")
    on.says("sendgrid is resumed.")
    on.sandbox.behave("sendgrid", "500")
    people = [f"fails-{number}" for number in range(12)]
    for name in people:
        on.client.upsert_recipient(name, contacts=[Contact("email", f"{name}@example.com")])
    _closes(on, "sendgrid", lambda: _email(on, people))
    on.says("sendgrid is called again")


def _email(on: ActionContext, people: list[str]) -> None:
    """Publish to these people: what the load publishes may all wait at another provider."""
    on.client.notify_users(people, channels=["email"], title="Hi", body="There", priority="high")


def _closes(on: ActionContext, name: str, fail: Callable[[], None] = lambda: None) -> None:
    """Wait until the breaker has opened, calling ``fail`` before each look, and close it."""
    close = on.page.get_by_role("button", name=f"Close {name}")
    for _ in range(60):
        fail()
        on.page.goto("")
        if close.is_visible():
            return close.click()
        on.page.wait_for_timeout(500)
    raise AssertionError(f"the breaker of {name} does not open")


def calls_a_host_again(on: ActionContext, model: str) -> None:
    people = [f"hook-{number}" for number in range(12)]
    for name in people:
        hook = Contact("webhook", f"{on.webhooks}/{name}?behave=503")
        on.client.upsert_recipient(name, contacts=[hook])
    on.client.notify_users(people, channels=["webhook"], title="Hi", body="There", priority="high")
    host = on.webhooks.split("/")[2]
    _closes(on, host)
    on.says(f"{host} is called again")


def _addressed(on: ActionContext, name: str) -> str:
    """The path of an email contact's page."""
    on.client.upsert_recipient(name, contacts=[Contact("email", f"{name}@example.com")])
    on.go("preferences.contact", f"?q={name}&channel=email")
    on.page.locator("#result_list tbody a").first.click()
    on.page.wait_for_url(re.compile("/change/"))
    return on.page.url


def reveals(on: ActionContext, model: str) -> None:
    _addressed(on, "seen")
    on.button("Reveal the address")
    expect(on.page.locator("#address")).to_have_text("seen@example.com")


def _status_webhook(on: ActionContext, query: str = "") -> int:
    """The primary key of a new status webhook to the sandbox, which knows its secret."""
    url = f"{on.webhooks}/admin{query}"
    made = on.client.create_status_webhook(url, ["dead"])
    on.sandbox.register_webhook("admin", made.secret or "")
    return made.id


def _test_call(on: ActionContext, model: str, key: int, says: str) -> None:
    """Send test calls until one is answered in time: workers are busy."""
    for _ in range(10):
        on.go(model, f"{key}/change/")
        on.button("Send a test call")
        said = on.page.get_by_text(re.compile("It arrived, |It did not arrive|No answer yet")).first
        expect(said).to_be_visible()
        if "No answer yet" not in said.inner_text():
            break
    on.says(says)


def calls_a_status_webhook(on: ActionContext, model: str) -> None:
    _test_call(on, model, _status_webhook(on), "It arrived, after")


def enables_a_status_webhook(on: ActionContext, model: str) -> None:
    key = _status_webhook(on, "?behave=dead")
    _test_call(on, model, key, "It did not arrive")
    on.go(model, f"{key}/change/")
    on.button("Enable")
    on.says("It receives events again from now on.")


def disables_a_contact(on: ActionContext, model: str, name: str = "switched") -> None:
    _addressed(on, name)
    on.button("Disable")
    on.says("Nothing is sent there any more.")


def enables_a_contact(on: ActionContext, model: str) -> None:
    disables_a_contact(on, model, "switched-back")
    on.button("Enable")
    on.says("It is sent to again.")


def _dead(on: ActionContext, name: str) -> str:
    """The delivery's id of a dead letter to this person."""
    on.client.upsert_recipient(name, contacts=[Contact("email", f"{name}@example.com")])
    for provider in ("sendgrid", "smtp"):
        on.sandbox.behave(provider, "401", address=f"{name}@example.com")
    posted = on.client.notify_users([name], body="Hello", channels=["email"], priority="high")
    on.client.wait(posted.id)
    [delivery] = on.client.deliveries(posted.id)
    assert delivery.state == "dead", delivery
    on.load.slow()
    return delivery.id.rpartition("_")[2]


def redrives_one(on: ActionContext, model: str) -> None:
    key = _dead(on, "dies-1")
    on.of_row("delivery.delivery", key, "Redrive", "It is tried again now.")


def redrives_selected(on: ActionContext, model: str) -> None:
    key = _dead(on, "dies-2")
    on.go(model)
    on.of_list(model, key, "redrive")
    on.says("Redriven: 1.")


def begins_bulk_actions(on: ActionContext, model: str) -> None:
    """Push the button above each of the lists that have one."""
    _dead(on, "dies-3")
    for push in bulk.OF_LISTS:
        push(on)


def previews(on: ActionContext, model: str) -> None:
    text = TemplateContent(channel="email", locale="en", title="Title", body="Body {{ n }}")
    on.client.create_template("under-load", [text], default_locale="en")
    on.go("content.template")
    on.page.get_by_role("link", name="under-load").click()
    on.page.get_by_role("link", name="Preview").first.click()
    on.page.get_by_label("Variables").fill('{"n": "seven"}')
    on.button("Preview")
    on.says("Body seven")


def makes_a_key(on: ActionContext, model: str) -> None:
    on.go("publishers.publisher", f"{on.rows['publishers.publisher'][0]}/change/")
    on.page.get_by_role("link", name="Make a key").click()
    on.page.get_by_role("checkbox", name="topics:write").uncheck()
    on.page.locator("[name=_save]").first.click()
    expect(on.page.locator("#key")).to_have_text(re.compile("ntf_"))


def disables_a_publisher(on: ActionContext, model: str) -> None:
    key = on.take(model)
    on.of_row(model, key, "Disable this publisher", "is refused from now on.")
    on.button("Enable this publisher")
    on.says("may publish again.")


def erases(on: ActionContext, model: str) -> None:
    says = "Nobody finds or reaches them any more."
    on.of_row(model, on.take(model), "Erase this person", says)


def _first(model: str) -> Callable[[ActionContext], int]:
    return lambda on: on.rows[model][0]


#: The steps of each action.
PRESS: dict[str, Callable[[ActionContext, str], None]] = {
    "auth.group add": saves(name="a-role"),
    "auth.user add": saves(username="new", password1="corn horse bat", password2="corn horse bat"),
    "auth.user do_end_sessions": ends_sessions,
    "auth.user do_reset_second_factor": resets_a_second_factor,
    "auth.user url auth_user_password_change": sets_a_password,
    "bulk.bulkaction do_abort": bulk.aborts,
    "bulk.bulkaction url begin_bulk_action": begins_bulk_actions,
    "alerts.silence add": saves(
        name="NotifierRedisDown", until_0="2031-01-01", until_1="12:00:00", reason="It moves."
    ),
    "content.template add": writes_a_template,
    "content.template do_delete": deletes_a_template,
    "content.template do_edit": writes_the_next_version,
    "content.template url content_edit": writes_the_next_version,
    "content.templateversion url content_preview": previews,
    "delivery.deadletter action redrive": redrives_selected,
    "delivery.delivery do_redrive": redrives_one,
    "delivery.notification do_cancel": cancels,
    "delivery.notification do_move": moves,
    "delivery.notification do_replay": replays,
    "delivery.notification url end_held": cancels_what_is_held,
    "delivery.notification url host_close": calls_a_host_again,
    "delivery.notification url provider_switch": switches_a_provider,
    "delivery.retentionrule add": saves(category="of-its-own", content_days="9"),
    "delivery.notification url test_send": sends_a_template_to_oneself,
    "delivery.statuswebhook do_enable": enables_a_status_webhook,
    "delivery.statuswebhook do_test": calls_a_status_webhook,
    "django_celery_beat.clockedschedule add": saves(
        clocked_time_0="2031-01-01", clocked_time_1="12:00:00"
    ),
    "django_celery_beat.crontabschedule add": saves(minute="59"),
    "django_celery_beat.intervalschedule add": saves(every="7", period="days"),
    "django_celery_beat.periodictask action disable_tasks": runs(
        "disable_tasks", "successfully disabled"
    ),
    "django_celery_beat.periodictask action enable_tasks": runs(
        "enable_tasks", "successfully enabled"
    ),
    "django_celery_beat.periodictask action run_tasks": runs("run_tasks", "successfully run"),
    "django_celery_beat.periodictask action toggle_tasks": runs(
        "toggle_tasks", "successfully toggled"
    ),
    "django_celery_beat.periodictask add": saves(
        name="a task",
        regtask="delivery.purge",
        interval=_first("django_celery_beat.intervalschedule"),
    ),
    "django_celery_beat.solarschedule add": saves(event="sunset", latitude="48", longitude="16"),
    "preferences.contact do_disable": disables_a_contact,
    "preferences.contact do_enable": enables_a_contact,
    "preferences.contact do_reveal": reveals,
    "preferences.category add": saves(name="new-category", display_name='{"en": "News"}'),
    "preferences.preference add": saves(
        recipient=_first("preferences.recipient"), channel="email", category="service"
    ),
    "preferences.preference change": changes_a_preference,
    "preferences.preference do_withdraw": with_a_reason(
        "Withdraw it", "The preference is withdrawn."
    ),
    "preferences.recipient do_erase": erases,
    "preferences.suppression add": saves(
        channel="email", address="unwanted@example.com", why="They wrote to us."
    ),
    "preferences.suppression do_lift": with_a_reason("Lift it", "is sent to again."),
    "publishers.apikey add": makes_a_key,
    "publishers.apikey action revoke": runs("revoke", "1 keys are revoked."),
    "publishers.apikey action revoke_family": runs("revoke_family", "1 keys are revoked."),
    "publishers.publisher add": saves(name="another"),
    "publishers.publisher do_disable": disables_a_publisher,
    "publishers.publisher do_enable": disables_a_publisher,
    "schedules.schedule do_pause": pauses_a_schedule,
    "schedules.schedule do_resume": resumes_a_schedule,
    "schedules.schedule do_run": runs_a_schedule,
    "schedules.schedule do_skip": skips_an_occurrence,
    "topics.topic add": saves(name="new-topic", publisher=_first("publishers.publisher")),
    "topics.topic do_pause": pauses_a_topic,
    "topics.topic do_resume": resumes_a_topic,
}
#: Django's own forms are pressed in the same way on every model's spare row.
OF_EVERY_MODEL = {
    "change": changes,
    "delete": deletes,
    "action delete_selected": deletes_selected,
}


def press_of(action: str) -> Callable[[ActionContext, str], None] | None:
    return PRESS.get(action) or OF_EVERY_MODEL.get(action.partition(" ")[2])
