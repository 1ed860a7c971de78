"""Templates: written once, checked before they are stored, looked at before they are used."""

import pytest

from apps.publishers.models import AuditEvent
from apps.publishers.scopes import Scope
from tests.support.publishers.api_client import Api

SMS = {"channel": "sms", "locale": "en", "body": "Order {{ order.id }} is on its way."}
GERMAN = {"channel": "sms", "locale": "de", "body": "Bestellung {{ order.id }} ist unterwegs."}
EMAIL = {
    "channel": "email",
    "locale": "en",
    "title": "Order {{ order.id }}",
    "body": "Dear {{ recipient.user_id }}, it comes {{ day }}.",
    "html": "<p>Dear {{ recipient.user_id }}, it comes <b>{{ day }}</b>.",
    "data": {"order": "{{ order.id }}"},
    "actions": {"Zoom": "https://shop.example/z", "A": "https://shop.example/{{ order.id }}"},
}
SHIPPED = {"name": "shipped", "default_locale": "en", "contents": [SMS, GERMAN, EMAIL]}
PREVIEW = {"channel": "sms", "variables": {"order": {"id": "A-7"}, "day": "Friday"}}


def pointers(problem) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


def test_a_template_is_created_and_read_as_it_was_written(api: Api):
    made = api.post("templates", {**SHIPPED, "display_name": "Shipped"}, status=201)
    assert made["version"] == 1 and made["display_name"] == "Shipped"
    assert made["channels"] == ["email", "sms"] and made["locales"] == ["de", "en"]
    empty = {"title": "", "body": "", "html": "", "data": {}, "actions": {}}
    assert made["contents"] == [empty | content for content in SHIPPED["contents"]]
    assert list(made["contents"][2]["actions"]) == ["Zoom", "A"], "in the order they were written"
    assert api.get("templates/shipped") == made
    [row] = api.get("templates")["data"]
    assert row == {name: made[name] for name in made if name != "contents"}


def test_a_new_version_is_the_one_that_is_used_and_the_old_one_stays(api: Api):
    first = api.post("templates", SHIPPED, status=201)
    assert api.post("templates/shipped/preview", PREVIEW)["body"] == "Order A-7 is on its way."
    second = {"default_locale": "en", "contents": [{**SMS, "body": "{{ order.id }}!"}]}
    made = api.post("templates/shipped/versions", second, status=201)
    assert made["version"] == 2
    assert api.get("templates/shipped") == made
    assert api.get("templates/shipped", version=1) == first
    api.get("templates/shipped", version=3, status=404)
    listed = api.get("templates/shipped/versions")["data"]
    assert [row["version"] for row in listed] == [2, 1]
    assert listed[0]["channels"] == ["sms"] and "contents" not in listed[0]
    assert api.post("templates/shipped/preview", PREVIEW)["body"] == "A-7!"
    older = api.post("templates/shipped/preview", {**PREVIEW, "version": 1})
    assert older["body"] == "Order A-7 is on its way."


def test_versions_and_templates_come_in_pages(api: Api):
    for name in ("b", "a", "c"):
        api.post("templates", {**SHIPPED, "name": name}, status=201)
    first = api.get("templates", limit=2)
    assert [row["name"] for row in first["data"]] == ["b", "a"]
    rest = api.get("templates", limit=2, cursor=first["next"])
    assert [row["name"] for row in rest["data"]] == ["c"] and rest["next"] is None
    for _ in range(2):
        version = {"default_locale": "en", "contents": [SMS]}
        api.post("templates/a/versions", version, status=201)
    first = api.get("templates/a/versions", limit=2)
    rest = api.get("templates/a/versions", limit=2, cursor=first["next"])
    assert [row["version"] for row in first["data"] + rest["data"]] == [3, 2, 1]


def test_a_deleted_template_is_gone_and_its_name_is_free(api: Api):
    api.post("templates", SHIPPED, status=201)
    api.post("templates", SHIPPED, status=409)
    api.delete("templates/shipped")
    api.get("templates/shipped", status=404)
    api.delete("templates/shipped", status=404)
    assert api.get("templates")["data"] == []
    assert api.post("templates", SHIPPED, status=201)["version"] == 1


def test_a_preview_is_what_somebody_with_that_locale_would_get(api: Api):
    api.post("templates", SHIPPED, status=201)
    austrian = api.post("templates/shipped/preview", {**PREVIEW, "locale": "de-AT"})
    assert austrian["locale"] == "de"
    assert austrian["body"] == "Bestellung A-7 ist unterwegs."
    assert api.post("templates/shipped/preview", {**PREVIEW, "locale": "fr"})["locale"] == "en"
    variables = {"order": {"id": "A&7"}, "day": "<Friday>"}
    filled = api.post(
        "templates/shipped/preview", {"channel": "email", "locale": "de", "variables": variables}
    )
    assert filled == {
        "channel": "email",
        "locale": "en",
        "title": "Order A&7",
        "body": "Dear ada, it comes <Friday>.",
        "html": "<p>Dear ada, it comes <b>&lt;Friday&gt;</b>.",
        "data": {"order": "A&7"},
        "actions": {"Zoom": "https://shop.example/z", "A": "https://shop.example/A&7"},
    }


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"variables": {}}, "/variables/order", "version 1) on sms in en, body, line 1: The"),
        ({"variables": {"order": {}}}, "/variables/order", "order.id is missing"),
        ({"variables": {"order": {"id": "x" * 2000}}}, "/variables", "too long for an SMS"),
        ({"variables": {"recipient": {}}}, "/variables", "not posted"),
        ({"variables": {"order": {"id": "x" * 70_000}}}, "/variables", "bytes"),
        ({"variables": [1]}, "/variables", "Send an object"),
        ({"channel": "push"}, "/channel", "It has some for: sms, email."),
        ({"channel": "fax"}, "/channel", "one of: push, sms"),
        ({"locale": "German!"}, "/locale", "BCP 47"),
        ({"version": 10**18}, "/version", "less than"),
        ({"version": 2**40}, "/version", "less than"),
        ({"user_id": "ada"}, "/user_id", "no such field"),
    ],
)
def test_what_is_wrong_with_a_preview_is_pointed_at(api: Api, change, pointer, words):
    api.post("templates", SHIPPED, status=201)
    problem = api.post("templates/shipped/preview", {**PREVIEW, **change}, status=400)
    assert pointers(problem) == [pointer]
    assert words in problem["errors"][0]["detail"]


def test_a_title_of_two_lines_is_refused(api: Api):
    api.post("templates", SHIPPED, status=201)
    asked = {"channel": "email", "variables": {"order": {"id": "1\r\nBcc: eve@x"}, "day": "-"}}
    problem = api.post("templates/shipped/preview", asked, status=400)
    assert "title: The title must be one line" in problem["detail"]


@pytest.mark.parametrize(
    ("content", "pointer", "words"),
    [
        ({"body": "a\nb {{ x"}, "/contents/0/body", "Line 2: "),
        ({"body": "{{ x.__class__() }}"}, "/contents/0/body", "Nothing can be called."),
        ({"body": "{{ x|shout }}"}, "/contents/0/body", "There is no filter shout."),
        ({"data": {"a": ["{% include 'x' %}"]}}, "/contents/0/data/a/0", "cannot include"),
        ({"actions": {"Go": "{{"}}, "/contents/0/actions/Go", "Line 1"),
        ({"actions": {"Go": "javascript:x"}}, "/contents/0/actions/Go", "for people to follow"),
        ({"html": "<p>"}, "/contents/0/html", "Only an email"),
        ({"body": "x" * 1601}, "/contents/0", "too long for an SMS"),
        ({"body": ""}, "/contents/0", "needed for an SMS"),
        ({"body": "x" * 70_000}, "/contents/0/body", "65536"),
        ({"channel": "fax"}, "/contents/0/channel", "one of: push, sms"),
        ({"channel": "email", "html": "<p>", "body": ""}, "/contents/0/body", "beside the html"),
        ({"channel": "email", "title": "a\nb"}, "/contents/0/title", "one line"),
        ({"title": "{{ 1 }}" * 600}, "/contents/0/title", "more than 500"),
        ({"channel": "push", "data": {"from": "{{ x }}"}}, "/contents/0", "reserved"),
        ({"data": {"a": ["{{ x }}"] * 2001}}, "/contents", "at most 2,000"),
        ({"locale": "de"}, "/contents", "in en, the default locale"),
        ({"locale": "english language"}, "/contents/0/locale", "BCP 47"),
        ({"subject": "x"}, "/contents/0/subject", "no such field"),
    ],
)
def test_what_is_wrong_with_a_content_is_pointed_at(api: Api, content, pointer, words):
    body = {"name": "x", "default_locale": "en", "contents": [{**SMS, **content}]}
    problem = api.post("templates", body, status=400)
    assert pointers(problem) == [pointer]
    assert words in problem["errors"][0]["detail"]
    api.get("templates/x", status=404)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "a/b"}, "/name"),
        ({"name": ""}, "/name"),
        ({"contents": []}, "/contents"),
        ({"contents": [SMS] * 2}, "/contents/1"),
        ({"contents": [SMS, {**SMS, "locale": "EN"}]}, "/contents/1"),
        ({"contents": [SMS, *({**SMS, "locale": f"x{n}"} for n in range(200))]}, "/contents"),
        (
            {"contents": [SMS, *({**EMAIL, "locale": n, "html": "x" * 65_000} for n in
                                 ("en", "de", "fr", "es", "it"))]},
            "/contents",
        ),
        ({"default_locale": "de"}, "/contents"),
        ({"default_locale": None}, "/default_locale"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_template_is_pointed_at(api: Api, change, pointer):
    problem = api.post("templates", {**SHIPPED, **change}, status=400)
    assert pointers(problem)[0] == pointer


def test_a_locale_may_be_written_in_any_case(api: Api):
    content = {**SMS, "locale": "de-at"}
    body = {"name": "x", "default_locale": "de-AT", "contents": [content]}
    api.post("templates", body, status=201)
    assert api.post("templates/x/preview", {**PREVIEW, "locale": "fr"})["locale"] == "de-at"


def test_another_publishers_template_is_as_if_it_did_not_exist(api: Api, other: Api):
    api.post("templates", SHIPPED, status=201)
    unknown = other.get("templates/shipped", status=404)
    assert unknown["detail"] == api.get("templates/none", status=404)["detail"].replace(
        "none", "shipped"
    )
    other.delete("templates/shipped", status=404)
    other.get("templates/shipped/versions", status=404)
    other.post("templates/shipped/preview", PREVIEW, status=404)
    version = {"default_locale": "en", "contents": [SMS]}
    other.post("templates/shipped/versions", version, status=404)
    assert other.get("templates")["data"] == []
    assert other.post("templates", SHIPPED, status=201)["version"] == 1


def test_a_name_that_nobody_can_have_is_not_found(api: Api):
    for name in ("%00", "a%2Fb", "x" * 300, "%F0%9F%92%A9"):
        api.get(f"templates/{name}", status=404)
        api.post(f"templates/{name}/preview", PREVIEW, status=404)


def test_reading_does_not_let_one_write(publisher):
    reader = publisher("reader", [Scope.TEMPLATES_READ])
    assert reader.post("templates", SHIPPED, status=403)["scope"] == "templates:write"
    assert reader.get("templates")["data"] == []


def test_changes_are_in_the_audit_trail_without_their_texts(api: Api):
    api.post("templates", SHIPPED, status=201)
    version = {"default_locale": "en", "contents": [SMS]}
    api.post("templates/shipped/versions", version, status=201)
    api.delete("templates/shipped")
    events = AuditEvent.objects.filter(object_type="template").order_by("id")
    assert [event.action for event in events] == ["create", "add_version", "delete"]
    assert events[1].after == {
        "version": 2,
        "default_locale": "en",
        "category": "",
        "channels": ["sms"],
        "locales": ["en"],
    }
    assert "on its way" not in str([(event.before, event.after) for event in events])
