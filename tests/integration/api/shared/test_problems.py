"""Every error is a problem that says what to do."""

import html
import re
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client

from apps.api.problems import TYPES
from apps.preferences import selectors
from apps.topics.api import topic_views
from tests.support.publishers.api_client import Api

PROBLEM = "application/problem+json"
ROOT = Path(__file__).resolve().parents[4]


def test_the_documentation_lists_every_problem_there_is():
    rows = re.findall(
        r"^\| `/problems/([a-z-]+)` \| (\d{3}) \| ([^|]+) \| [^|]+ \|$",
        (ROOT / "docs" / "problems.md").read_text(),
        re.MULTILINE,
    )
    assert rows == [(name, str(kind.status), kind.title) for name, kind in TYPES.items()]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_unknown_path_is_a_problem(api: Api, method: str):
    problem = api.call(method, "nothing/here", status=404)
    assert problem["type"] == "/problems/not-found"
    assert "/v1/docs" in problem["detail"]


def test_an_unknown_path_needs_no_key_to_be_unknown(api: Api):
    assert api.call("post", "nothing", status=404, headers={})["type"] == "/problems/not-found"


def test_a_path_outside_the_api_is_not_answered_with_a_problem(client: Client):
    assert client.get("/nothing").headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("//v1/topics", "/v1/topics"),
        ("/v1//topics", "/v1/topics"),
        ("/v1/topics/", "/v1/topics"),
        ("/v1/notifications/batch/", "/v1/notifications/batch"),
        ("/v1/recipients/ada/devices//", "/v1/recipients/ada/devices"),
        ("/v1/topics/%C3%BC/", "/v1/topics/%C3%BC"),
        ("/V1/Topics", "/v1/topics"),
        ("/topics", "/v1/topics"),
        ("/v1", "/v1/docs"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
def test_a_path_that_is_nearly_ours_is_suggested(
    client: Client, path: str, meant: str, method: str
):
    answer = getattr(client, method)(path, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, PROBLEM)
    assert f"Did you mean {meant}?" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/nothing", "/healthz/", "/problems/nothing", "/static/nothing"])
def test_outside_the_api_an_error_is_a_problem_where_json_is_asked_for(client: Client, path: str):
    for accept, kind in (
        ("application/json", PROBLEM),
        ("text/html", "text/html"),
        ("", "text/html"),
    ):
        answer = client.get(path, headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith(kind), (path, accept)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/docs", "GET, HEAD"),
        ("/v1/openapi.json", "GET, HEAD"),
        ("/v1/confirmations/x", "GET, HEAD, POST"),
        ("/v1/unsubscribe/x", "GET, HEAD, POST"),
        ("/v1/preferences/x", "GET, HEAD, POST"),
        ("/problems", "GET, HEAD"),
        ("/problems/not-found", "GET, HEAD"),
    ],
)
def test_a_wrong_method_of_a_page_is_a_problem(client: Client, path: str, allowed: str):
    answer = client.put(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (405, PROBLEM)
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("name", TYPES)
def test_every_problem_type_leads_to_a_page_that_says_what_to_do(client: Client, name: str):
    answer = client.get(f"/problems/{name}")
    assert answer.status_code == 200
    page = html.unescape(re.sub("<[^>]+>", "", answer.content.decode()))
    docs = (ROOT / "docs" / "problems.md").read_text()
    row = re.search(rf"^\| `/problems/{name}` \| \d+ \| ([^|]+) \| ([^|]+) \|$", docs, re.MULTILINE)
    assert row is not None
    for text in row.groups():
        assert text.strip().replace("`", "") in page
    assert f'href="/problems/{name}"' in client.get("/problems").content.decode()


def test_a_wrong_method_names_the_right_ones(api: Api):
    problem = api.put("topics", {}, status=405)
    assert problem["type"] == "/problems/method-not-allowed"
    assert api.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_a_body_that_is_not_json_is_located(api: Api):
    problem = api.call(
        "post", "topics", status=400, data=b'{"name": }', content_type="application/json"
    )
    assert problem["type"] == "/problems/malformed-json"
    assert "line 1, column 10" in problem["detail"]


@pytest.mark.parametrize("body", [b'{"name": "\xff"}', b'{"name": "\\ud800"}', b'{"delay": NaN}'])
def test_json_is_strict(api: Api, body: bytes):
    problem = api.call("post", "topics", status=400, data=body, content_type="application/json")
    assert problem["type"] == "/problems/malformed-json"


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_json_nested_too_deep_to_be_stored_is_the_senders_mistake(
    api: Api, opened: str, closed: str
):
    api.put("recipients/ada", {}, status=201)
    for levels, status in ((61, 202), (62, 400), (900, 400)):
        deep = f"{opened * levels}0{closed * levels}"
        # With the notification, its content and its data, three levels more.
        data = f'{{"user_id": "ada", "content": {{"body": "x", "data": {{"a": {deep}}}}}}}'
        problem = api.call(
            "post", "notifications", status=status, data=data, content_type="application/json"
        )
    assert problem["type"] == "/problems/invalid-request"
    assert "64" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"user_id": "a\0"}, ["/user_id"]),
        (
            {"user_id": "ada", "content": {"data": {"a": ["x", {"~/": "\0"}]}}},
            ["/content/data/a/1/~0~1"],
        ),
        (
            {"notifications": [{"a\0b": 1}, {"a": "\0", "b": "c\0"}]},
            ["/notifications/0/a\0b", "/notifications/1/a", "/notifications/1/b"],
        ),
    ],
)
def test_every_nul_character_is_pointed_at(api: Api, body: dict, pointers: list[str]):
    problem = api.post("notifications", body, status=400)
    assert problem["type"] == "/problems/invalid-request"
    assert [error["pointer"] for error in problem["errors"]] == pointers


def test_a_batch_with_a_nul_is_refused_and_its_key_stays_free(api: Api):
    api.put("recipients/ada", {}, status=201)
    item = {"user_id": "ada", "content": {"body": "x"}}
    headers = {"Authorization": f"Bearer {api.key}", "Idempotency-Key": "k"}
    body = {"notifications": [item, {**item, "a\0b": 1}]}
    problem = api.call("post", "notifications/batch", body, status=400, headers=headers)
    assert problem["errors"][0]["pointer"] == "/notifications/1/a\0b"
    body["notifications"].pop()
    api.call("post", "notifications/batch", body, status=202, headers=headers)


def test_a_backslash_before_u0000_is_text(api: Api):
    data = b'{"name": "news", "display_name": "\\\\u0000"}'
    made = api.call("post", "topics", status=201, data=data, content_type="application/json")
    assert made["display_name"] == r"\u0000"


@pytest.mark.parametrize("body", ["[]", '"text"', "3", "null"])
def test_a_body_that_is_no_object_is_refused(api: Api, body: str):
    problem = api.call("post", "topics", status=400, data=body, content_type="application/json")
    assert problem["type"] == "/problems/invalid-request"


def test_a_body_of_another_type_is_refused(api: Api):
    problem = api.call("post", "topics", status=415, data="name=news", content_type="text/plain")
    assert problem["type"] == "/problems/unsupported-media-type"
    assert "application/json" in problem["detail"]


def test_only_json_is_spoken(api: Api):
    headers = {"Authorization": f"Bearer {api.key}", "Accept": "application/xml"}
    problem = api.call("get", "topics", status=406, headers=headers)
    assert problem["type"] == "/problems/not-acceptable"


def test_a_chunked_body_is_refused_where_the_server_cannot_read_it(api: Api):
    headers = {"Authorization": f"Bearer {api.key}", "Transfer-Encoding": "chunked"}
    problem = api.call("post", "topics", {"name": "news"}, status=411, headers=headers)
    assert problem["type"] == "/problems/length-required"


def test_a_body_beyond_the_limit_is_refused(api: Api):
    problem = api.post("topics", {"name": "news", "display_name": "x" * 1024 * 1024}, status=413)
    assert problem["type"] == "/problems/payload-too-large"
    assert problem["limit"] == 1024 * 1024


def test_unknown_fields_are_named_with_those_that_are_known(api: Api):
    problem = api.post("topics", {"name": "news", "prioritiy": "high", "a/b~c": 1}, status=400)
    assert problem["type"] == "/problems/unknown-field"
    assert {error["pointer"] for error in problem["errors"]} == {"/prioritiy", "/a~1b~0c"}
    assert "default_priority" in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("topics", {"name": "news", "display_name": 0}, ["/display_name"]),
        ("topics", {"name": "news", "display_name": True}, ["/display_name"]),
        ("topics", {"name": "news", "display_name": 0, "colour": 1}, ["/colour", "/display_name"]),
        ("groups/team/members", {"user_ids": ["ada", 7, "bob"]}, ["/user_ids/1"]),
        (
            "notifications",
            {"user_id": 7, "content": {"title": "Hi", "body": 1.5}},
            ["/content/body", "/user_id"],
        ),
    ],
)
def test_a_number_is_not_text(api: Api, path: str, body: dict, pointers: list[str]):
    problem = api.post(path, body, status=400)
    assert sorted(error["pointer"] for error in problem["errors"]) == pointers


def test_every_wrong_field_is_pointed_at(api: Api):
    body = {
        "time_zone": "Mars/Olympus",
        "locale": "German!",
        "surname": "x",
        "devices": [
            {"platform": "android", "token": "a" * 30},
            {"platform": "palm", "token": "b" * 30, "os": 5},
        ],
    }
    problem = api.put("recipients/ada", body, status=400)
    assert problem["type"] == "/problems/invalid-request"
    assert {error["pointer"] for error in problem["errors"]} == {
        "/time_zone",
        "/locale",
        "/surname",
        "/devices/1/platform",
        "/devices/1/os",
    }
    assert "(4 more in errors)" in problem["detail"]


@pytest.mark.parametrize("limit", ["0", "201", "many"])
def test_a_wrong_limit_is_named(api: Api, limit: str):
    problem = api.get("topics", status=400, limit=limit)
    assert problem["errors"][0]["parameter"] == "limit"


def test_an_unknown_query_parameter_is_named(api: Api):
    problem = api.get("topics", status=400, offset="10")
    assert problem["errors"][0]["parameter"] == "offset"
    assert "cursor" in problem["errors"][0]["detail"]


def test_an_exception_nobody_expected_is_a_problem(api: Api, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(topic_views.selectors, "visible_topics", broken)
    problem = api.get("topics", status=500)
    assert problem["type"] == "/problems/internal-error"
    assert "secret" not in str(problem)


def test_a_database_that_is_gone_is_a_problem_to_come_back_to(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    def gone(*_: object) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(selectors.Recipient.objects, "all", gone)
    problem = api.get("recipients", status=503)
    assert problem["type"] == "/problems/unavailable"
    assert api.headers["Retry-After"] == "2"


def test_a_host_that_is_not_ours_is_a_problem(api: Api):
    problem = api.call("get", "topics", status=400, headers={"Host": "evil.example"})
    assert problem["type"] == "/problems/invalid-request"
    assert "this Host" in problem["detail"] and "NOTIFIER_ALLOWED_HOSTS" in problem["detail"]
