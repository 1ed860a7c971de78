"""The OpenAPI document: generated once per process, since it only changes with the code."""

import hashlib
import threading
from typing import Any, NamedTuple, cast

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import etag
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from apps.api.problems import allow

#: Seconds for which a client or a proxy may cache it without revalidation.
MAX_AGE = 300


class Document(NamedTuple):
    """The document's JSON and its entity tag, a hash of it."""

    body: bytes
    etag: str


_made: list[Document] = []
_making = threading.Lock()


def document() -> Document:
    """Return this process's document. The first call generates it; others wait for that."""
    if not _made:
        with _making:
            if not _made:
                _made.append(_make())
    return _made[0]


def _make() -> Document:
    generator = cast(Any, SchemaGenerator)()  # it has no annotations
    schema = generator.get_schema(request=None, public=True)
    body = orjson.dumps(orjson.loads(OpenApiJsonRenderer().render(schema)))  # not indented
    return Document(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


@allow("GET", "HEAD")
@etag(lambda request: document().etag)
def openapi(request: HttpRequest) -> HttpResponse:
    """Respond with the document, or with 304 if the client has it."""
    headers = {"Cache-Control": f"public, max-age={MAX_AGE}"}
    return HttpResponse(document().body, content_type="application/json", headers=headers)
