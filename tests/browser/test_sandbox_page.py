"""The sandbox's page: what is sent to a stand-in provider is seen as its recipient would see it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.traffic import Traffic
from tests.support.sandbox_fixture import RunningSandbox, start_sandbox

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"


@pytest.fixture(scope="module")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    running = start_sandbox(tmp_path_factory.mktemp("sandbox-page"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def traffic(running: RunningSandbox) -> Traffic:
    return Traffic(running.config)


@pytest.fixture
def open_page(page: Page, running: RunningSandbox) -> Page:
    """The page, open and connected before anything arrives."""
    return opened(page, running)


@pytest.fixture
def unwatched(browser: Browser, running: RunningSandbox) -> Iterator[Page]:
    """The page, in a tab where a script that the browser blocks fails no test."""
    with browser.new_context() as context:
        yield opened(context.new_page(), running)


def opened(page: Page, running: RunningSandbox) -> Page:
    running.client.reset()
    page.goto(running.config["control_url"])
    expect(page.get_by_role("status").first).to_have_text("live")
    return page


def test_messages_appear_by_themselves_as_their_recipients_see_them(
    open_page: Page, traffic: Traffic
) -> None:
    traffic.android("token-of-an-android-phone", "Order 7", "It is on its way.")
    traffic.iphone("Order 8", "It is packed.")
    traffic.sms("+12025550123", "Your code is 123 456.")
    traffic.mail("ada@example.com", "Invoice", "In words.", "<p>In <b>colours</b>.</p>")
    traffic.webhook("orders", {"order": 7})
    expect(open_page.get_by_role("article")).to_have_count(5)
    lock = open_page.locator(".lock.android .banner")
    expect(lock).to_contain_text("It is on its way.")
    expect(open_page.locator(".lock.ios")).to_contain_text("It is packed.")
    expect(open_page.locator(".bubble")).to_have_text("Your code is 123 456.")
    mail = open_page.locator(".mail")
    expect(mail.locator("iframe").content_frame.locator("b")).to_have_text("colours")
    mail.get_by_role("tab", name="Text").click()
    expect(mail.locator("pre")).to_have_text("In words.")
    hook = open_page.get_by_label("Webhook").get_by_role("article")
    expect(hook).to_contain_text("webhook-signature")
    expect(hook).to_contain_text("POST /webhook/orders")


def test_a_channel_and_a_recipient_can_be_picked_out(open_page: Page, traffic: Traffic) -> None:
    traffic.sms("+12025550123", "To Ada.")
    traffic.sms("+12025550199", "To Bo.")
    traffic.mail("ada@example.com", "Hello", "Hello", "<p>Hello</p>")
    expect(open_page.get_by_role("article")).to_have_count(3)
    open_page.get_by_text("SMS", exact=False).first.click()
    expect(open_page.get_by_role("article")).to_have_count(2)
    open_page.get_by_role("searchbox").fill("0199")
    expect(open_page.get_by_role("article")).to_have_count(1)
    expect(open_page.locator(".bubble")).to_have_text("To Bo.")
    traffic.sms("+12025550123", "Not this one.")
    traffic.sms("+12025550199", "This one.")
    expect(open_page.get_by_role("article")).to_have_count(2)


def test_a_switch_makes_the_provider_fail_until_it_is_turned_off(
    open_page: Page, traffic: Traffic
) -> None:
    open_page.get_by_role("button", name=re.compile("Misbehave")).click()
    open_page.get_by_label("twilio to every address").select_option("500")
    expect(open_page.get_by_label("What is set").get_by_role("listitem")).to_have_count(1)
    assert traffic.sms("+12025550123", "Fails.") == 500
    expect(open_page.locator("article.lost")).to_have_count(1)
    open_page.get_by_role("button", name="Behave again").click()
    expect(open_page.get_by_label("What is set").get_by_role("listitem")).to_have_count(0)
    assert traffic.sms("+12025550123", "Arrives.") == 201


def test_somebody_writes_stop_and_gets_no_text_message_until_a_start(
    open_page: Page, traffic: Traffic
) -> None:
    number, refused = "+12025550123", open_page.locator("article.lost")
    open_page.get_by_role("button", name=re.compile("Misbehave")).click()
    for text, status in (("STOP", 400), ("START", 201)):
        open_page.get_by_label("Somebody at").fill(number)
        open_page.get_by_label("writes").fill(text)
        with open_page.expect_response("**/sandbox/texts") as answer:
            open_page.get_by_role("button", name="Send the text message").click()
        assert answer.value.ok
        assert traffic.sms(number, "Your code is 123 456.") == status
    expect(refused).to_have_count(1)


def test_hostile_content_is_shown_and_does_not_run(unwatched: Page, traffic: Traffic) -> None:
    title = unwatched.title()
    traffic.android("token-of-an-android-phone", HOSTILE, HOSTILE)
    traffic.sms("+12025550123", HOSTILE)
    traffic.mail("ada@example.com", HOSTILE, HOSTILE, f"<p>Hello</p>{HOSTILE}")
    traffic.webhook("orders", {"text": HOSTILE})
    expect(unwatched.get_by_role("article")).to_have_count(4)
    expect(unwatched.locator(".bubble")).to_have_text(HOSTILE)
    expect(unwatched.locator("article img")).to_have_count(0)
    mail = unwatched.locator(".mail iframe").content_frame
    expect(mail.get_by_text("Hello")).to_be_visible()
    assert unwatched.title() == title
    assert mail.locator("body").evaluate("() => document.title") == ""


def test_who_holds_and_goes_on_sees_what_was_missed_once(open_page: Page, traffic: Traffic) -> None:
    traffic.sms("+12025550123", "Before.")
    expect(open_page.get_by_role("article")).to_have_count(1)
    open_page.get_by_role("button", name="Hold").click()
    traffic.sms("+12025550123", "Meanwhile.")
    expect(open_page.get_by_role("status").first).to_have_text("held")
    open_page.get_by_role("button", name="Hold").click()
    expect(open_page.locator(".bubble")).to_have_text(["Meanwhile.", "Before."])


def test_the_page_fits_a_phone(open_page: Page, traffic: Traffic) -> None:
    open_page.set_viewport_size({"width": 390, "height": 800})
    traffic.sms("+12025550123", "Your code is 123 456.")
    traffic.webhook("orders", {"text": "x" * 300})
    expect(open_page.get_by_role("article")).to_have_count(2)
    assert open_page.evaluate("() => document.documentElement.scrollWidth") <= 390
