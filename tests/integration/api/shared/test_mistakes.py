"""Typical mistakes are answered with what to do instead."""

from typing import Any

import pytest

from tests.support.publishers.api_client import Api

CONTENT = {"title": "Hi"}


def only_error(problem: Any) -> tuple[str, str]:
    [error] = problem["errors"]
    return error["pointer"], error["detail"]


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"content": "hi"}, "/content", 'Send an object: {"body": "hi"}.'),
        ({"content": 'say "hi"'}, "/content", r'{"body": "say \"hi\""}'),
        ({"content": "x" * 500}, "/content", "title, body, data"),
        ({"content": ["hi"]}, "/content", "Send an object with these fields: title"),
        ({"content": 7}, "/content", "Send an object with these fields: title"),
        ({"template": "order"}, "/template", 'Send an object: {"name": "order"}.'),
        ({"content": CONTENT, "fallback": "sms"}, "/fallback", "channel, after_seconds"),
        ({"content": CONTENT, "send_at": "tomorrow"}, "/send_at", "2026-11-22T10:00:00Z"),
        ({"content": CONTENT, "send_at": 1790000000}, "/send_at", "2026-11-22T10:00:00Z"),
        ({"content": CONTENT, "expires_at": "22.11.2026"}, "/expires_at", "2026-11-22T10:00:00Z"),
        ({"content": CONTENT, "channels": "sms"}, "/channels", "Send a list, in brackets"),
        ({"content": {"data": "x"}}, "/content/data", "Send an object"),
        ({"content": CONTENT, "channels": ["fax"]}, "/channels/0", "push, sms, email"),
        ({"content": CONTENT, "priority": "urgent"}, "/priority", "high, normal, low"),
    ],
)
def test_a_notification_with_a_typical_mistake_is_answered_with_the_right_way(
    api: Api, body: Any, pointer: str, words: str
) -> None:
    api.put("recipients/ada", {}, 201)
    said = only_error(api.post("notifications", {"user_id": "ada", **body}, 400))
    assert said[0] == pointer
    assert words in said[1]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        *((name, "user_id") for name in ("user", "userId", "userid", "USER_ID", "user-id")),
        ("userIds", "user_ids"),
        ("sendAt", "send_at"),
        ("contents", "content"),
        ("channel", "channels"),
        ("expiresAt", "expires_at"),
        ("prioritiy", "priority"),
        ("collapseKey", "collapse_key"),
    ],
)
def test_a_misspelt_field_is_answered_with_the_one_that_was_meant(
    api: Api, wrong: str, right: str
) -> None:
    problem = api.post("notifications", {"content": CONTENT, wrong: "ada"}, 400)
    assert problem["type"] == "/problems/unknown-field"
    assert f"Did you mean {right}?" in only_error(problem)[1]


@pytest.mark.parametrize(
    ("path", "body", "pointer", "right"),
    [
        ("topics", {"name": "a", "displayName": "A"}, "/displayName", "display_name"),
        ("topics", {"name": "a", "retryPolicy": {}}, "/retryPolicy", "retry_policy"),
        (
            "topics",
            {"name": "a", "retry_policy": {"schedule": [1], "attemps": 2}},
            "/retry_policy/attemps",
            "attempts",
        ),
        ("recipients/ada", {"timezone": "UTC"}, "/timezone", "time_zone"),
        (
            "recipients/ada",
            {"devices": [{"platform": "web", "token": "t", "appId": "x"}]},
            "/devices/0/appId",
            "app",
        ),
        ("api-keys", {"scope": ["topics:read"]}, "/scope", "scopes"),
        ("status-webhooks", {"URL": "https://example.com"}, "/URL", "url"),
        ("suppressions", {"adress": "x"}, "/adress", "address"),
        ("groups/team/members", {"userIds": ["ada"]}, "/userIds", "user_ids"),
        (
            "templates",
            {"name": "t", "default_locale": "en", "contents": [{"Body": "x"}]},
            "/contents/0/Body",
            "body",
        ),
        ("confirmations", {"tokens": "x"}, "/tokens", "token"),
        ("dead-letters/redrive", {"id": ["x"]}, "/id", "ids"),
    ],
)
def test_every_endpoint_names_the_field_that_was_meant(
    api: Api, path: str, body: Any, pointer: str, right: str
) -> None:
    method = api.put if path.startswith("recipients") else api.post
    problem = method(path, body, 400)
    said = {error["pointer"]: error["detail"] for error in problem["errors"]}
    assert f"Did you mean {right}?" in said[pointer]


def test_a_field_like_none_is_not_guessed(api: Api) -> None:
    problem = api.post("topics", {"name": "a", "colour": 1}, 400)
    assert "Did you mean" not in problem["errors"][0]["detail"]
    problem = api.post("topics", {"name": "a", "x" * 100_000: 1}, 400)
    assert "Known are: " in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limits=5", "Did you mean limit?"),
        ("limit=5&limit=6", "Send it once."),
        ("cursor=a&cursor=b", "Send it once."),
        ("limit=%2B5", "whole number"),
        ("limit=1_0", "whole number"),
        ("limit=%E2%80%835", "whole number"),
        ("limit=5.0", "whole number"),
        ("limit=", "whole number"),
    ],
)
def test_a_wrong_query_parameter_is_named(api: Api, query: str, words: str) -> None:
    problem = api.call("get", f"topics?{query}", status=400)
    assert any(words in error["detail"] for error in problem["errors"])


@pytest.mark.parametrize("value", ["yes", "1", "True", "", "on"])
def test_a_boolean_in_a_query_is_true_or_false(api: Api, value: str) -> None:
    made = api.post("api-keys", {"scopes": ["topics:read"]}, 201)
    problem = api.call("delete", f"api-keys/{made['prefix']}?family={value}", status=400)
    assert problem["errors"] == [{"parameter": "family", "detail": "Send true or false."}]


BOOLEANS = [
    ("post", "topics", {"name": "a"}, "mandatory"),
    ("post", "topics", {"name": "a"}, "requires_confirmation"),
    ("patch", "topics/news", {}, "paused"),
    ("patch", "topics/news", {}, "mandatory"),
    ("patch", "topics/news", {}, "requires_confirmation"),
    ("put", "recipients/ada/preferences", "preferences", "allowed"),
    ("patch", "recipients/ada/preferences", "preferences", "allowed"),
    ("put", "recipients/ada", "preferences", "allowed"),
]


@pytest.mark.parametrize("value", ["yes", "true", "True", "on", "false", "", 1, 0, 1.0, [], {}])
@pytest.mark.parametrize(("method", "path", "body", "field"), BOOLEANS)
def test_a_boolean_is_a_boolean(
    api: Api, method: str, path: str, body: Any, field: str, value: Any
) -> None:
    api.post("topics", {"name": "news"}, 201)
    api.put("recipients/ada", {}, 201)
    sent = {body: [{field: value}]} if isinstance(body, str) else {**body, field: value}
    pointer, detail = only_error(api.call(method, path, sent, 400))
    assert pointer.endswith(f"/{field}")
    assert "true or false" in detail


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("5", False),
        (True, False),
        (" 5", False),
        (5.5, False),
        ([5], False),
        (5, True),
        (5.0, True),
    ],
)
def test_a_whole_number_is_a_number(api: Api, value: Any, taken: bool) -> None:
    bodies = [
        ("post", "topics", {"name": "a", "delay": value}, 201),
        (
            "post",
            "topics",
            {"name": "b", "retry_policy": {"schedule": [1], "attempts": value}},
            201,
        ),
        ("post", "topics", {"name": "c", "retry_policy": {"schedule": [value]}}, 201),
    ]
    for method, path, body, status in bodies:
        half = isinstance(value, float) and "schedule" in str(body) and "attempts" not in str(body)
        expected = status if taken or half else 400
        api.call(method, path, body, expected)


@pytest.mark.parametrize("locale", ["de_AT", "de-AT", "zh_Hant_TW", "en"])
def test_a_locale_may_have_underscores(api: Api, locale: str) -> None:
    right = locale.replace("_", "-")
    assert api.put("recipients/ada", {"locale": locale}, 201)["locale"] == right
    bulk = api.post("recipients/bulk", {"recipients": [{"user_id": "bob", "locale": locale}]})
    assert bulk["results"][0]["status"] == "created"
    assert api.get("recipients/bob")["locale"] == right
    contents = [{"channel": "inbox", "locale": locale, "title": "x"}]
    body = {"name": "t", "default_locale": locale, "contents": contents}
    made = api.post("templates", body, 201)
    assert (made["default_locale"], made["locales"]) == (right, [right])
    seen = api.post("templates/t/preview", {"channel": "inbox", "locale": locale})
    assert seen["locale"] == right


@pytest.mark.parametrize("locale", ["de_AT.UTF-8", "de__AT", "_", "d", "de_", "German!", "dé"])
def test_what_is_no_locale_is_refused(api: Api, locale: str) -> None:
    pointer, detail = only_error(api.put("recipients/ada", {"locale": locale}, 400))
    assert (pointer, "de-AT" in detail) == ("/locale", True)


@pytest.mark.parametrize(
    "text",
    [
        "{{#if name}}Hi{{/if}}",
        "{{# if name}}Hi{{/ if}}",
        "{{#each items}}x{{/each}}",
        "{{^name}}nobody{{/name}}",
        "{{> header}}",
        "{{{name}}}",
        "{{if .Name}}Hi{{end}}",
        "{{.Name}}",
        "{{else}}",
        "{{! a comment }}",
    ],
)
def test_a_template_of_another_language_is_answered_with_jinja(api: Api, text: str) -> None:
    contents = [{"channel": "inbox", "locale": "en", "title": "x", "body": text}]
    body = {"name": "t", "default_locale": "en", "contents": contents}
    pointer, detail = only_error(api.post("templates", body, 400))
    assert pointer == "/contents/0/body"
    assert "{% if name %}" in detail


ODD = [None, "ada", 7, True, [], {}, {"user_id": None}]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_item_of_a_batch_fails_alone(api: Api, odd: Any) -> None:
    api.put("recipients/ada", {}, 201)
    good = {"user_id": "ada", "content": CONTENT}
    answer = api.post("notifications/batch", {"notifications": [good, odd, good]}, 202)
    assert [one["status"] for one in answer["results"]] == ["accepted", "error", "accepted"]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_item_of_many_recipients_fails_alone(api: Api, odd: Any) -> None:
    items = [{"user_id": "ada"}, odd, {"user_id": "bob"}]
    answer = api.post("recipients/bulk", {"recipients": items})
    assert [one["status"] for one in answer["results"]] == ["created", "error", "created"]
    assert answer["results"][1]["problem"]["errors"][0]["pointer"].startswith("/recipients/1")


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_item_of_many_subscriptions_fails_alone(api: Api, odd: Any) -> None:
    api.post("topics", {"name": "news"}, 201)
    api.put("recipients/ada", {}, 201)
    good = {"user_id": "ada", "channels": ["inbox"]}
    answer = api.post("topics/news/subscriptions", {"subscriptions": [good, odd, good]})
    assert [one["status"] for one in answer["results"]] == ["subscribed", "error", "subscribed"]
    assert answer["results"][1]["problem"]["errors"][0]["pointer"].startswith("/subscriptions/1")


@pytest.mark.parametrize("items", [None, "ada", {}, []])
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("notifications/batch", "notifications"),
        ("recipients/bulk", "recipients"),
        ("topics/news/subscriptions", "subscriptions"),
    ],
)
def test_many_are_a_list_of_at_least_one(api: Api, path: str, name: str, items: Any) -> None:
    api.post("topics", {"name": "news"}, 201)
    assert only_error(api.post(path, {name: items}, 400))[0] == f"/{name}"


@pytest.mark.parametrize("field", ["contacts", "devices", "preferences"])
def test_one_thing_in_place_of_a_list_is_answered_with_brackets(api: Api, field: str) -> None:
    problem = api.put("recipients/ada", {field: {"channel": "sms"}}, 400)
    assert only_error(problem) == (f"/{field}", "Send a list, in brackets, also for a single one.")
