"""Steps that perform the actions of recurring notifications in the admin."""

from tests.browser.action_context import ActionContext


def _schedule(on: ActionContext, name: str) -> None:
    """Open the page of a new schedule to nobody in particular."""
    on.client.upsert_recipient("scheduled")
    on.client.create_schedule(
        name, cron="0 9 * * *", time_zone="Europe/Vienna", user_ids=["scheduled"],
        channels=["inbox"], body="Good morning",
    )  # fmt: skip
    on.go("schedules.schedule", f"?q={name}")
    on.page.get_by_role("link", name=name, exact=True).click()


def pauses_a_schedule(on: ActionContext, model: str, name: str = "to-pause") -> None:
    _schedule(on, name)
    on.button("Pause")
    on.says("Nothing is sent until it is resumed.")
    assert on.client.get_schedule(name).state == "paused"


def resumes_a_schedule(on: ActionContext, model: str) -> None:
    pauses_a_schedule(on, model, "to-resume")
    on.button("Resume")
    on.says("It is resumed.")


def skips_an_occurrence(on: ActionContext, model: str) -> None:
    _schedule(on, "to-skip")
    on.button("Skip the next")
    on.says("is skipped.")


def runs_a_schedule(on: ActionContext, model: str) -> None:
    _schedule(on, "to-run")
    on.button("Run now")
    on.says("Its notification is accepted.")
    [run] = on.client.list_schedule_runs("to-run")
    assert run.notification_id in on.page.url
