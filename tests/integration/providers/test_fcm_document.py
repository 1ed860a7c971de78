"""FCM as Google's own discovery document describes it, and the sandbox as FCM really answers.

The document comes with google-api-python-client, and is newer with each of its releases.
"""

import json
import re
import time
from importlib import resources
from typing import Any

import pytest

from notifier.channels import push
from notifier.domain.messages import Content
from notifier.domain.priorities import Priority
from notifier.providers.fcm import RULES
from tests.integration.providers.test_answers import RECORDED
from tests.integration.providers.test_fcm import TestFCM as Fcm
from tests.support.provider_contract import send
from tests.support.sandbox_fixture import RunningSandbox

DOCUMENT = json.loads(
    resources.files("googleapiclient")
    .joinpath("discovery_cache/documents/fcm.v1.json")
    .read_text(encoding="utf-8")
)
SCHEMAS: dict[str, Any] = DOCUMENT["schemas"]
#: Fields marked as deprecated that we send all the same. ``token`` takes an installation
#: id (``fid``) as well, and old apps have registration tokens alone.
STILL_SENT = {"Message.token"}
EVERYTHING = Content(
    "Title", "Body", {"plain": "text", "nested": {"a": [1]}}, {"Open": "https://example.com/"}
)


def camel(name: str) -> str:
    """A field's JSON name; FCM takes its original one, too, as every Google API does."""
    return re.sub(r"_(.)", lambda found: found[1].upper(), name)


def check(value: Any, schema: dict[str, Any], path: str) -> None:
    """Fail for what the document does not describe."""
    if "$ref" in schema:
        path, schema = schema["$ref"], SCHEMAS[schema["$ref"]]
    if schema["type"] == "object" and "properties" in schema:
        for name, inner in value.items():
            field = schema["properties"].get(camel(name))
            assert field is not None, f"{path} has no {name}"
            if field.get("deprecated"):
                assert f"{path}.{name}" in STILL_SENT, f"{path}.{name} is deprecated"
            check(inner, field, f"{path}.{name}")
    elif schema["type"] == "object":
        for name, inner in value.items():
            check(inner, schema["additionalProperties"], f"{path}.{name}")
    else:
        kind: type | tuple[type, ...] = {"string": str, "boolean": bool}.get(schema["type"], int)
        assert isinstance(value, kind), f"{path} is no {schema['type']}"
        if "enum" in schema:
            assert value.upper() in schema["enum"], f"{path} is none of {schema['enum']}"


@pytest.mark.parametrize("platform", ["android", "web"])
@pytest.mark.parametrize("priority", Priority)
async def test_every_field_we_send_is_in_the_document(
    platform: str, priority: Priority, sandbox: RunningSandbox
) -> None:
    fcm = Fcm()
    fcm.platform = platform
    provider = fcm.build(sandbox)
    message = fcm.message(
        fcm.address(sandbox),
        content=EVERYTHING,
        priority=priority,
        collapse_key="order 1",
        deadline=time.time() + 600,
    )
    await send(provider, message)
    await provider.close()
    (received,) = fcm.accepted(sandbox)
    check(received["content"], SCHEMAS["SendMessageRequest"], "SendMessageRequest")
    assert received["content"]["message"]["token"]


def test_the_document_is_checked_and_not_only_read() -> None:
    for message in ({"to": "x"}, {"android": {"priority": "urgent"}}, {"data": {"a": 1}}):
        with pytest.raises(AssertionError):
            check(message, SCHEMAS["Message"], "Message")


def test_the_keys_the_document_reserves_are_refused_when_they_are_posted() -> None:
    said = SCHEMAS["Message"]["properties"]["data"]["description"]
    quoted = re.findall(r'"([a-z_.]+)"', said.partition("reserved word")[2].partition(")")[0])
    assert {"from", "message_type", "google."} <= set(quoted)
    for word in quoted:
        key = f"{word}x" if word.endswith(".") else word
        with pytest.raises(ValueError, match="reserved by FCM"):
            push.Push().check(Content("t", data={key: "x"}))


def test_every_error_code_of_fcm_has_a_rule() -> None:
    """The codes of its reference page's ErrorCode, which the document leaves out."""
    assert set(RULES) >= {
        "UNSPECIFIED_ERROR",
        "INVALID_ARGUMENT",
        "UNREGISTERED",
        "SENDER_ID_MISMATCH",
        "QUOTA_EXCEEDED",
        "UNAVAILABLE",
        "INTERNAL",
        "THIRD_PARTY_AUTH_ERROR",
    }


def shape(answer: dict[str, Any]) -> tuple[object, ...]:
    """The codes of an error, and the types of its details."""
    error = answer["error"]
    details = {detail["@type"].rpartition(".")[2] for detail in error.get("details", ())}
    codes = [detail["errorCode"] for detail in error.get("details", ()) if "errorCode" in detail]
    return error["code"], error["status"], details, codes


@pytest.mark.parametrize(
    ("token", "code", "status"),
    [
        ("not a token!", "INVALID_ARGUMENT", 400),
        ("device-sandbox-dead-APA91bHun4MxP5ego", "UNREGISTERED", 404),
        ("device-sandbox-403-APA91bHun4MxP5ego", "SENDER_ID_MISMATCH", 403),
        ("device-sandbox-429-APA91bHun4MxP5ego", "QUOTA_EXCEEDED", 429),
        ("device-sandbox-500-APA91bHun4MxP5ego", "INTERNAL", 500),
    ],
)
async def test_the_sandbox_answers_as_fcm_was_seen_to(
    token: str, code: str, status: int, sandbox: RunningSandbox
) -> None:
    provider: Any = Fcm().build(sandbox)
    body = json.dumps({"message": {"token": token, "data": {}}}).encode()
    reply = await provider._post(body, await provider._token.get())
    await provider.close()
    seen = [
        shape(row["body"])
        for row in RECORDED
        if row["provider"] == "fcm" and row["status"] == status and isinstance(row["body"], dict)
    ]
    answer = shape(json.loads(reply.body))
    assert answer in seen
    assert code in answer[3]
