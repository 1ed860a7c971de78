"""Steps of actions on operators."""

from tests.browser.action_context import ActionContext


def sets_a_password(on: ActionContext, model: str) -> None:
    on.go(model, f"{on.take(model)}/password/")
    on.fill(password1="correct horse battery", password2="correct horse battery")
    on.page.locator("#content [type=submit]").last.click()
    on.says("Password changed successfully.")


def resets_a_second_factor(on: ActionContext, model: str) -> None:
    says = "logs in with the password alone now."
    on.of_row(model, on.take(model), "Reset the second factor", says)


def ends_sessions(on: ActionContext, model: str) -> None:
    on.of_row(model, on.take(model), "End all sessions", "Ended: 1.")
