"""Links in what is sent: headers, templates and footers, by SendGrid's stand-in."""

import re

import pytest

from apps.preferences import links
from apps.preferences.models import Contact
from tests.support.deliveries.links import (
    LINK,
    OFFERS,
    browse,
    mails,
    one_click_url,
    parts,
    path_of,
    promotional,
    seen,
)
from tests.support.publishers.people import recipient, subscribe


def post(shop, *user_ids, channels=("email",), **fields):
    body = {"user_ids": user_ids, "channels": channels, **fields}
    if "template" not in fields:
        body.setdefault("content", OFFERS)
    return shop.post("notifications", body)


def template(shop, channel="email", name="sale", **texts):
    content = {"channel": channel, "locale": "en", "title": "Sale", **texts}
    body = {"name": name, "default_locale": "en", "contents": [content]}
    return shop.http.post("/v1/templates", body, format="json")


def test_a_mail_that_can_be_refused_has_the_headers_and_no_other_text(shop, outside, work):
    recipient("ada", email="ada@example.com")
    post(shop, "ada")
    work()
    [mail] = mails(outside)
    url = one_click_url(mail)
    assert url.startswith("https://notify.example.com/v1/unsubscribe/")
    assert mail["headers"] == {
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert parts(mail)[0] == "Half price."


def test_what_is_critical_or_mandatory_has_none(shop, outside, work):
    person = recipient("ada", email="ada@example.com")
    promotional(shop, "security", kind="critical")
    post(shop, "ada", category="security")
    topic = shop.topic("notices", mandatory=True)
    subscribe(topic, person, "email")
    shop.post("topics/notices/publish", {"content": OFFERS})
    work()
    found = mails(outside)
    assert [mail["headers"] for mail in found] == [{"Auto-Submitted": "auto-generated"}] * 2


def test_a_promotional_mail_gets_a_footer_in_its_readers_language(shop, outside, work):
    promotional(shop)
    for user_id, locale in (("ada", "de-AT"), ("bob", "fr"), ("eve", ""), ("kim", "ko")):
        person = recipient(user_id, email=f"{user_id}@example.com")
        person.locale = locale
        person.save()
    post(shop, "ada", "bob", "eve", "kim", category="offers")
    work()
    found = {mail["to"][0]["email"]: mail for mail in mails(outside)}
    assert len(found) == 4
    said = {"ada": "Abmelden", "bob": "Se désabonner", "eve": "Unsubscribe", "kim": "Unsubscribe"}
    for user_id, word in said.items():
        mail = found[f"{user_id}@example.com"]
        text, page = parts(mail)
        assert f"{word}: {one_click_url(mail)}" in text
        assert f'<a href="{one_click_url(mail)}">{word}</a>' in page
        assert "links.invalid" not in str(mail["content"])
    assert len({one_click_url(mail) for mail in found.values()}) == 4


def test_a_template_with_links_gets_no_footer_and_each_reader_their_own(shop, outside, work):
    promotional(shop)
    for user_id in ("ada", "bob", "0", "links"):  # some of which are parts of a mark
        recipient(user_id, email=f"{user_id}@example.com")
    made = template(
        shop,
        body="Dear {{ recipient.user_id }}\n\n{{ links.unsubscribe }} {{ links.preferences }}",
        html='<a href="{{ links.unsubscribe }}">go</a> {{ recipient.user_id }}',
        actions={"Choose": "{{ links.preferences }}"},
    )
    assert made.status_code == 201, made.json()
    post(shop, "ada", "bob", "0", "links", category="offers", template={"name": "sale"})
    work()
    found = mails(outside)
    assert len(found) == 4
    for mail in found:
        name = mail["to"][0]["email"].partition("@")[0]
        url = one_click_url(mail)
        choose = url.replace("/unsubscribe/", "/preferences/")
        text, page = parts(mail)
        assert text == f"Dear {name}\n\n{url} {choose}\n\nChoose: {choose}"
        assert f'<a href="{url}">go</a> {name}' in page


def test_a_blast_with_links_goes_out_in_one_request(shop, outside, work):
    promotional(shop)
    topic = shop.topic("sale", category="offers")
    for number in range(30):
        person = recipient(f"user-{number}", email=f"user-{number}@example.com")
        subscribe(topic, person, "email")
    shop.post("topics/sale/publish", {"content": OFFERS})
    work()
    counts = outside.client.counts()["sendgrid"]
    assert (counts["requests"], counts["deliveries"]) == (1, 30)
    assert len({one_click_url(mail) for mail in mails(outside)}) == 30


@pytest.mark.parametrize("channel", ["sms", "inbox"])
def test_other_channels_fill_links_in_as_well(shop, outside, work, channel):
    recipient("ada", sms="+12025550123")
    assert template(shop, channel, body="Leave: {{ links.unsubscribe }}").status_code == 201
    posted = post(shop, "ada", channels=[channel], template={"name": "sale"})
    work()
    assert sum(shop.counts(posted)[channel].values()) == 1
    if channel == "sms":
        [message] = outside.client.messages(channel="sms")
        assert "Leave: https://notify.example.com/v1/unsubscribe/" in str(message["content"])
        assert "links.invalid" not in str(message["content"])
        [token] = re.findall(r"/v1/unsubscribe/([\w-]+)", str(message["content"]))
        assert links.read(token).contact_id == Contact.objects.get(channel="sms").pk


def test_links_in_a_message_that_cannot_be_refused_lead_to_the_preferences(shop, outside, work):
    recipient("ada", email="ada@example.com")
    promotional(shop, "security", kind="critical")
    template(shop, body="x", actions={"Leave": "{{ links.unsubscribe }}"})
    post(shop, "ada", category="security", template={"name": "sale"})
    work()
    [mail] = mails(outside)
    assert "/v1/preferences/" in parts(mail)[0] and "/v1/unsubscribe/" not in parts(mail)[0]


def test_links_that_a_publisher_posts_itself_are_its_own(shop, outside, work):
    recipient("ada", email="ada@example.com")
    template(shop, body="{{ links.unsubscribe|upper }}")
    use = {"name": "sale", "variables": {"links": {"unsubscribe": "https://shop.example/u"}}}
    post(shop, "ada", template=use)
    work()
    assert parts(mails(outside)[0])[0] == "HTTPS://SHOP.EXAMPLE/U"


def test_a_filter_on_a_link_is_refused_when_it_is_posted(shop, outside):
    recipient("ada", email="ada@example.com")
    template(shop, body="{{ links.unsubscribe|upper }}")
    body = {"user_ids": ["ada"], "channels": ["email"], "template": {"name": "sale"}}
    problem = shop.post("notifications", body, status=400)
    assert "written as it is" in problem["detail"]


def test_a_preview_shows_links_of_nobody(shop, outside):
    template(shop, body="{{ links.unsubscribe }}")
    shown = shop.post("templates/sale/preview", {"channel": "email", "variables": {}}, status=200)
    assert shown["body"].startswith("https://notify.example.com/v1/unsubscribe/example-of-a-link")
    assert "not valid" in seen(browse(shown["body"]))


def test_a_confirmation_has_no_link_to_leave_and_is_in_the_readers_language(offers, outside, ask):
    person = recipient("ada", email="ada@example.com")
    person.locale = "de"
    person.save()
    body = {"user_id": "ada", "channels": ["email"]}
    offers.post("topics/offers/subscriptions", body, status=200)
    ask()
    [mail] = mails(outside)
    assert mail["headers"] == {"Auto-Submitted": "auto-generated"}
    assert mail["subject"] == "Nachrichten von The shop's offers?"
    text = parts(mail)[0]
    assert "Jemand hat shop gebeten" in text
    link = text.rsplit("Bestätigen: ", 1)[1].strip()
    page = browse(link)
    assert '<html lang="de"' in page.content.decode()
    assert "Jemand hat shop gebeten" in seen(page) and "Ja, bestätigen" in seen(page)
    assert "Bestätigt" in seen(browse(link, {}))
    assert browse(link, headers={}).status_code == 200


def test_the_link_of_a_bare_endpoint_is_about_its_topic(shop, outside, work):
    shop.topic("sale")
    address = {"channel": "email", "address": "desk@example.com"}
    shop.post("topics/sale/subscriptions", address, status=200)
    shop.post("topics/sale/publish", {"content": OFFERS})
    work()
    [mail] = mails(outside)
    target = links.read(path_of(one_click_url(mail)).rpartition("/")[2])
    assert target.recipient_id is None and target.contact_id and target.topic_id


def test_nothing_personal_is_in_a_link(shop, outside, work):
    recipient("ada", email="ada@example.com")
    post(shop, "ada")
    work()
    import re

    assert re.fullmatch(LINK, one_click_url(mails(outside)[0]))
