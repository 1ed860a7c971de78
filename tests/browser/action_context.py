"""Context of a test that performs an action of the admin in a browser."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from notifier_client import NotifierClient
from sandbox.client import SandboxClient
from tests.browser.load import Load


@dataclass
class ActionContext:
    """Context of one test's actions. ``take(model)`` returns a row that no other test uses."""

    page: Page
    client: NotifierClient
    sandbox: SandboxClient
    load: Load
    rows: dict[str, list[Any]]
    #: URL at which the sandbox receives webhooks.
    webhooks: str

    def take(self, model: str) -> Any:
        return self.rows[model].pop()

    def go(self, model: str, path: str = "") -> None:
        self.page.goto(f"{model.replace('.', '/')}/{path}")

    def says(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()

    def button(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def of_row(self, model: str, key: object, label: str, says: str) -> None:
        """Push a button on a row's page."""
        self.go(model, f"{key}/change/")
        self.button(label)
        self.says(says)

    def of_list(self, model: str, key: object, action: str) -> None:
        """Run an action on one row of the list."""
        self.page.locator(f'input.action-select[value="{key}"]').check()
        self.page.locator("select[name=action]").first.select_option(action)
        self.button("Run")

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            field = self.page.locator(f"[name={name}]").first
            if field.evaluate("one => one.tagName") != "SELECT":
                field.fill(value)
                continue
            field.evaluate(  # an autocompleted one has no options yet
                "(one, value) => { if (![...one.options].some((o) => o.value == value))"
                " one.add(new Option(value, value)); one.value = value; }",
                value,
            )
