"""Steps that write templates in the admin, in a browser."""

from itertools import count

from tests.browser.action_context import ActionContext

_numbers = count(1)


def writes_a_template(on: ActionContext, model: str) -> None:
    on.go("content.template", "add/")
    on.fill(publisher=str(on.rows["publishers.publisher"][0]), name=f"written-{next(_numbers)}")
    on.fill(**{"text-0-channel": "inbox", "text-0-title": "Hello {{ who }}"})
    on.button("Preview")
    on.says("Hello who")
    on.button("Save as version 1")
    on.says("used from now on")


def writes_the_next_version(on: ActionContext, model: str) -> None:
    writes_a_template(on, model)
    on.page.get_by_role("link", name="The template").click()
    on.button("Write the next version")
    on.button("Add a text")
    on.fill(**{"text-1-channel": "sms", "text-1-locale": "en", "text-1-body": "Dear {{ who }}"})
    on.button("Save as the next version")
    on.says("has its version 2")


def deletes_a_template(on: ActionContext, model: str) -> None:
    writes_a_template(on, model)
    on.page.get_by_role("link", name="The template").click()
    on.button("Delete this template")
    on.says("its name is free")


def sends_a_template_to_oneself(on: ActionContext, model: str) -> None:
    writes_a_template(on, model)
    on.button("Send it to myself")
    on.says("No recipient has the email address of your account")
