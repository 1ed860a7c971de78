"""Notifications from templates: published over HTTP, received in the sandbox and the inbox."""

import pytest

from apps.content import compiled_templates
from apps.delivery.models import Notification
from apps.preferences.models import Recipient
from apps.topics.models import Subscription
from tests.support.publishers.people import contact, recipient, subscribe

CONTENTS = [
    {"channel": "inbox", "locale": "en", "title": "Order {{ order.id }}", "body": "Shipped."},
    {"channel": "inbox", "locale": "de", "title": "Bestellung {{ order.id }}"},
    {
        "channel": "email",
        "locale": "en",
        "title": "Order {{ order.id }} for {{ name }}",
        "body": "Dear {{ name }} ({{ recipient.user_id }})",
        "html": "<p>Dear <b>{{ name }}</b> ({{ recipient.user_id }}, {{ recipient.locale }})",
    },
    {"channel": "sms", "locale": "en", "body": "{{ order.id }} shipped"},
    {"channel": "sms", "locale": "de", "body": "{{ order.id }} versandt"},
    {"channel": "sms", "locale": "de-CH", "body": "{{ order.id }} spediert"},
]
VARIABLES = {"order": {"id": "A-7"}, "name": "Ada <Lovelace> & Co"}
SHIPPED = {"name": "shipped", "variables": VARIABLES}


def template(shop, contents=CONTENTS, name="shipped"):
    body = {"name": name, "default_locale": "en", "contents": contents}
    return shop.post("templates", body, status=201)


def person(user_id, locale="", **addresses):
    row = recipient(user_id, **addresses)
    Recipient.objects.filter(pk=row.pk).update(locale=locale)
    return row


def refusal(shop, path, body, pointer):
    problem = shop.post(path, body, status=400)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert not Notification.objects.exists()
    return problem["detail"]


def test_everybody_is_notified_in_their_own_language(shop, work, providers):
    template(shop)
    numbers = {}
    for n, locale in enumerate(["de-AT", "de-CH", "fr", "", "DE"]):
        numbers[locale] = f"+43660123450{n}"
        person(f"p{n}", locale, sms=numbers[locale])
    posted = shop.post(
        "notifications",
        {"user_ids": [f"p{n}" for n in range(5)], "channels": ["sms"], "template": SHIPPED},
    )
    work()
    assert shop.counts(posted) == {"sms": {"accepted": 5}}
    said = {m["address"]: str(m["content"]) for m in providers.client.messages("sms")}
    spoken = {locale: said[number] for locale, number in numbers.items()}
    assert "versandt" in spoken["de-AT"] and "versandt" in spoken["DE"]
    assert "spediert" in spoken["de-CH"]
    assert "shipped" in spoken["fr"] and "shipped" in spoken[""]


def test_html_is_escaped_and_plain_text_is_not(shop, work, providers):
    template(shop)
    person("ada&co", "de-AT", email="ada@example.com")
    posted = shop.post(
        "notifications", {"user_id": "ada&co", "channels": ["email"], "template": SHIPPED}
    )
    work()
    assert shop.counts(posted) == {"email": {"accepted": 1}}
    [mail] = providers.client.messages("email")
    assert mail["content"]["subject"] == "Order A-7 for Ada <Lovelace> & Co"
    plain, rich = (part["value"] for part in mail["content"]["content"])
    assert plain == "Dear Ada <Lovelace> & Co (ada&co)"
    assert "<b>Ada &lt;Lovelace&gt; &amp; Co</b> (ada&amp;co, de-AT)" in rich


def test_recipients_of_one_content_share_one_request(shop, work, providers):
    plain = {"channel": "email", "locale": "en", "title": "Hi", "body": "Hello {{ name }}"}
    german = {**plain, "locale": "de", "body": "Hallo {{ name }}"}
    template(shop, [plain, german])
    for n in range(6):
        person(f"p{n}", "de" if n % 2 else "en", email=f"p{n}@example.com")
    users = [f"p{n}" for n in range(6)]
    before = providers.client.counts()["sendgrid"]["requests"]
    shop.post("notifications", {"user_ids": users, "channels": ["email"], "template": SHIPPED})
    work()
    counts = providers.client.counts()["sendgrid"]
    assert counts["accepted"] == 6
    assert counts["requests"] - before == 2, "one for each language"


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"variables": {}}, "/template/variables/order", "order is missing"),
        ({"variables": {"order": {}}}, "/template/variables/order", "order.id is missing"),
        ({"variables": {"order": {"id": 1}}}, "/template/variables/name", "on email in en, title"),
        ({"variables": {**VARIABLES, "name": "a\nb"}}, "/template/variables", "one line"),
        ({"variables": {**VARIABLES, "recipient": 1}}, "/template/variables", "not posted"),
        ({"variables": {**VARIABLES, "order": {"id": "x" * 1600}}}, "/template/variables", "SMS"),
        ({"variables": "x"}, "/template/variables", "Send an object"),
        ({"version": 2}, "/template/name", "with a version 2"),
        ({"version": 0}, "/template/version", "greater"),
        ({"version": "one"}, "/template/version", "whole number"),
        ({"name": "none"}, "/template/name", "no template 'none'"),
        ({"locale": "de"}, "/template/locale", "no such field"),
    ],
)
def test_what_would_go_wrong_is_an_error_at_acceptance(shop, change, pointer, words):
    template(shop)
    person("ada", email="ada@example.com", sms="+436601234500")
    body = {"user_id": "ada", "template": {**SHIPPED, **change}}
    assert words in refusal(shop, "notifications", body, pointer)


def test_a_variable_that_one_language_alone_asks_for_is_missed_at_acceptance(shop):
    french = {"channel": "sms", "locale": "fr", "body": "{{ nom }}"}
    template(shop, [*CONTENTS, french])
    person("ada", "de", sms="+436601234500")
    body = {"user_id": "ada", "channels": ["sms"], "template": SHIPPED}
    detail = refusal(shop, "notifications", body, "/template/variables/nom")
    assert "on sms in fr, body, line 1: The variable nom is missing." in detail


def test_it_is_content_or_a_template(shop):
    person("ada")
    refusal(shop, "notifications", {"user_id": "ada"}, "/content")
    both = {"user_id": "ada", "template": SHIPPED, "content": {"body": "x"}}
    refusal(shop, "notifications", both, "/content/body")


def test_a_channel_without_content_is_left_out_unless_it_was_named(shop, work):
    template(shop, CONTENTS[:2])
    person("ada", email="ada@example.com")
    posted = shop.post("notifications", {"user_id": "ada", "template": SHIPPED})
    assert posted["channels"] == ["inbox"]
    named = {"user_id": "ada", "channels": ["inbox", "email"], "template": SHIPPED}
    problem = shop.post("notifications", named, status=400)
    assert problem["errors"][0]["pointer"] == "/channels"
    assert "has no content for email. It has some for: inbox." in problem["detail"]


def test_a_recipient_whom_no_content_can_reach_is_an_error(shop):
    template(shop, CONTENTS[2:3])
    person("ada")
    refusal(shop, "notifications", {"user_id": "ada", "template": SHIPPED}, "/template")


def test_a_topic_is_notified_through_a_template(shop, work, providers):
    template(shop)
    topic = shop.topic()
    for n, locale in enumerate(["de", "en", "de-AT"]):
        one = person(f"p{n}", locale, sms=f"+43660123450{n}")
        subscribe(topic, one, "sms", "inbox")
    posted = shop.post("topics/news/publish", {"template": SHIPPED, "channels": ["sms"]})
    work()
    assert shop.counts(posted) == {"sms": {"accepted": 3}}
    said = [str(m["content"]) for m in providers.client.messages("sms")]
    assert sum("versandt" in one for one in said) == 2


def test_a_group_is_notified_through_a_template(shop, work, providers):
    template(shop)
    for n, locale in enumerate(["de", "en"]):
        person(f"p{n}", locale, sms=f"+43660123450{n}")
    assert shop.http.put("/v1/groups/team", {}, format="json").status_code == 201
    shop.post("groups/team/members", {"user_ids": ["p0", "p1"]}, status=200)
    posted = shop.post("groups/team/notify", {"template": SHIPPED, "channels": ["sms"]})
    work()
    assert shop.counts(posted) == {"sms": {"accepted": 2}}
    said = [str(m["content"]) for m in providers.client.messages("sms")]
    assert sum("versandt" in one for one in said) == 1


def test_a_bare_endpoint_gets_the_default_language(shop, work, providers):
    template(shop)
    topic = shop.topic()
    endpoint = contact("sms", "+436601234500", publisher_id=shop.id)
    Subscription.objects.create(topic=topic, contact=endpoint, channel="sms")
    posted = shop.post("topics/news/publish", {"template": SHIPPED, "channels": ["sms"]})
    work()
    assert shop.counts(posted) == {"sms": {"accepted": 1}}
    assert "shipped" in str(providers.client.messages("sms")[0]["content"])


def test_each_notification_of_a_batch_is_tried_on_its_own(shop):
    template(shop)
    person("ada")
    good = {"user_id": "ada", "template": SHIPPED}
    bad = {"user_id": "ada", "template": {"name": "shipped"}}
    both = {**good, "content": {"body": "x"}}
    results = shop.post("notifications/batch", {"notifications": [good, bad, both]})["results"]
    assert [result["status"] for result in results] == ["accepted", "error", "error"]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/template/variables/order"


def test_a_batch_of_templates_takes_bounded_time(shop):
    loop = "{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}{{ x }}"
    template(shop, [{"channel": "inbox", "locale": "en", "body": loop}])
    person("ada")
    variables = {"l": list(range(180)), "x": "y"}
    one = {"user_id": "ada", "template": {"name": "shipped", "variables": variables}}
    results = shop.post("notifications/batch", {"notifications": [one] * 100})["results"]
    accepted = [result["status"] for result in results].count("accepted")
    assert 10 < accepted < 100
    assert "Post fewer at once" in results[-1]["problem"]["detail"]


def test_a_new_version_is_used_from_then_on_and_does_not_change_what_was_accepted(shop, work):
    template(shop)
    person("ada", "en")
    first = shop.post("notifications", {"user_id": "ada", "template": SHIPPED})
    version = {"default_locale": "en", "contents": [{**CONTENTS[0], "title": "{{ name }}"}]}
    shop.post("templates/shipped/versions", version, status=201)
    second = shop.post("notifications", {"user_id": "ada", "template": SHIPPED})
    old = shop.post("notifications", {"user_id": "ada", "template": {**SHIPPED, "version": 1}})
    assert shop.http.delete("/v1/templates/shipped").status_code == 204
    refused = shop.post("notifications", {"user_id": "ada", "template": SHIPPED}, status=400)
    assert refused["type"] == "/problems/unknown-template"
    compiled_templates.compiled_template.cache_clear()  # another process delivers
    work()
    for posted, number in ((first, 1), (second, 2), (old, 1)):
        found = shop.get(f"notifications/{posted['id']}")
        assert found["counts"] == {"inbox": {"delivered": 1}}
        assert found["template"] == {"name": "shipped", "version": number}


def test_what_cannot_be_said_to_one_recipient_costs_nobody_else(shop, work, providers):
    body = "{% if recipient.user_id == 'eve' %}{{ secret }}{% endif %}Hello"
    template(shop, [{"channel": "sms", "locale": "en", "body": body}])
    for n, user_id in enumerate(["ada", "bob", "eve"]):
        person(user_id, sms=f"+43660123450{n}")
    posted = shop.post(
        "notifications",
        {"user_ids": ["ada", "bob", "eve"], "channels": ["sms"], "template": {"name": "shipped"}},
    )
    work()
    assert shop.counts(posted) == {"sms": {"accepted": 2, "failed": 1}}
    rows = shop.get(f"notifications/{posted['id']}/deliveries", state="failed")["data"]
    assert rows[0]["user_id"] == "eve" and rows[0]["reason"] == "invalid_message"
    assert "body, line 1: The variable secret is missing." in rows[0]["attempts"][0]["detail"]


def test_another_publishers_template_is_as_if_it_did_not_exist(shop, other_shop):
    template(other_shop)
    person("ada")
    body = {"user_id": "ada", "template": SHIPPED}
    assert "no template 'shipped'" in refusal(shop, "notifications", body, "/template/name")


def test_variables_are_encrypted_at_rest(shop):
    template(shop)
    person("ada")
    shop.post("notifications", {"user_id": "ada", "template": SHIPPED})
    row = Notification.objects.get()
    assert row.template_version_id is not None
    assert b"Lovelace" not in bytes(row.content) and b"A-7" not in bytes(row.content)


def test_what_is_sent_instead_says_what_there_is_where_its_channel_has_nothing(
    shop, work, wake, providers
):
    template(shop, [c for c in CONTENTS if c["channel"] == "sms"])
    instead = {"channel": "email", "address": "desk@example.com"}
    policy = {"schedule": [], "after_last": instead}
    shop.post("topics", {"name": "news", "retry_policy": policy}, status=201)
    person("ada", "de", sms="+436601234500")
    requested = {"user_id": "ada", "channels": ["sms"]}
    shop.post("topics/news/subscriptions", requested, status=200)
    providers.client.behave("twilio", "503")
    shop.post("topics/news/publish", {"template": SHIPPED, "channels": ["sms"]})
    work()
    wake()
    work()
    [mail] = providers.client.messages("email")
    assert mail["address"] == "desk@example.com"
    assert mail["content"]["content"][0]["value"] == "A-7 shipped"
