"""Operators log in by keyboard: with a password and a second factor, and at the provider.

Each page on the way is accessible, in light and dark, on a desk's screen and a phone's.
"""

import base64
import time
from collections.abc import Iterator
from itertools import product

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from notifier.security import totp
from stack import manage, servers, whole_service
from stack.state_directory import kept
from stack.whole_service import Stage
from tests.browser.conftest import PATIENCE
from tests.browser.test_accessibility import LONGEST_WALK, SCHEMES, WIDTHS, complaints
from tests.support.fakes import openid_provider
from tests.support.fakes.openid_provider import Provider

PASSWORD = "correct horse battery"
#: An operator for each test. Django's own shell makes them.
OPERATORS = [f"{scheme}-{width}" for scheme, width in product(SCHEMES, WIDTHS)]
MAKE = f"""
from django.contrib.auth.models import User
for name in {OPERATORS!r}:
    User.objects.create_superuser(name, password={PASSWORD!r})
"""


@pytest.fixture(scope="module")
def idp() -> Iterator[Provider]:
    with openid_provider.serving() as found:
        found.people["s-1"] = {"preferred_username": "grace", "groups": ["admins"]}
        found.people["s-2"] = {"preferred_username": "eve", "groups": []}
        yield found


@pytest.fixture(scope="module")
def guarded(
    browser: Browser, idp: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A service that asks for a second factor, and has a provider beside the password."""
    settings = {**idp.environment(), "NOTIFIER_SECOND_FACTOR_REQUIRED": "1", "WEB_PROCESSES": "1"}
    with kept(tmp_path_factory.mktemp("guarded") / "state") as state:
        with servers.running(state) as found:
            with whole_service.running(state, found, "web", settings=settings) as on:
                idp.redirect_uris.add(f"{on.api_url}/admin/oidc/callback/")
                manage.run(state, on.env, "shell", "-c", MAKE)
                yield on


@pytest.fixture(params=product(SCHEMES, WIDTHS), ids=lambda one: "-".join(map(str, one)))
def tab(request: pytest.FixtureRequest, browser: Browser, guarded: Stage) -> Iterator[Page]:
    """A tab in one of the schemes, at one of the widths."""
    scheme, width = request.param
    with browser.new_context(
        viewport={"width": width, "height": 900},
        base_url=f"{guarded.api_url}/admin/",
        color_scheme=scheme,
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.scheme = scheme
        page.operator = f"{scheme}-{width}"
        yield page


def is_easy_to_read(page: Page) -> None:
    page.wait_for_timeout(150)  # what fades in has too little contrast
    assert complaints(page, page.scheme) == [], page.url


def tab_to(target: Locator) -> None:
    """Press Tab until this has the focus."""
    target.wait_for(state="visible")
    for _ in range(LONGEST_WALK):
        if target.evaluate("one => one === document.activeElement"):
            return
        target.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target}")


def types(target: Locator, text: str) -> None:
    tab_to(target)
    target.page.keyboard.type(text)


def presses(target: Locator) -> None:
    tab_to(target)
    target.page.keyboard.press("Enter")


def gives_password(page: Page) -> None:
    page.goto("")
    types(page.get_by_label("Username"), page.operator)
    types(page.locator("#id_password"), PASSWORD)
    page.keyboard.press("Enter")


def test_an_operator_sets_up_a_second_factor_and_logs_in_with_it(tab: Page):
    page = tab
    gives_password(page)
    expect(page.get_by_text("A second factor is needed here")).to_be_visible()
    is_easy_to_read(page)
    presses(page.get_by_role("button", name="Set it up"))
    expect(page.get_by_role("img", name="QR code of the secret below")).to_be_visible()
    is_easy_to_read(page)
    secret = base64.b32decode(page.locator("#secret").inner_text().replace(" ", ""))
    types(
        page.get_by_label("The code that the app shows"),
        totp.code_at(secret, int(time.time() // totp.STEP)),
    )
    page.keyboard.press("Enter")
    expect(page.locator("#codes li")).to_have_count(10)
    is_easy_to_read(page)
    recovery = page.locator("#codes li").first.inner_text()
    presses(page.get_by_role("link", name="I have kept them"))
    expect(page.locator("h1")).to_have_text("Operations")
    for path, says in (("sessions/", "Where you are"), ("second-factor/", "10 recovery codes")):
        page.goto(path)
        expect(page.get_by_text(says).first).to_be_visible()
        is_easy_to_read(page)

    page.context.clear_cookies()
    gives_password(page)
    field = page.get_by_label("Code of your app, or a recovery code")
    types(field, "000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not the present code")
    is_easy_to_read(page)
    types(field, recovery)
    page.keyboard.press("Enter")
    expect(page.get_by_text("9 are left")).to_be_visible()
    page.goto(f"auth/user/?q={page.operator}")
    page.get_by_role("link", name=page.operator, exact=True).click()
    expect(page.get_by_role("heading", name="Sessions")).to_be_visible()
    is_easy_to_read(page)


def test_an_operator_logs_in_at_the_provider(tab: Page):
    page = tab
    page.goto("topics/topic/")
    expect(page.get_by_role("link", name="Log in with Acme")).to_be_visible()
    is_easy_to_read(page)
    presses(page.get_by_role("link", name="Log in with Acme"))
    presses(page.get_by_role("button", name="s-1"))
    page.wait_for_url("**/admin/topics/topic/")
    page.goto("second-factor/")
    expect(page.get_by_text("asks for a second factor or does not")).to_be_visible()
    is_easy_to_read(page)


def test_who_has_no_role_is_told_what_to_do(tab: Page):
    page = tab
    page.goto("oidc/")
    presses(page.get_by_role("button", name="s-2"))
    expect(page.get_by_role("alert")).to_contain_text("Ask those who run it")
    is_easy_to_read(page)
    presses(page.get_by_role("link", name="To the log-in"))
    expect(page.get_by_label("Username")).to_be_visible()
