"""Every page of the admin is accessible: WCAG 2.1 AA by axe, and use by keyboard alone.

In light and dark, on a desk's screen and a phone's.
"""

import json
import re
import time
from collections.abc import Iterator
from itertools import product

import orjson
import pytest
import redis
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin as django_admin
from playwright.sync_api import Browser, Page

from apps.delivery.flow import host_breakers
from notifier.resilience.breaker import State, Status
from notifier_client import Contact, NotifierClient, Preference, TemplateContent
from sandbox.client import SandboxClient
from stack.whole_service import Stage

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
#: Rules that depend on the colour scheme; the others are checked in light alone.
RULES_OF_DARK = ["color-contrast"]
#: Impacts that fail the test; axe only advises the others.
GRAVE = {"serious", "critical"}
WIDTHS, SCHEMES = (1440, 390), ("light", "dark")
CHARTS = "delivery/notification/charts/"
#: Presses of Tab on one page, at most.
LONGEST_WALK = 400


@pytest.fixture(scope="module")
def pages(
    client: NotifierClient, service: Stage, session: list[dict], browser: Browser
) -> list[str]:
    """The path of every page of the admin: lists, and a row of each, with something on them."""
    sandbox = SandboxClient(service.sandbox["control_url"])
    sandbox.reset()
    client.create_topic("seen", category="news")
    client.upsert_recipient(
        "looker",
        contacts=[Contact("email", "looker@example.com")],
        preferences=[Preference(False, topic="seen")],
    )
    client.subscribe("seen", user_id="looker", channels=["email", "inbox"])
    client.put_group("lookers")
    client.add_members("lookers", ["looker"])
    text = TemplateContent(channel="email", locale="en", title="T", body="B", html="<p>B</p>")
    client.create_template("looks", [text], default_locale="en")
    client.create_schedule(
        "looks-daily", cron="0 9 * * *", time_zone="Europe/Vienna", user_ids=["looker"], body="Hi"
    )
    client.run_schedule("looks-daily")
    client.suppress("email", "nobody@example.com")
    client.create_status_webhook(f"{service.sandbox['webhook']['base_url']}/looks", ["dead"])
    for provider in ("sendgrid", "smtp"):
        sandbox.behave(provider, "401")
    _leave_alone(service, "hooks-of-a-customer-with-a-long-name.example.com:8443")
    posted = client.notify_users(["looker"], body="Hello", channels=["email"], priority="high")
    client.wait(posted.id)
    sandbox.heal()
    with browser.new_context(base_url=f"{service.api_url}/admin/") as context:
        context.add_cookies(session)
        found = ["", "delivery/notification/lost-addresses/", "password_change/"]
        found += ["second-factor/", "sessions/"]
        found.append("delivery/notification/held/")
        found += [f"{CHARTS}?range={name}" for name in ("hour", "month")]
        found.append(f"{CHARTS}sendgrid/?range=day")
        found.append(f"delivery/notification/why/?user_id=looker&notification={posted.id}")
        page = context.new_page()
        for model in django_admin.site._registry:
            path = f"{model._meta.app_label}/{model._meta.model_name}/"
            page.goto(path)
            found.append(path)
            if page.locator(".addlink, a[href$='/add/']").count():
                found.append(f"{path}add/")
            links = page.locator("#result_list a[href$='/change/']")
            if links.count():
                target = links.first.get_attribute("href") or ""
                found.append(target.removeprefix("/admin/"))
        page.goto("content/templateversion/")
        page.locator("#result_list a").first.click()
        found.append(re.sub("change/$", "preview/", page.url.partition("/admin/")[2]))
    return list(dict.fromkeys(found))


def _leave_alone(service: Stage, host: str) -> None:
    """Report a host of webhooks that does not answer, as workers do."""
    status = Status(State.OPEN, time.time(), "10 calls in a row failed", cooldown=600.0)
    with redis.Redis.from_url(service.env["REDIS_URL"]) as shared:
        shared.hset(host_breakers.KEY, orjson.dumps((1, host)), status.encode())


@pytest.fixture
def tab(
    browser: Browser, service: Stage, session: list[dict], scheme: str, width: int
) -> Iterator[Page]:
    """A tab of the admin in one of the schemes, at one of the widths."""
    with browser.new_context(
        viewport={"width": width, "height": 900},
        base_url=f"{service.api_url}/admin/",
        color_scheme=scheme,
        reduced_motion="reduce",
    ) as context:
        context.add_cookies(session)
        page = context.new_page()
        yield page
        session[:] = context.cookies()


def complaints(page: Page, scheme: str) -> list[str]:
    """List what axe finds serious or critical, and what is wider than the page."""
    rules = RULES_OF_DARK if scheme == "dark" else RULES
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response
    said = [
        f"{one['id']}: {node['html'][:160]} {[why['message'] for why in node['any']][:1]}"
        for one in found["violations"]
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
    over = page.evaluate(
        "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
    )
    return said + ([f"{over} px too wide"] if over > 0 else [])


@pytest.mark.parametrize(("scheme", "width"), product(SCHEMES, WIDTHS))
def test_no_page_of_the_admin_is_hard_to_read(
    pages: list[str], tab: Page, scheme: str, width: int
) -> None:
    found = {}
    for path in pages:
        tab.goto(path)
        tab.wait_for_timeout(150)
        if said := complaints(tab, scheme):
            found[path] = said
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


@pytest.mark.parametrize(("scheme", "width"), product(["light"], WIDTHS))
def test_the_button_that_calls_a_host_again_is_in_sight(
    pages: list[str], tab: Page, scheme: str, width: int
) -> None:
    tab.goto("")
    button = tab.get_by_role("button", name="Close hooks-of-a-customer")
    box = button.bounding_box()
    card = button.locator("xpath=ancestor::table/..").bounding_box()
    assert box and card
    assert card["x"] <= box["x"] and box["x"] + box["width"] <= card["x"] + card["width"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nor_is_a_page_outside_it(
    browser: Browser, service: Stage, client: NotifierClient, scheme: str, width: int
) -> None:
    urls = [f"{service.api_url}/admin/login/", f"{service.api_url}/v1/confirmations/nothing"]
    urls += [f"{service.api_url}/problems", f"{service.api_url}/problems/not-found"]
    urls += [service.sandbox["control_url"]]
    found = {}
    with browser.new_context(
        # Without motion: what is still fading in has too little contrast.
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        for url in urls:
            page.goto(url)
            page.wait_for_timeout(150)
            if said := complaints(page, scheme):
                found[url] = said
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


#: Everything somebody could want to press that is shown, each with a mark of its own.
_CONTROLS = """() => {
  const seen = (one) => one.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})
    && one.getClientRects().length > 0 && !one.closest("[inert]");
  const pressed = "a[href], button, input:not([type=hidden]), select, textarea, "
    + "[x-on\\\\:click], [\\\\@click], summary, [role=slider]";
  const not = "nav, section, #changelist-filter-close, [type=radio]:not(:checked), :disabled";
  const found = [...document.querySelectorAll(pressed)]
    .filter((one) => seen(one) && !one.matches(not));
  found.forEach((one, number) => one.setAttribute("data-walk", number));
  return found.map((one) => one.outerHTML.replace(/\\s+/g, " ").slice(0, 160));
}"""


@pytest.mark.parametrize(
    "path",
    [
        *("", "delivery/delivery/", "topics/topic/", "delivery/notification/why/"),
        *("auth/user/add/", CHARTS),
    ],
)
def test_the_keyboard_reaches_every_control(admin: Page, pages: list[str], path: str) -> None:
    admin.goto(path)
    admin.wait_for_timeout(300)
    controls = dict(enumerate(admin.evaluate(_CONTROLS)))
    reached = set()
    for _ in range(LONGEST_WALK):
        admin.keyboard.press("Tab")
        mark = admin.evaluate("document.activeElement?.getAttribute('data-walk')")
        if mark is not None:
            reached.add(int(mark))
        if len(reached) == len(controls):
            break
    missed = [text for number, text in controls.items() if number not in reached]
    assert missed == [], "\n".join(missed)


@pytest.mark.parametrize(
    ("label", "shown"),
    [("Filters", "#changelist-filter"), ("admin@localhost", "text=Log out")],
)
def test_the_keyboard_opens_what_hides(admin: Page, label: str, shown: str) -> None:
    admin.goto("delivery/delivery/")
    button = admin.get_by_role("button", name=re.compile(label)).first
    assert admin.locator(shown).first.is_hidden()
    button.focus()
    admin.keyboard.press("Enter")
    admin.locator(shown).first.wait_for(state="visible")


def test_icons_are_not_read_aloud(admin: Page, pages: list[str]) -> None:
    icons = "[...document.querySelectorAll('.material-symbols-outlined')]"
    found = 0
    for path in pages:
        admin.goto(path)
        admin.wait_for_timeout(100)
        aloud = admin.evaluate(
            f"{icons}.filter((one) =>"
            " !one.closest('[aria-hidden=true]') && !one.getAttribute('aria-label'))"
            ".map((one) => one.outerHTML)"
        )
        assert aloud == [], path
        found += admin.evaluate(f"{icons}.length")
    assert found, "no page has icons"
