"""The OpenAPI document and the server agree."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.support.publishers.api_client import Api
from tests.support.publishers.publisher_objects import create_one_of_everything, path_parameters

JSON = "application/json"
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return Client().get("/v1/openapi.json").json()


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def bodies(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every JSON body of a request: the path, the method, its media type object."""
    for path, method, operation in operations(schema):
        content = operation.get("requestBody", {}).get("content", {})
        if JSON in content and path != "/v1/receipts/{provider}":  # the providers' own
            yield path, method, content[JSON]


def resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return ``part``, or the schema that it refers to."""
    if len(part.get("allOf", ())) == 1:
        return {**resolved(schema, part["allOf"][0]), **part, "allOf": []}
    if "$ref" in part:
        return resolved(schema, schema["components"]["schemas"][part["$ref"].rpartition("/")[2]])
    return part


def errors(schema: dict[str, Any], part: dict[str, Any], value: Any) -> list[str]:
    """Return the errors of a value by its schema."""
    whole = {**part, "components": schema["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def test_the_document_is_valid(schema: dict[str, Any]) -> None:
    validate(schema)


def test_every_tag_is_described_and_used(schema: dict[str, Any]) -> None:
    used = {tag for _, _, operation in operations(schema) for tag in operation["tags"]}
    assert {tag["name"] for tag in schema["tags"] if tag["description"]} == used


def test_every_example_is_what_its_schema_says(schema: dict[str, Any]) -> None:
    found = 0
    for path, method, operation in operations(schema):
        answers = [answer.get("content", {}) for answer in operation["responses"].values()]
        for content in [operation.get("requestBody", {}).get("content", {}), *answers]:
            for media in content.values():
                for name, example in media.get("examples", {}).items():
                    found += 1
                    wrong = errors(schema, media["schema"], example["value"])
                    assert not wrong, (method, path, name, wrong)
    assert found > 40


def test_no_object_that_is_sent_may_have_other_fields(schema: dict[str, Any]) -> None:
    seen: set[str] = set()

    def check(part: dict[str, Any], where: str) -> None:
        # One with a description of its own stands in an "allOf"; a fallback has another one in it.
        for named in (part, *part.get("allOf", ())):
            if "$ref" in named:
                where = named["$ref"]
                if where in seen:
                    return
                seen.add(where)
        whole = resolved(schema, part)
        if "properties" in whole:
            assert whole.get("additionalProperties") is False, where
        for child in [
            *whole.get("properties", {}).values(),
            *whole.get("oneOf", ()),
            *whole.get("allOf", ()),
            *([whole["items"]] if "items" in whole else ()),
        ]:
            check(child, where)

    for path, method, media in bodies(schema):
        check(media["schema"], f"{method} {path}")
    assert len(seen) > 20


def test_what_answers_always_have_is_required(schema: dict[str, Any]) -> None:
    required = {
        name: set(schema["components"]["schemas"][name]["required"])
        for name in ("DeliveryOut", "NotificationOut", "TakenOut")
    }
    assert {"state", "reason", "provider"} <= required["DeliveryOut"]
    assert {"topic", "send_at", "cancelled_at"} <= required["NotificationOut"]
    assert required["TakenOut"].isdisjoint({"deduplicated", "warnings"})


def test_the_items_of_bulk_calls_are_typed(schema: dict[str, Any]) -> None:
    names = {"BatchIn": "notifications", "BulkRecipientsIn": "recipients"}
    for component, field in {**names, "SubscriptionsIn": "subscriptions"}.items():
        items = schema["components"]["schemas"][component]["properties"][field]
        assert resolved(schema, items["items"])["properties"]["user_id"]["type"] == "string"
        assert (items["minItems"], items["maxItems"]) == (1, 1000)


def test_every_operation_documents_the_problems_it_may_answer(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        codes = {"400", "406", "503"} | ({"404"} if "{" in path else set())
        if method in ("post", "put", "patch"):
            codes |= {"411", "413", "415"}
        if operation.get("security"):
            codes |= {"401", "403"}
        if operation.get("security") == [{"apiKey": []}]:
            codes |= {"429"}
        if any(
            parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ())
        ):
            codes |= {"409", "422"}
        answers = operation["responses"]
        assert codes <= answers.keys(), (method, path)
        for code, answer in answers.items():
            if code >= "400":
                assert list(answer["content"]) == [PROBLEM], (method, path, code)
        for code in codes & {"429", "503"}:
            assert "Retry-After" in answers[code]["headers"], (method, path, code)


def with_defaults(
    schema: dict[str, Any], part: dict[str, Any], value: Any, at: str = ""
) -> tuple[Any, list[str]]:
    """``value`` with every documented default written out, and pointers to these."""
    if "oneOf" in part:
        part = next(one for one in part["oneOf"] if not errors(schema, one, value))
    part = resolved(schema, part)
    filled: list[str] = []
    if isinstance(value, list) and "items" in part:
        items = [
            with_defaults(schema, part["items"], item, f"{at}/{position}")
            for position, item in enumerate(value)
        ]
        return [item for item, _ in items], [one for _, found in items for one in found]
    if not isinstance(value, dict) or "properties" not in part:
        return value, filled
    whole = dict(value)
    for name, field in part["properties"].items():
        if name in whole:
            whole[name], found = with_defaults(schema, field, whole[name], f"{at}/{name}")
            filled += found
        elif "default" in resolved(schema, field):
            whole[name] = resolved(schema, field)["default"]
            filled.append(f"{at}/{name}")
    return whole, filled


def test_documented_defaults_may_be_sent(schema: dict[str, Any], api: Api, other: Api) -> None:
    there = create_one_of_everything(api, other)
    sent: set[str] = set()
    for path, method, media in bodies(schema):
        for name, example in media.get("examples", {"empty": {"value": {}}}).items():
            body, filled = with_defaults(schema, media["schema"], example["value"])
            sent |= {f"{method} {path} {pointer}" for pointer in filled}
            key = {"Authorization": f"Bearer {api.key}"}
            url = path.format(**path_parameters(path, there))
            answer = getattr(Client(), method)(url, body, content_type=JSON, headers=key)
            said = answer.json() if answer.content else {}
            problems = [said, *(one.get("problem", {}) for one in said.get("results", ()))]
            pointers = {error.get("pointer") for one in problems for error in one.get("errors", ())}
            assert not pointers & set(filled), (method, path, name, said)
    assert len(sent) > 40
