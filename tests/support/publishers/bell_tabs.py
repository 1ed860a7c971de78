"""Tabs that show a person's inbox by ``packages/inbox``, on the sandbox's page ``/bell``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator

from notifier_client import Draft, NotifierClient
from stack.whole_service import Stage
from tests.support.waiting import until

#: Rules of axe: WCAG 2.1 AA.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
#: Events that the library keeps from a page are told here.
_WATCH = """
window.told = [];
for (const name of ["popup", "signedout", "rolledback", "connected"])
  inboxes[0].on(name, (value) => told.push([name, value?.title ?? value?.reason ?? ""]));
"""
_HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  Object.defineProperty(document, "visibilityState",
    {value: hidden ? "hidden" : "visible", configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


class Tab:
    """A tab, connected unless ``wait`` is false."""

    def __init__(self, context: BrowserContext, url: str, user: str, **asked: str) -> None:
        self.page = context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.set_default_timeout(120_000)
        self.page.goto(f"{url}/bell?{urlencode({'user': user, **asked})}")
        self._watch()

    def again(self) -> None:
        """Load the page anew."""
        self.page.reload()
        self._watch()

    def _watch(self) -> None:
        self.wait("window.inboxes?.length")
        self.page.evaluate(_WATCH)
        self.wait("inboxes[0].connected")

    @property
    def badge(self) -> Locator:
        return self.page.locator("notifier-bell .badge")

    @property
    def rows(self) -> Locator:
        return self.page.locator("notifier-inbox li")

    @property
    def state(self) -> list[Any]:
        """Everything that it shows: items with their status, and the counts."""
        return self.page.evaluate(
            "[inboxes[0].items.map((one) => [one.id, one.status]), inboxes[0].counts]"
        )

    @property
    def way(self) -> str:
        return self.page.evaluate("inboxes[0].sharing")

    def told(self, name: str) -> list[str]:
        """Return the details of the library's events of this name."""
        every = self.page.evaluate("told")
        return [about for event, about in every if event == name]

    def listen(self) -> None:
        """Keep the words for a screen reader in ``said``, one entry for each time."""
        self.page.evaluate(
            """() => {
              window.said = [];
              const region = document.querySelector("body > [role=status]");
              const say = () => said.push(region.textContent);
              new MutationObserver(say).observe(region, {childList: true});
            }"""
        )

    def mark(self, status: str, which: Any = "all") -> None:
        self.page.evaluate(
            "([status, which]) => void inboxes[0].mark(status, which)", [status, which]
        )

    def ids(self) -> list[int]:
        return self.page.evaluate("inboxes[0].items.map((one) => one.id)")

    def hide(self, hidden: bool = True) -> None:
        """Make the page believe that it is out of sight: headless pages never are."""
        self.page.evaluate(_HIDE, hidden)

    def complaints(self) -> list[str]:
        """Return what axe finds, and what is wider than the page."""
        options = {"runOnly": RULES, "resultTypes": ["violations"]}
        found = Axe().run(self.page, options=options).response["violations"]
        over = self.page.evaluate(
            "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
        )
        said = [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]
        return said + ([f"{over} px too wide"] if over > 0 else [])

    def wait(self, condition: str) -> None:
        # By questions: the page's policy allows no code of a string.
        until(lambda: self.page.evaluate(condition))

    def wait_for(self, count: int) -> None:
        self.wait(f"inboxes[0].items.length === {count}")


class Person:
    """Somebody with an inbox, and what is sent to them."""

    def __init__(self, client: NotifierClient, service: Stage, browser: Browser, name: str) -> None:
        client.upsert_recipient(name)
        self.name = name
        self.url = service.sandbox["control_url"]
        self._api_url = service.api_url
        self._client, self._browser = client, browser

    def send(self, *titles: str, **content: Any) -> None:
        """Send items, one after the other, so that their order is known."""
        for title in titles:
            self._client.notify_users(
                [self.name], title=title, body=f"About {title}.", channels=["inbox"], **content
            )

    def send_at_once(self, count: int) -> None:
        """Send so many items in one call."""
        one = Draft(user_ids=[self.name], title="One of many", body="Of many.", channels=["inbox"])
        self._client.notify_batch([one] * count)

    def unread(self, context: BrowserContext) -> int:
        """Return the unread items that the service counts for them."""
        token = context.request.get(f"{self.url}/bell/token?user={self.name}").text()
        headers = {"Authorization": f"Bearer {token}"}
        answer = context.request.get(f"{self._api_url}/v1/inbox?limit=1", headers=headers)
        return int(answer.json()["unread"])

    @contextmanager
    def browser(self, **options: Any) -> Iterator[BrowserContext]:
        """A browser of their own: what it keeps is kept from others."""
        with self._browser.new_context(reduced_motion="reduce", **options) as context:
            yield context

    def tab(self, context: BrowserContext, **asked: str) -> Tab:
        return Tab(context, self.url, self.name, **asked)


def equal(tabs: Sequence[Tab]) -> None:
    """Wait until all show the same."""
    until(lambda: all(tab.state == tabs[0].state for tab in tabs[1:]))
