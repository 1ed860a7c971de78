"""Recipients' names and attributes in templates: written over HTTP, read in the inbox."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.preferences.models import Recipient
from tests.support.publishers.inbox_app import ada
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop, delivery_of

__all__ = ["ada"]  # a fixture
TITLE = "Dear {{ recipient.name or 'customer' }}"
BODY = "{{ n }} near {{ recipient.attributes.address.city|default('you') }}"


def template(shop: Shop, title: str = TITLE, body: str = BODY, name: str = "hello") -> None:
    texts = [{"channel": "inbox", "locale": "en", "title": title, "body": body}]
    shop.post("templates", {"name": name, "default_locale": "en", "contents": texts}, status=201)


def put(shop: Shop, user_id: str, **fields: Any) -> Any:
    answer = shop.http.put(f"/v1/recipients/{user_id}", fields, format="json")
    assert answer.status_code in (200, 201), answer.json()
    return answer.json()


def publish(shop: Shop, *user_ids: str, status: int = 202) -> Any:
    use = {"name": "hello", "variables": {"n": 3}}
    body = {"user_ids": user_ids, "channels": ["inbox"], "template": use}
    return shop.post("notifications", body, status=status)


def test_a_template_says_what_is_known_of_each_recipient(shop: Shop, work, ada):
    recipient("bob")
    put(shop, "ada", name="Ada", attributes={"address": {"city": "Vienna"}, "plan": "pro"})
    put(shop, "carl", attributes={"address": {}})
    template(shop)
    posted = publish(shop, "ada", "bob", "carl")
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 3}}
    [item] = ada.get("/v1/inbox").json()["data"]
    assert (item["title"], item["body"]) == ("Dear Ada", "3 near Vienna")
    texts = set()
    for name in ("bob", "carl"):
        shown = _inbox(name)
        texts.add((shown.title, shown.body))
    assert texts == {("Dear customer", "3 near you")}


def _inbox(user_id: str) -> Any:
    from apps.inbox import services
    from apps.inbox.models import InboxItem

    row = InboxItem.objects.get(recipient__user_id=user_id)
    return services.unseal(row.delivery_id, bytes(row.content))


def test_an_attribute_that_is_missing_is_printed_as_nothing(shop: Shop, work, ada):
    body = (
        "[{{ recipient.attributes.city }}{% if recipient.attributes.plan == 'pro' %}!{% endif %}"
        "{% for one in recipient.attributes.list %}{{ one }}{% endfor %}]"
    )
    template(shop, body=body)
    publish(shop, "ada")
    work()
    [item] = ada.get("/v1/inbox").json()["data"]
    assert item["body"] == "[]"


@pytest.mark.parametrize(
    "body", ["{{ recipient.attributes.age + 1 }}", "{{ recipient.nickname }}", "{{ recipient }}"]
)
def test_what_fails_for_people_without_attributes_is_refused_when_it_is_posted(
    shop: Shop, body: str
):
    recipient("ada")
    template(shop, body=body)
    refused = publish(shop, "ada", status=400)
    assert "The template hello" in refused["detail"]


def test_profiles_are_read_once_a_claim_and_only_where_a_template_mentions_them(shop: Shop, work):
    names = [f"p{number}" for number in range(5)]
    for name in names:
        recipient(name)
    template(shop)
    publish(shop, *names)
    with CaptureQueriesContext(connection) as asked:
        work()
    assert sum("AND (name IS NOT NULL" in query["sql"] for query in asked) == 1
    template(shop, title="Dear {{ recipient.user_id }}", body="Hello {{ n }}", name="plain")
    use = {"name": "plain", "variables": {"n": 1}}
    shop.post("notifications", {"user_ids": names, "channels": ["inbox"], "template": use})
    with CaptureQueriesContext(connection) as asked:
        work()
    assert not any("AND (name IS NOT NULL" in query["sql"] for query in asked)


def test_what_is_left_out_stays_and_attributes_are_replaced_as_a_whole(shop: Shop):
    put(shop, "ada", name="Ada", attributes={"city": "Vienna", "plan": "pro"})
    put(shop, "ada", locale="de")
    found = shop.get("recipients/ada")
    assert (found["name"], found["attributes"]) == ("Ada", {"city": "Vienna", "plan": "pro"})
    assert put(shop, "ada", attributes={"city": "Graz"})["attributes"] == {"city": "Graz"}
    assert put(shop, "ada", name="")["name"] == ""
    assert put(shop, "ada", attributes={})["attributes"] == {}
    put(shop, "ada", name="Ada", attributes={"city": "Graz"})
    cleared = put(shop, "ada", name=None, attributes=None)
    assert (cleared["name"], cleared["attributes"]) == ("", {})
    row = Recipient.objects.get(user_id="ada")
    assert (row.name, row.attributes) == (None, None)
    assert put(shop, "carl", name=None, attributes=None)["attributes"] == {}
    bulk = {"recipients": [{"user_id": "ada", "name": "Ada L."}, {"user_id": "bob"}]}
    shop.post("recipients/bulk", bulk, status=200)
    assert shop.get("recipients/ada")["name"] == "Ada L."
    assert shop.get("recipients/bob")["attributes"] == {}


def test_they_are_encrypted_each_for_its_person(shop: Shop, execute):
    put(shop, "ada", name="Zanzibar", attributes={"city": "Zanzibar"})
    put(shop, "bob")
    row = Recipient.objects.get(user_id="ada")
    assert b"Zanzibar" not in bytes(row.name) + bytes(row.attributes)
    execute(
        "UPDATE preferences_recipient SET attributes = %s, name = %s WHERE user_id = 'bob'",
        row.attributes,
        row.name,
    )
    found = shop.get("recipients/bob")
    assert (found["name"], found["attributes"]) == (None, None), "copied, they do not open"


def test_a_profile_whose_key_is_missing_is_none(shop: Shop, work, execute, caplog):
    """A name that cannot be read is no reason to keep a message back."""
    put(shop, "ada", name="Ada")
    put(shop, "bob", name="Bob")
    template(shop)
    execute("UPDATE preferences_recipient SET name = 'x'::bytea WHERE user_id = 'ada'")
    posted = publish(shop, "ada", "bob")
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}
    assert (_inbox("ada").title, _inbox("bob").title) == ("Dear customer", "Dear Bob")
    assert "the profile of a recipient cannot be read" in caplog.text


def test_a_profile_that_the_recipients_language_does_not_need_is_not_opened(
    shop: Shop, work, execute, caplog
):
    put(shop, "ada", name="Ada", locale="de")
    texts = [
        {"channel": "inbox", "locale": "en", "title": TITLE},
        {"channel": "inbox", "locale": "de", "title": "Hallo {{ recipient.user_id }}"},
    ]
    body = {"name": "hello", "default_locale": "en", "contents": texts}
    shop.post("templates", body, status=201)
    execute("UPDATE preferences_recipient SET name = 'x'::bytea WHERE user_id = 'ada'")
    publish(shop, "ada")
    work()
    assert _inbox("ada").title == "Hallo ada"
    assert "cannot be read" not in caplog.text


def test_a_title_is_one_line_whatever_is_known_of_its_recipient(shop: Shop, work):
    for name in ("ada", "bob"):
        put(shop, name, attributes={"address": {"city": f"{name}\r\nVienna\t1010"}})
    template(
        shop,
        title="To {{ recipient.attributes.address.city|default('you') }}",
        body="{{ recipient.attributes.address.city }}",
    )
    posted = publish(shop, "ada", "bob")
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}
    for name in ("ada", "bob"):  # the first one is rendered otherwise than those after it
        shown = _inbox(name)
        assert shown.title == f"To {name} Vienna 1010"
        assert shown.body == f"{name}\r\nVienna\t1010"


@pytest.mark.parametrize("name", ["Ada\nBcc: x", "Ada\t", "A\x7fda", "Ada\u2028"])
def test_a_name_is_one_line(shop: Shop, name: str):
    answer = shop.http.put("/v1/recipients/ada", {"name": f"{name} L."}, format="json")
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/name"]


def test_attributes_have_a_size_and_a_name_a_length(shop: Shop):
    for body, pointer in (
        ({"attributes": {"x": "y" * 4_100}}, "/attributes"),
        ({"attributes": ["city"]}, "/attributes"),
        ({"name": "x" * 201}, "/name"),
    ):
        answer = shop.http.put("/v1/recipients/ada", body, format="json")
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_an_address_without_a_person_has_no_attributes(shop: Shop, work, providers):
    texts = [{"channel": "email", "locale": "en", "title": TITLE, "body": BODY}]
    body = {"name": "hello", "default_locale": "en", "contents": texts}
    shop.post("templates", body, status=201)
    shop.topic("news")
    bare = {"channel": "email", "address": "desk@example.com"}
    shop.post("topics/news/subscriptions", bare, status=200)
    use = {"name": "hello", "variables": {"n": 1}}
    posted = shop.post("topics/news/publish", {"template": use})
    work()
    row = delivery_of(shop, posted)
    assert row["state"] == "accepted", row
    [mail] = providers.client.messages("email")
    assert mail["content"]["subject"] == "Dear customer"
