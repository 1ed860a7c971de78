"""Content without anything to see is refused when it is posted."""

from typing import Any

import pytest

from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

CHANNELS = ["push", "sms", "email", "inbox"]
BLANK = ["\n", "  ", "\r\n\t", "\u200b", "\u00a0\u2060", "\x01", "\ufeff\u202e", "\u2028"]
#: Unicode letters, symbols and marks that no font shows.
BLANK += ["\u3164", "\u2800", "\u115f\uffa0", "\ufe0f\u034f"]


@pytest.fixture
def ada(shop: Shop, providers: Any) -> None:
    recipient("ada", push_android="a" * 40, sms="+4366012345678", email="ada@example.com")
    recipient("bob", push_android="b" * 40, sms="+4366012345679", email="bob@example.com")


def notify(shop: Shop, status: int = 202, **fields: Any) -> Any:
    return shop.post("notifications", {"user_id": "ada", **fields}, status=status)


def test_content_in_which_nothing_can_be_seen_is_refused(shop: Shop, ada: None):
    for channel in CHANNELS:
        for blank in BLANK:
            problem = notify(shop, 400, channels=[channel], content={"body": blank})
            assert problem["errors"][0]["pointer"].startswith("/content")


def test_a_title_with_a_blank_body_reaches_every_provider(
    shop: Shop, ada: None, work: Any, providers: Any
):
    for number, blank in enumerate(BLANK):
        content = {"title": f"Order {number}", "body": blank}
        posted = notify(shop, channels=CHANNELS, content=content)
        work()
        became = {channel: set(states) for channel, states in shop.counts(posted).items()}
        assert became == {
            "push": {"accepted"},
            "sms": {"accepted"},
            "email": {"accepted"},
            "inbox": {"delivered"},
        }
    received = [m for m in providers.client.messages() if m["accepted"]]
    mails = [m["content"] for m in received if m["provider"] == "sendgrid"]
    assert {mail["content"][0]["value"] for mail in mails} == {
        f"Order {number}" for number in range(len(BLANK))
    }
    assert len(mails) == len(BLANK)


def test_a_blank_title_is_no_subject(shop: Shop, ada: None, providers: Any, work: Any):
    notify(shop, channels=["email"], content={"title": "\u200b", "body": "\n\u2060\nIt is packed."})
    work()
    [mail] = [m for m in providers.client.messages() if m["accepted"]]
    assert mail["content"]["subject"] == "It is packed."


def template(shop: Shop, **texts: str) -> None:
    shop.post(
        "templates",
        {
            "name": "sums",
            "default_locale": "en",
            "contents": [{"channel": name, "locale": "en", **texts} for name in CHANNELS],
        },
        status=201,
    )


@pytest.mark.parametrize("word", BLANK)
def test_a_template_that_comes_to_nothing_is_refused_where_it_is_posted(
    shop: Shop, ada: None, word: str
):
    template(shop, body="{{ word }}{% if word == 'x' %}y{% endif %}")
    for channel in CHANNELS:
        use = {"name": "sums", "variables": {"word": word}}
        problem = notify(shop, 400, channels=[channel], template=use)
        assert "something to see" in problem["detail"]
        preview = {"channel": channel, "variables": {"word": word}}
        shown = shop.post("templates/sums/preview", preview, status=400)
        assert "something to see" in shown["detail"]
        notify(shop, channels=[channel], template={"name": "sums", "variables": {"word": "x"}})


def test_a_template_that_says_nothing_to_one_person_fails_for_that_one(
    shop: Shop, ada: None, work: Any
):
    template(shop, body="{% if recipient.user_id == 'ada' %}Hello{% endif %}\n")
    posted = notify(shop, channels=["email"], template={"name": "sums"})
    both = {"user_ids": ["ada", "bob"], "channels": ["email"], "template": {"name": "sums"}}
    posted = shop.post("notifications", both)
    work()
    assert shop.counts(posted) == {"email": {"accepted": 1, "failed": 1}}


def test_html_that_comes_to_nothing_shows_the_body(
    shop: Shop, ada: None, providers: Any, work: Any
):
    content = {
        "channel": "email",
        "locale": "en",
        "title": "T",
        "body": "It is packed.",
        "html": "{% if x %}<p>x</p>{% endif %} \n",
    }
    body = {"name": "page", "default_locale": "en", "contents": [content]}
    shop.post("templates", body, status=201)
    use = {"name": "page", "variables": {"x": False}}
    notify(shop, channels=["email"], template=use)
    work()
    [mail] = [m for m in providers.client.messages() if m["accepted"]]
    assert "It is packed." in mail["content"]["content"][1]["value"]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        *(("myapp://orders/7", 202), ("tel:+4366012345678", 202), ("sms:+4366012345678", 202)),
        *(("mailto:a@example.com", 202), ("https://example.com/", 202), ("ftp://x.example", 400)),
        *(("javascript:alert(1)", 400), ("data:text/html,x", 400), ("file:///x", 400), ("x", 400)),
    ],
)
def test_one_rule_says_where_actions_may_lead(
    shop: Shop, ada: None, work: Any, providers: Any, url: str, status: int
):
    actions = {"Open": url}
    posted = notify(shop, status, channels=CHANNELS, content={"body": "x", "actions": actions})
    by_variable = {"channel": "email", "locale": "en", "body": "x", "actions": {"Open": "{{ u }}"}}
    body = {"name": "links", "default_locale": "en", "contents": [by_variable]}
    shop.post("templates", body, status=201)
    use = {"name": "links", "variables": {"u": url}}
    notify(shop, status, channels=["email"], template=use)
    second = {**body, "name": "two", "contents": [{**by_variable, "actions": actions}]}
    shop.post("templates", second, status=201 if status == 202 else 400)
    if status == 400:
        assert posted["errors"][0]["pointer"] == "/content/actions/Open"
        return
    work()
    received = [m for m in providers.client.messages() if m["accepted"]]
    mails = [m for m in received if m["provider"] == "sendgrid"]
    assert len(mails) == 2
    assert all(url in mail["content"]["content"][0]["value"] for mail in mails)
    assert all(f'href="{url}"' in mail["content"]["content"][1]["value"] for mail in mails)


@pytest.mark.parametrize("label", ["", *BLANK])
def test_a_link_has_a_label_to_see(shop: Shop, ada: None, label: str):
    actions = {"Open": "https://example.com/", label: "https://example.com/"}
    problem = notify(shop, 400, content={"body": "x", "actions": actions})
    assert problem["errors"][0]["pointer"] == "/content/actions"
    content = {"channel": "email", "locale": "en", "body": "x", "actions": actions}
    body = {"name": "labels", "default_locale": "en", "contents": [content]}
    problem = shop.post("templates", body, status=400)
    assert problem["errors"][0]["pointer"] == "/contents/0/actions"
