"""No operation reaches another publisher's objects, tried with a valid key of one's own."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client

from apps.delivery.status_webhooks import health
from apps.publishers.models import AuditEvent
from tests.support.publishers.api_client import Api
from tests.support.publishers.lookups import forget_lookups
from tests.support.publishers.publisher_objects import (
    TOPIC,
    WORD,
    create_one_of_everything,
    path_parameters,
)

#: Paths of what all publishers share, by their beginning, and why it is shared.
SHARED = {
    "/v1/recipients": "a person is the company's, not one publisher's",
    "/v1/erasures": "likewise",
    "/v1/categories": "people choose by what the company has, not one publisher",
    "/v1/suppressions": "an address that must not be sent to is nobody's to send to",
    "/v1/inbox": "an end user's token opens it, no publisher's key",
    "/v1/me": "an end user's token opens it, no publisher's key",
    "/v1/notifications/{notification_id}/acknowledge": "likewise, of a person it was sent to",
    "/v1/confirmations": "the token that came to the address opens it, no key",
    "/v1/receipts": "a provider's signature opens it, no key",
    "/v1/replies": "a provider's signature opens it, no key",
}
#: A name that is another's may be taken here: it is the other's alone there.
OWN_NAMES = {("put", "/v1/groups/{name}"): 201}
#: Bodies where the operation's own example will not do.
BODIES: dict[tuple[str, str], Any] = {
    ("post", "/v1/api-keys/{prefix}/rotate"): {"grace_seconds": 60},
    ("patch", "/v1/topics/{name}"): {"display_name": "Taken"},
    ("patch", "/v1/status-webhooks/{webhook_id}"): {"events": ["failed"]},
    ("post", "/v1/groups/{name}/members"): {"user_ids": ["ada"]},
    ("post", "/v1/groups/{name}/members/remove"): {"user_ids": ["ada"]},
    ("post", "/v1/templates/{name}/preview"): {"channel": "inbox", "variables": {}},
}
_USED = {"template": {"name": "owned-template", "variables": {}}, "user_id": "ada"}
#: Operations whose path names nothing of the owner's: a body that does, and the status expected.
REACHING = {
    ("post", "/v1/topics"): ({"name": TOPIC}, 409),
    ("post", "/v1/notifications"): (_USED, 400),
    ("post", "/v1/notifications/dry-run"): (_USED, 400),
    ("post", "/v1/notifications/batch"): ({"notifications": [_USED]}, 202),
    ("post", "/v1/api-keys"): ({"name": "mine", "scopes": ["topics:read"]}, 201),
    ("post", "/v1/templates"): (
        {
            "name": "owned-template",
            "default_locale": "en",
            "contents": [{"channel": "inbox", "locale": "en", "body": "Mine"}],
        },
        201,
    ),
    ("post", "/v1/status-webhooks"): (
        {"url": "https://owner.example.com/hooks", "events": ["failed"]},
        201,
    ),
    ("post", "/v1/schedules"): (
        {
            "name": "owned-schedule",
            "cron": "0 9 * * *",
            "time_zone": "UTC",
            "topic": TOPIC,
            "notification": {"content": {"body": "Mine"}},
        },
        400,
    ),
    ("post", "/v1/dead-letters/redrive"): ({"match": {}}, 200),
    ("post", "/v1/bulk-actions"): ({"action": "redrive", "match": {}}, 202),
}
#: No object of anybody's, for each part of a path.
NOBODYS = {
    "notifications": "01a3b6f4-8f0e-7c3a-9d2e-0123456789ab",
    "dead-letters": "dlv_99999999",
    "bulk-actions": "01a3b6f4-8f0e-7c3a-9d2e-0123456789ab",
    "subscriptions": "99999999",
    "status-webhooks": "99999999",
}

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture
def owned(api: Api, other: Api, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(health, "WAIT", 0.0)  # no worker is there
    return create_one_of_everything(api, other)


def operations() -> Iterator[Operation]:
    """Method, path and description of every operation on what is one publisher's."""
    schema = Client().get("/v1/openapi.json").json()
    for path, methods in schema["paths"].items():
        if not path.startswith(tuple(SHARED)):
            for method, operation in methods.items():
                yield method, path, operation


def body_of(method: str, path: str, operation: dict[str, Any]) -> Any:
    if (method, path) in BODIES or "requestBody" not in operation:
        return BODIES.get((method, path))
    examples = operation["requestBody"]["content"]["application/json"].get("examples", {})
    assert examples, f"{method} {path} has no example: give a body for it in BODIES"
    return next(iter(examples.values()))["value"]


def filled(path: str, found: dict[str, str]) -> str:
    try:
        return path.format(**path_parameters(path, found)).removeprefix("/v1/")
    except KeyError as missing:
        pytest.fail(
            f"{path}: create_one_of_everything() makes nothing that is found by {missing}: add it"
        )


def ask(api: Api, method: str, path: str, body: Any) -> Any:
    """Make the request; its answer, whatever the status."""
    options = {} if body is None else {"data": body, "content_type": "application/json"}
    if body is None and method == "post":  # Django's client would send an empty form
        options = {"data": "", "content_type": "application/json"}
    headers = {"Authorization": f"Bearer {api.key}"}
    return getattr(api._client, method)(f"/v1/{path}", headers=headers, **options)


def rows() -> Counter[str]:
    """Every row of every table of ours, as text."""
    models = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
    tables = [model._meta.db_table for model in models if model._meta.managed]
    each = [f"SELECT '{table} ' || t::text FROM {table} t" for table in tables]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each))
        return Counter(text for (text,) in cursor)


def test_anothers_object_is_not_there_for_any_operation(
    api: Api, other: Api, owned: dict[str, str]
):
    before, wrong, walked = rows(), [], 0
    for method, path, operation in operations():
        if "{" not in path:
            continue
        walked += 1
        body = body_of(method, path, operation)
        wanted = OWN_NAMES.get((method, path), 404)
        with transaction.atomic():
            answer = ask(other, method, filled(path, owned), body)
            text = answer.content.decode()
            if answer.status_code != wanted or WORD in text:
                wrong.append(f"{method} {path}: {answer.status_code} {text}")
            after = rows()
            if before - after or (wanted == 404 and after != before):
                wrong.append(f"{method} {path}: {before - after} became {after - before}")
            transaction.set_rollback(True)
        forget_lookups()
    assert wrong == []
    assert walked >= 25


def test_anothers_object_is_as_one_that_does_not_exist(other: Api, owned: dict[str, str]):
    nobodys = {part: NOBODYS.get(part, "nothing") for part in owned} | {"grants": owned["grants"]}
    wrong = []
    for method, path, operation in operations():
        if "{" not in path or (method, path) in OWN_NAMES:
            continue
        body = body_of(method, path, operation)
        answers = []
        for found in (owned, nobodys):
            text = ask(other, method, filled(path, found), body).content.decode()
            for part, value in path_parameters(path, found).items():
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", part, text)  # not in 404
            answers.append(text)
        if answers[0] != answers[1]:
            wrong.append(f"{method} {path}: {answers}")
    assert wrong == []


def test_the_owner_reaches_each_of_them(api: Api, owned: dict[str, str]):
    """Otherwise the 404 that others get would prove nothing."""
    wrong = []
    for method, path, operation in operations():
        if "{" not in path:
            continue
        with transaction.atomic():
            answer = ask(api, method, filled(path, owned), body_of(method, path, operation))
            if answer.status_code in (400, 404) or answer.status_code >= 500:
                wrong.append(f"{method} {path}: {answer.status_code} {answer.content.decode()}")
            transaction.set_rollback(True)
        forget_lookups()
    assert wrong == []


def test_nothing_of_anothers_is_listed_counted_or_reached(
    api: Api, other: Api, owned: dict[str, str]
):
    AuditEvent.objects.get(object_type="topic", object_name=TOPIC, action="create")
    before, wrong = rows(), []
    private = {WORD, *(owned[part] for part in ("topics", "notifications", "api-keys", "groups"))}
    for method, path, _ in operations():
        if "{" in path:
            continue
        if method == "get":
            body, wanted, leaks = None, 200, private | {owned["templates"], "owner.example.com"}
        else:
            reaching = REACHING.get((method, path))
            assert reaching, f"{method} {path}: say in REACHING what body reaches for the owner's"
            [body, wanted], leaks = reaching, private - {TOPIC}  # which it says itself
        with transaction.atomic():
            answer = ask(other, method, path.removeprefix("/v1/"), body)
            text = answer.content.decode()
            if answer.status_code != wanted or any(word in text for word in leaks):
                wrong.append(f"{method} {path}: {answer.status_code} {text}")
            if changed := before - rows():
                wrong.append(f"{method} {path}: changed {changed}")
            transaction.set_rollback(True)
        forget_lookups()
    assert wrong == []


def test_nothing_of_anothers_is_redriven_or_counted(other: Api, owned: dict[str, str]):
    letter = owned["dead-letters"]
    answer = other.post("dead-letters/redrive", {"ids": [letter]})
    assert (answer["redriven"], answer["unknown"], answer["busy"]) == (0, [letter], [])
    assert (answer["gone"], answer["more"], answer["next"]) == (0, False, None)
    used = other.get("usage")
    assert json.dumps(used).count('"used": 0') == 2, "all of a day's, and those of high priority"
