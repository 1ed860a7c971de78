"""Every operation of the API has a method of the client."""

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from notifier_client import (
    InboxClient,
    NotFound,
    NotifierClient,
    Recipient,
    Subscriber,
    TemplateContent,
)
from tests.support.fakes.scripted_api import problem, serving

#: Operations that providers call, and neither publishers nor end users.
NOT_FOR_CLIENTS = {"/v1/receipts/{provider}", "/v1/replies/{provider}"}
#: An argument for each parameter that has no default, by its name.
ARGUMENTS: dict[str, Any] = {
    "address": "a@b.co",
    "channel": "email",
    "contact_id": 7,
    "contents": [TemplateContent(channel="push", locale="en", body="x")],
    "default_locale": "en",
    "device_id": 7,
    "drafts": [],
    "events": ["failed"],
    "item_id": 7,
    "match": {},
    "occurrence": datetime(2030, 1, 1, tzinfo=UTC),
    "platform": "ios",
    "preferences": [],
    "recipients": [Recipient("ada")],
    "scopes": ["topics:read"],
    "status": "read",
    "subscribers": [Subscriber(user_id="ada")],
    "subscription_id": 7,
    "suppression_id": 7,
    "url": "https://a.co",
    "user_ids": ["ada"],
    "variables": {},
    "webhook_id": 7,
    "windows": [],
}


def called(client: type[Any]) -> set[tuple[str, str]]:
    """The (method, path) that each of its methods asks for, ids and names as ``~``."""
    with serving(problem(404, "not-found")) as script, client(script.url, "key") as asking:
        for name, method in inspect.getmembers(client, inspect.isfunction):
            if not name.startswith("_") and name not in ("close", "wait"):
                arguments = {
                    parameter.name: ARGUMENTS.get(parameter.name, "~")
                    for parameter in inspect.signature(method).parameters.values()
                    if parameter.default is parameter.empty
                    and parameter.kind is not parameter.VAR_KEYWORD
                    and parameter.name != "self"
                }
                with pytest.raises(NotFound):
                    found = getattr(asking, name)(**arguments)
                    list(found)
                    raise AssertionError(f"{name} asked for nothing")
        lines = [line.split()[:2] for line, _, _ in script.seen]
    return {(method.lower(), _pattern(path.partition("?")[0])) for method, path in lines}


def _pattern(path: str) -> str:
    """``path`` with ~ for every id and name."""
    parts = path.removeprefix("/").split("/")
    return "/".join("~" if part in ("~", "7") or part[0] == "{" else part for part in parts)


def test_every_operation_of_the_api_has_a_method_of_the_client() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    operations = {
        (method, _pattern(path))
        for path, item in schema["paths"].items()
        for method in item
        if method in ("get", "post", "put", "patch", "delete") and path not in NOT_FOR_CLIENTS
    }
    assert operations - called(NotifierClient) - called(InboxClient) == set()


def test_the_client_asks_for_nothing_that_the_api_has_not() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    operations = {
        (method, _pattern(path)) for path, item in schema["paths"].items() for method in item
    }
    assert (called(NotifierClient) | called(InboxClient)) - operations == set()
