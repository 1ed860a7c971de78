"""Query parameters and bodies that a call does not take are refused."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.api.operation import operation
from apps.preferences.models import Recipient
from apps.publishers.api.endpoint import Endpoint
from apps.topics.models import Topic
from tests.support.publishers.api_client import Api

PERCENT = "A ? that belongs to a name or id in the path is written %3F."


@pytest.fixture
def notification(api: Api) -> str:
    api.put("recipients/ada", {}, 201)
    posted = {"user_id": "ada", "content": {"title": "Hi"}}
    return api.post("notifications", posted, 202)["id"]


def parameters(problem: Any) -> list[str]:
    assert problem["type"] == "/problems/invalid-request"
    return [error["parameter"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "topics", {"name": "fresh"}),
        ("put", "recipients/bob", {}),
        ("patch", "topics/news", {"display_name": "Other"}),
        ("delete", "topics/news", None),
        ("get", "topics/news", None),
        ("get", "usage", None),
        ("head", "topics/news", None),
        ("post", "recipients/bulk", {"recipients": [{"user_id": "bob"}]}),
        ("put", "recipients/bulk", {}),
        ("get", "recipients/bulk", None),
        ("post", "notifications", {"user_id": "ada", "content": {"title": "Hi"}}),
        ("post", "topics/news/publish", {"content": {"title": "Hi"}}),
    ],
)
def test_a_query_is_refused_where_none_is_taken_and_nothing_is_done(
    api: Api, method: str, path: str, body: Any
) -> None:
    api.post("topics", {"name": "news"}, 201)
    if method == "head":
        client = Client(headers={"Authorization": f"Bearer {api.key}"})
        assert client.head(f"/v1/{path}?dry_run=true").status_code == 400
        assert client.head(f"/v1/{path}").status_code == 200
        return
    problem = api.call(method, f"{path}?dry_run=true&b", body, 400)
    assert parameters(problem) == ["dry_run", "b"]
    assert PERCENT in problem["detail"]
    assert not Recipient.objects.exists()
    assert list(Topic.objects.values_list("name", "display_name")) == [("news", "")]


def test_an_id_whose_question_mark_is_not_encoded_is_nobody_elses(api: Api) -> None:
    assert parameters(api.put("recipients/a?b", {"locale": "de"}, 400)) == ["b"]
    assert not Recipient.objects.exists()
    api.put("recipients/a%3Fb", {"locale": "de"}, 201)
    assert Recipient.objects.get().user_id == "a?b"


def test_calls_that_take_a_query_still_do(api: Api) -> None:
    api.get("topics", limit=1)
    key = api.post("api-keys", {"scopes": ["topics:read"]}, 201)
    api.delete(f"api-keys/{key['prefix']}?family=true")
    again = api.post("api-keys", {"scopes": ["topics:read"]}, 201)
    problem = api.call("delete", f"api-keys/{again['prefix']}?familiy=true", status=400)
    assert "Did you mean family?" in problem["detail"]


@pytest.mark.parametrize(
    ("sent", "media_type"),
    [
        ('{"x": 1}', "application/json"),
        ("[]", "application/json"),
        ("null", "application/json"),
        ("x=1", "application/x-www-form-urlencoded"),
        ("{}{}", "application/json"),
    ],
)
def test_a_body_is_refused_where_none_is_taken_and_nothing_is_done(
    api: Api, other: Api, notification: str, sent: str, media_type: str
) -> None:
    api.post("topics", {"name": "news"}, 201)
    for method, path in [
        ("post", f"notifications/{notification}/cancel"),
        ("delete", "topics/news"),
        ("get", "topics/news"),
        ("put", "topics/news/grants/other"),
        ("post", "status-webhooks/1/test"),
    ]:
        client = Client(headers={"Authorization": f"Bearer {api.key}"})
        answer = client.generic(method.upper(), f"/v1/{path}", sent, media_type)
        assert answer.status_code == 400, path
        problem = answer.json()
        assert problem["detail"].endswith("leave it out.")
        assert [error["pointer"] for error in problem["errors"]] == [""]
    assert api.get(f"notifications/{notification}")["state"] != "cancelled"
    assert other.call("get", "topics/news", status=404)
    assert api.get("topics/news")


@pytest.mark.parametrize(
    ("sent", "media_type"),
    [
        ("", "application/json"),
        ("", "application/x-www-form-urlencoded"),
        ("{}", "application/json"),
        (" {\n} ", "application/json"),
        ("{}", "application/octet-stream"),
    ],
)
def test_a_body_that_says_nothing_is_as_good_as_none(
    api: Api, notification: str, sent: str, media_type: str
) -> None:
    client = Client(headers={"Authorization": f"Bearer {api.key}"})
    path = f"/v1/notifications/{notification}/cancel"
    assert client.generic("POST", path, sent, media_type).status_code == 200


def test_a_notification_that_there_is_not_is_still_not_found(api: Api) -> None:
    api.call("post", f"notifications/{uuid4()}/cancel", status=404)


def endpoints(at: URLResolver | None = None) -> list[type[Endpoint]]:
    found: list[type[Endpoint]] = []
    for entry in (at or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            view = getattr(entry.callback, "cls", None)
            if view is not None and issubclass(view, Endpoint):
                found.append(view)
        else:
            found += endpoints(entry)
    return found


def test_every_operation_says_what_it_takes(api: Api, capsys: Any) -> None:
    """The checks agree with the OpenAPI document that is served."""
    operations = {
        f"{view.__name__}.{method}": operation(view, method.upper())
        for view in endpoints()
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(view, method)
    }
    assert len(operations) > 70
    assert None not in operations.values()
    assert "unable to guess" not in capsys.readouterr().err
    document = json.loads(Client().get("/v1/openapi.json").content)
    shown = [
        (
            any(parameter["in"] == "query" for parameter in described.get("parameters", [])),
            "requestBody" in described,
        )
        for path in document["paths"].values()
        for method, described in path.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    excluded = [operations.pop(f"RecipientBulkView.{name}") for name in ("get", "put", "delete")]
    assert excluded == [(False, False), (False, True), (False, False)]
    assert sorted(tuple(takes) for takes in operations.values()) == sorted(shown)
