"""Pages as people use them: a running service, and Chromium.

``page`` is an empty tab, ``admin`` one that is logged in to the admin; ``service`` says where
things are (``api_url``, ``sandbox``), and ``client`` is a publisher's. Whatever a page asks of
another host, and whatever its scripts complain of, fails the test.

Everything here ends with this directory's tests: while Playwright is there, no other event loop
can run in this thread.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from apps.publishers.scopes import Scope
from notifier_client import NotifierClient
from sandbox.client import SandboxClient
from stack import chromium, manage, servers, whole_service
from stack.debian import CHROMIUM
from stack.state_directory import State, kept
from stack.whole_service import Stage
from tests.support.programs import need
from tests.support.publishers import inbox_library
from tests.support.publishers.bell_tabs import Person

#: Processes of the Procfile that these tests need, for pages, fan-out, mail that is sent and
#: retried, and test calls to webhooks.
PROCESSES = (
    *("web", "fanout", "email_high", "email", "sms_high", "webhook_high"),
    *("housekeeping", "beat", "stream"),
)
SETTINGS = {"WEB_PROCESSES": "1", "NOTIFIER_RETRY_EMAIL": "1"}
SETTINGS["SANDBOX_INBOX_LIBRARY"] = str(inbox_library.DIST)
#: Of an app beside the sandbox, whose page is allowed to read inboxes all the same.
APP = "https://app.example.com"
SETTINGS["NOTIFIER_INBOX_ORIGINS"] = APP
#: Milliseconds for whatever a page does: the machine may be busy.
PATIENCE = 120_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    need(CHROMIUM)
    with chromium.running() as browser:
        yield browser


@pytest.fixture(scope="package")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    with kept(tmp_path_factory.mktemp("service") / "state") as state:
        yield state


@pytest.fixture(scope="package")
def service(browser: Browser, state: State) -> Iterator[Stage]:
    """The service with its sandbox. Asked for after the browser: without it nothing is started."""
    with (
        servers.running(state) as found,
        whole_service.running(state, found, *PROCESSES, settings=SETTINGS, receipts=True) as on,
    ):
        yield on


@pytest.fixture(scope="package")
def client(service: Stage) -> Iterator[NotifierClient]:
    """A publisher that may do everything."""
    key = manage.create_publisher(service.env, "browsers-shop", "--scopes", ",".join(Scope))
    with NotifierClient(service.api_url, key) as client:
        yield client


@pytest.fixture
def sandbox(service: Stage) -> SandboxClient:
    """The stand-in providers, emptied and well-behaved. Not the one that other tests share."""
    sandbox = SandboxClient(service.sandbox["control_url"])
    sandbox.reset()
    return sandbox


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty tab of its own, without cookies."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        yield from _watched(context)


@pytest.fixture(scope="package")
def session(browser: Browser, service: Stage, state: State) -> list[dict]:
    """The cookies of somebody who logged in to the admin as a superuser."""
    assert manage.create_admin(state, service.env)
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{service.api_url}/admin/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(state.secret("admin"))
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{service.api_url}/admin/")
        return context.cookies()


@pytest.fixture
def admin(browser: Browser, service: Stage, session: list[dict]) -> Iterator[Page]:
    """A tab of the admin, logged in. Paths are relative to it: ``admin.goto("delivery/…")``."""
    options = {"viewport": {"width": 1440, "height": 900}, "base_url": f"{service.api_url}/admin/"}
    with browser.new_context(**options) as context:
        context.add_cookies(session)
        yield from _watched(context)
        session[:] = context.cookies()  # a new password changes the session's key


@pytest.fixture
def ada(
    client: NotifierClient, service: Stage, browser: Browser, request: pytest.FixtureRequest
) -> Person:
    return Person(client, service, browser, f"ada-{abs(hash(request.node.nodeid)) % 10**9}")


@pytest.fixture
def bo(client: NotifierClient, service: Stage, browser: Browser, ada: Person) -> Person:
    return Person(client, service, browser, ada.name.replace("ada", "bo"))


@pytest.fixture
def mine(ada: Person) -> Iterator[BrowserContext]:
    """Ada's browser."""
    with ada.browser() as context:
        yield context


def _watched(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    strangers: list[str] = []
    complaints: list[str] = []

    def asked(url: str) -> None:
        if urlsplit(url).hostname not in ("127.0.0.1", None):
            strangers.append(url)

    page.on("request", lambda request: asked(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: complaints.append(line.text) if line.type == "error" else None,
    )
    yield page
    assert strangers == []
    assert complaints == []
