"""Flower's own pages work under the policy that it is given here."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from stack import manage, servers, whole_service
from stack.state_directory import kept
from stack.supervision import ports
from stack.whole_service import Stage
from tests.browser.conftest import PATIENCE

PASSWORD = "correct horse battery"
MAKE = f"""
from django.contrib.auth.models import User
User.objects.create_superuser("ada", password={PASSWORD!r})
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    settings = {"FLOWER_PORT": str(ports.free()), "WEB_PROCESSES": "1"}
    with kept(tmp_path_factory.mktemp("flower") / "state") as state:
        with servers.running(state) as found:
            with whole_service.running(state, found, "web", "flower", settings=settings) as on:
                manage.run(state, on.env, "shell", "-c", MAKE)
                yield on


def test_its_tables_are_drawn_and_nothing_of_them_is_refused(browser: Browser, service: Stage):
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        said: list[str] = []
        page.on("console", lambda one: said.append(one.text))
        page.on("pageerror", lambda one: said.append(str(one)))
        page.goto(f"{service.api_url}/admin/")
        page.get_by_label("Username").fill("ada")
        page.locator("#id_password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Operations")
        said.clear()
        for path, table in (("workers", "#workers-table"), ("tasks", "#tasks-table")):
            page.goto(f"http://127.0.0.1:{service.env['FLOWER_PORT']}/{path}")
            expect(page.locator(f"{table}.dataTable")).to_be_visible()
            page.wait_for_load_state("networkidle")
        refused = [text for text in said if "Content Security Policy" in text or "Error" in text]
        assert refused == []
