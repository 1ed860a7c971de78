"""The pages in the documents' screenshots, and the browser that takes them."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from notifier_client import NotifierClient
from sandbox.client import SandboxClient
from stack import chromium, debian, manage, servers, whole_service
from stack.debian import CHROMIUM, NODE, NPM
from stack.errors import StackError
from stack.screenshots import scene
from stack.state_directory import State, fresh
from stack.supervision.process import ROOT
from stack.whole_service import Stage

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, ViewportSize

DIRECTORY = ROOT / "docs" / "screenshots"
SIZE: "ViewportSize" = {"width": 1360, "height": 860}
NARROW: "ViewportSize" = {"width": 900, "height": 640}
PHONE: "ViewportSize" = {"width": 390, "height": 780}
#: Fills the charts, in the service itself.
HISTORY = "from stack.screenshots.history import make; make()"
#: Pages that are taken to their end.
WHOLE = ("start-page", "charts", "provider-charts")
#: As a page in Arabic sets it, with the words of the element that the picture shows.
RIGHT_TO_LEFT = """() => {
  Object.assign(document.documentElement, {dir: "rtl", lang: "ar"});
  for (const one of document.querySelectorAll("notifier-bell, .person > notifier-inbox")) {
    one.messages = {
      title: "الإشعارات", inbox: "الوارد", snoozed: "المؤجلة", archived: "الأرشيف",
      readAll: "تحديد الكل كمقروء",
      severity: {info: "معلومة", success: "نجاح", warning: "تحذير", error: "خطأ"},
    };
    one.client = inboxes[0];
  }
}"""
#: Milliseconds for a page to finish drawing after it has loaded.
SETTLE = 400


def screenshots(directory: Path = DIRECTORY) -> int:
    """Play the scene on a stack of its own, take all pages, return 0. Raises ``StackError``."""
    if not debian.installed(CHROMIUM, NODE, NPM):
        missing = next(one for one in (CHROMIUM, NODE, NPM) if not one.there)
        raise StackError(f"There is {missing.missing}.")
    for step in (["ci"], ["run", "build"]):
        subprocess.run(["npm", *step], cwd=ROOT / "packages" / "inbox", check=True)
    directory.mkdir(parents=True, exist_ok=True)
    with fresh("screenshots") as state, servers.running(state) as found:
        print("Starting the sandbox, the API and the workers", flush=True)
        with whole_service.running(state, found) as on:
            with (
                NotifierClient(on.api_url, manage.create_publisher(on.env, "shop")) as client,
                NotifierClient(
                    on.api_url, manage.create_publisher(on.env, "accounts", "--directory")
                ) as accounts,
                NotifierClient(
                    on.api_url,
                    manage.create_publisher(on.env, "catalogue", "--scopes", "categories:write"),
                ) as catalogue,
            ):
                scene.play(client, accounts)
                scene.name_categories(catalogue)
                manage.run(state, on.env, "shell", "-c", HISTORY)
                with _operator(state, on) as page:
                    for name, visit in PAGES.items():
                        visit(page)
                        _keep(page, directory / f"{name}.png", whole=name in WHOLE)
                    SandboxClient(on.sandbox["control_url"]).reset()
                    scene.post_one_of_each(client, accounts, on.sandbox["webhook"]["base_url"])
                    page.goto(on.sandbox["control_url"])
                    _keep(page, directory / "sandbox.png")
                    scene.fill_inbox(client, accounts, "grace")
                    scene.give_choices(client, accounts, "grace")
                    page.goto(f"{on.sandbox['control_url']}/bell?user=grace")
                    _keep_looks(page, directory)
                    page.reload()
                    _keep_elements(page, directory, lambda: scene.pop_up(client, "grace"))
                    scene.greet_in_arabic(client, accounts, "layla")
                    page.goto(f"{on.sandbox['control_url']}/bell?user=layla")
                    _keep_from_right_to_left(page, directory / "bell-rtl.png")
    return 0


@contextlib.contextmanager
def _operator(state: State, on: Stage) -> "Iterator[Page]":
    """Yield a page of the browser in which an operator has logged in."""
    manage.create_admin(state, on.env)
    with chromium.running() as browser:
        page = browser.new_page(viewport=SIZE, base_url=on.api_url)
        _log_in(page, state.secret("admin"))
        yield page


def _keep(page: "Page", path: Path, *, whole: bool = False) -> None:
    page.wait_for_timeout(SETTLE)
    page.screenshot(path=path, full_page=whole, animations="disabled")
    print(f"  {path.name:<24} {path.stat().st_size // 1024} kB", flush=True)


def _keep_part(part: "Locator", path: Path) -> None:
    part.page.wait_for_timeout(SETTLE)
    part.screenshot(path=path, animations="disabled")
    print(f"  {path.name:<24} {path.stat().st_size // 1024} kB", flush=True)


def _keep_elements(page: "Page", directory: Path, pop_up: Callable[[], None]) -> None:
    """Take the elements of ``packages/inbox`` on the page of the bell."""
    page.set_viewport_size(NARROW)
    page.locator("notifier-inbox li").first.wait_for()
    _keep(page, directory / "inbox.png")
    page.get_by_role("button", name="Notifications").click()
    _keep(page, directory / "bell.png")
    page.keyboard.press("Escape")
    pop_up()
    page.get_by_role("dialog", name="Your taxi is here").wait_for()
    _keep(page, directory / "toasts.png")


def _keep_looks(page: "Page", directory: Path) -> None:
    """Take the bell in the dark, and what somebody gets: on a desk, and on a phone in the dark."""
    page.set_viewport_size(NARROW)
    page.locator("notifier-inbox li").first.wait_for()
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Notifications").click()
    _keep(page, directory / "bell-dark.png")
    page.emulate_media(color_scheme="light")
    page.keyboard.press("Escape")
    page.get_by_text("What I get").click()
    chosen = page.locator("notifier-preferences")
    chosen.get_by_role("heading", name="What you get from us").wait_for()
    _keep_part(chosen, directory / "preferences.png")
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    _keep_part(chosen, directory / "preferences-dark.png")
    page.emulate_media(color_scheme="light")


def _keep_from_right_to_left(page: "Page", path: Path) -> None:
    page.set_viewport_size(NARROW)
    page.locator("notifier-inbox li").first.wait_for()
    page.evaluate(RIGHT_TO_LEFT)
    page.locator("notifier-bell button").first.click()
    _keep(page, path)


def _log_in(page: "Page", password: str) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("/admin/")


def _at(path: str) -> "Callable[[Page], None]":
    def visit(page: "Page") -> None:
        page.goto(f"/admin/{path}")

    return visit


def _first_of(path: str, text: str = "") -> "Callable[[Page], None]":
    """Return a visit to the page of a list's first row, of those with this text."""

    def visit(page: "Page") -> None:
        page.goto(f"/admin/{path}")
        row = page.locator("#result_list tbody tr", has_text=text).first
        row.get_by_role("link").first.click()
        page.wait_for_load_state()

    return visit


def _why(page: "Page") -> None:
    _first_of("delivery/delivery/?state=dead")(page)
    page.get_by_role("link", name="Why?").click()
    page.wait_for_load_state()


def _preview(page: "Page") -> None:
    _first_of("content/template/")(page)
    page.get_by_role("link", name="Preview").first.click()
    page.get_by_label("Variables").fill('{"name": "Ada", "order": 1007}')
    page.get_by_role("button", name="Preview").click()
    page.wait_for_load_state()


PAGES: "dict[str, Callable[[Page], None]]" = {
    "start-page": _at(""),
    "notifications": _at("delivery/notification/"),
    "notification": _first_of("delivery/notification/?q=security"),
    "deliveries": _at("delivery/delivery/?state=suppressed"),
    "delivery": _first_of("delivery/delivery/?state=dead"),
    "dead-letters": _at("delivery/deadletter/"),
    "why": _why,
    "recipient": _first_of("preferences/recipient/?q=bo.adler"),
    "topics": _at("topics/topic/"),
    "topic": _first_of("topics/topic/", "weekly-offers"),
    "template-preview": _preview,
    "charts": _at("delivery/notification/charts/"),
    "provider-charts": _at("delivery/notification/charts/twilio/"),
}
