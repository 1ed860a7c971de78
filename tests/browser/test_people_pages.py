"""People's pages in Chromium: from the link of a real mail to what the next one becomes."""

import json
import re
from collections.abc import Iterator
from itertools import product

import pytest
from playwright.sync_api import Browser, Page, expect

from notifier_client import NotifierClient, QuietWindow, TemplateContent
from sandbox.client import SandboxClient
from stack.whole_service import Stage
from tests.browser.test_accessibility import SCHEMES, WIDTHS, complaints
from tests.support import mail_reader
from tests.support.waiting import until

BAD_LINK = "/v1/unsubscribe/nothing"
EVES_PHONE = "+12025550188"


@pytest.fixture(scope="module")
def links(service: Stage, client: NotifierClient) -> dict[str, str]:
    """Paths of the pages of somebody who got several messages, by name."""
    texts = {"en": "Offers", "de": "Angebote"}
    described = {"en": "What is cheaper this week.", "de": "Was diese Woche billiger ist."}
    client.put_category(
        "page-offers", kind="promotional", display_name=texts, description=described
    )
    client.put_category("page-security", kind="critical", display_name={"en": "Security"})
    client.upsert_recipient("page-ada", email="page-ada@example.com", phone="+12025550199")
    client.create_topic("page-sale", display_name="The summer sale", category="page-offers")
    client.create_topic("page-asked", display_name="The letter", requires_confirmation=True)
    client.subscribe("page-sale", user_id="page-ada", channels=["email", "inbox"])
    sandbox = SandboxClient(service.sandbox["control_url"])
    sandbox.reset()
    for category in ("page-offers", "page-security"):
        posted = client.notify_users(
            ["page-ada"],
            title="Socks",
            body="Half price.",
            channels=["email"],
            category=category,
            priority="high",
        )
        client.wait(posted.id)
    client.subscribe("page-asked", channel="email", address="page-desk@example.com")
    found = {"bad": BAD_LINK}
    for message in _mails(sandbox, 3):
        text = _text(message)
        for kind in ("unsubscribe", "preferences", "confirmations"):
            if link := re.search(rf"(/v1/{kind}/[A-Za-z0-9._-]+)", text):
                found[kind] = link[1]
    return found | {"own_times": _page_of_eve(client, sandbox)}


def _page_of_eve(client: NotifierClient, sandbox: SandboxClient) -> str:
    """The page of somebody who has quiet hours, got its link in a text message, and wrote STOP."""
    client.upsert_recipient("page-eve", phone=EVES_PHONE)
    nights = QuietWindow(["mon", "tue", "wed", "thu", "sun"], "22:00", "07:00")
    client.set_quiet_hours("page-eve", [nights, QuietWindow(["fri", "sat"], "23:00", "22:00")])
    socks = TemplateContent(channel="sms", locale="en", body="Socks! {{ links.preferences }}")
    client.create_template("page-socks", [socks], default_locale="en", category="page-offers")
    posted = client.notify_users(
        ["page-eve"], template="page-socks", channels=["sms"], priority="high"
    )
    client.wait(posted.id)
    [message] = sandbox.messages(channel="sms", address=EVES_PHONE)
    link = re.search(r"(/v1/preferences/[A-Za-z0-9_-]+)", str(message["content"]))
    assert link
    sandbox.write_text(EVES_PHONE, "STOP")
    until(lambda: list(client.list_suppressions(channel="sms", address=EVES_PHONE)))
    return link[1]


def _text(message: dict) -> str:
    """The headers and decoded parts of a mail, whichever of the two providers got it."""
    if message["provider"] != "smtp":
        return json.dumps(message["content"])
    mail = mail_reader.read(message["content"].encode())
    return "\n".join([*map(str, mail.values()), *mail_reader.texts(mail)])


def _mails(sandbox: SandboxClient, number: int) -> list[dict]:
    """The mails that the sandbox got, once there are so many."""

    def came() -> list[dict]:
        found = [one for one in sandbox.messages(channel="email") if one["accepted"]]
        return found if len(found) >= number else []

    return until(came)


@pytest.fixture
def tab(browser: Browser, service: Stage, scheme: str, width: int) -> Iterator[Page]:
    """A tab without JavaScript but for axe, in one of the schemes, at one of the widths."""
    with browser.new_context(
        viewport={"width": width, "height": 900},
        base_url=service.api_url,
        color_scheme=scheme,
        reduced_motion="reduce",
        bypass_csp=True,  # axe is a script
    ) as context:
        yield context.new_page()


@pytest.mark.parametrize(("scheme", "width"), product(SCHEMES, WIDTHS))
def test_no_page_of_people_is_hard_to_read(
    links: dict[str, str], tab: Page, scheme: str, width: int
) -> None:
    assert links.keys() == {"bad", "unsubscribe", "preferences", "confirmations", "own_times"}
    found = {}
    for name, path in links.items():
        tab.goto(path)
        if said := complaints(tab, scheme):
            found[name] = said
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


@pytest.fixture
def plain(browser: Browser, service: Stage) -> Iterator[Page]:
    """A tab of a browser that runs no JavaScript."""
    with browser.new_context(base_url=service.api_url, java_script_enabled=False) as context:
        yield context.new_page()


def test_a_person_chooses_without_scripts(links: dict[str, str], plain: Page) -> None:
    plain.goto(links["preferences"])
    kinds = plain.get_by_role("group", name="Offers", exact=True)
    box = kinds.get_by_role("checkbox", name="Text message")
    expect(box).to_be_checked()
    box.uncheck()
    plain.get_by_label("Time zone").select_option("Europe/Vienna")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_role("status")).to_have_text("Your choices are saved.")
    expect(box).not_to_be_checked()
    expect(plain.get_by_label("Time zone")).to_have_value("Europe/Vienna")
    plain.get_by_label("Language").select_option("de")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Was Sie von uns bekommen")
    plain.get_by_label("Sprache").select_option("en")
    plain.get_by_role("button", name="Speichern").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("What you get from us")


def test_a_person_changes_quiet_hours_and_starts_text_messages_again(
    links: dict[str, str], plain: Page
) -> None:
    plain.goto(links["own_times"])
    weekends = plain.get_by_role("group", name="Days on which they begin (2)")
    expect(weekends.get_by_role("checkbox", name="Friday")).to_be_checked()
    weekends.get_by_role("checkbox", name="Friday").uncheck()
    weekends.get_by_label("Until").fill("09:30")
    plain.get_by_label("Send me text messages again").check()
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_role("status")).to_have_text("Your choices are saved.")
    expect(plain.get_by_role("heading", name="Text messages are stopped")).to_have_count(0)
    expect(weekends.get_by_role("checkbox", name="Friday")).not_to_be_checked()
    expect(weekends.get_by_label("Until")).to_have_value("09:30")
    weekends.get_by_label("Until").fill("23:00")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_role("alert")).to_contain_text("Nothing was saved.")
    plain.get_by_label("Remove my own: those for everybody apply again").check()
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_text("There are none: messages come at any time.")).to_be_visible()


def test_a_person_leaves_by_the_button_and_by_the_page(
    links: dict[str, str], client: NotifierClient, plain: Page
) -> None:
    plain.goto(links["unsubscribe"])
    plain.get_by_role("button", name="Unsubscribe").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("You have left “Offers”")
    posted = client.notify_users(
        ["page-ada"], title="S", body="B", channels=["email"], category="page-offers"
    )
    assert client.wait(posted.id).counts == {"email": {"suppressed": 1}}
    plain.goto(links["preferences"])
    plain.get_by_role("button", name="Leave everything that can be left").click()
    expect(plain.get_by_role("status")).to_contain_text("You have left everything.")
    assert plain.locator("input[name=kinds]:checked, input[name=topics]:checked").count() == 0
