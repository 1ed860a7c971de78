"""OpenAPI and the page that shows it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from apps.api import openapi_document


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return Client().get("/v1/openapi.json").json()


def test_the_document_is_made_once_and_kept_by_clients_that_have_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
):
    first = client.get("/v1/openapi.json")
    monkeypatch.setattr(openapi_document, "_make", None)
    again = client.get("/v1/openapi.json")
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Cache-Control"] == "public, max-age=300"
    etag = again.headers["ETag"]
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        answer = client.get("/v1/openapi.json", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag
    for other in ('"other"', "\xff", ""):
        assert client.get("/v1/openapi.json", headers={"If-None-Match": other}).status_code == 200
    assert client.head("/v1/openapi.json").headers["ETag"] == etag


#: Endpoints where something other than a key authenticates the caller.
WITHOUT_A_KEY = {
    ("post", "/v1/confirmations"),  # the token that came to the address
    ("post", "/v1/receipts/{provider}"),  # the provider's signature
    ("post", "/v1/replies/{provider}"),  # likewise
}


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_schema_is_valid_and_without_warnings(tmp_path: Any):
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml")
    )


def test_the_schema_is_openapi_3_1_and_needs_a_key_or_the_end_users_token(schema: dict[str, Any]):
    assert schema["openapi"].startswith("3.1")
    for scheme in ("apiKey", "endUser"):
        assert schema["components"]["securitySchemes"][scheme]["scheme"] == "bearer"
    for path, method, operation in operations(schema):
        own = path.startswith(("/v1/inbox", "/v1/me")) or path.endswith("/acknowledge")
        wanted = "endUser" if own else "apiKey"
        asked = [] if (method, path) in WITHOUT_A_KEY else [{wanted: []}]
        assert operation.get("security", []) == asked, (method, path)


def test_every_operation_has_a_tag_a_sentence_and_its_problems(schema: dict[str, Any]):
    for path, method, operation in operations(schema):
        assert len(operation["tags"]) == 1 and operation["tags"][0] != "v1", (method, path)
        assert operation["description"].strip(), (method, path)
        codes = {"400", "503"} | ({"404"} if "{" in path else set())
        if (method, path) not in WITHOUT_A_KEY:
            codes |= {"401", "403"}
        for code in codes:
            content = operation["responses"][code]["content"]
            assert list(content) == ["application/problem+json"], (method, path, code)


@pytest.mark.parametrize("root", ["/v1/topics", "/v1/recipients", "/v1/api-keys"])
def test_every_body_has_an_example(schema: dict[str, Any], root: str):
    bodies = {
        f"{method} {path}": operation["requestBody"]["content"]["application/json"]
        for path, method, operation in operations(schema)
        if path.startswith(root) and "requestBody" in operation
    }
    assert bodies
    without = {where for where, body in bodies.items() if "examples" not in body}
    assert without <= {"post /v1/api-keys/{prefix}/rotate"}  # its body may be empty


def test_lists_are_pages(schema: dict[str, Any]):
    for path in ("/v1/topics", "/v1/recipients", "/v1/topics/{name}/subscriptions"):
        operation = schema["paths"][path]["get"]
        assert {"cursor", "limit"} <= {one["name"] for one in operation["parameters"]}
        answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
        page = schema["components"]["schemas"][answer["$ref"].rpartition("/")[2]]
        assert set(page["properties"]) == {"data", "next"}


def test_the_docs_page_works_without_the_internet(client: Client):
    page = client.get("/v1/docs").content.decode()
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert links
    for link in links:
        assert link.startswith(("/static/", "/v1/docs?script=")), link
        assert client.get(link).status_code == 200, link
    [script] = [link for link in links if "script=" in link]
    assert "/v1/openapi.json" in client.get(script).content.decode()
