"""Reading a request's body."""

from typing import Any

import orjson
from rest_framework.parsers import BaseParser

from apps.publishers.problems import Problem

DEFAULT_MAX_BODY = 1024 * 1024


class JsonBody(BaseParser):
    """A JSON object in strict UTF-8 of at most the view's ``max_body`` bytes."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str, parser_context: dict[str, Any]) -> Any:
        limit = getattr(parser_context["view"], "max_body", DEFAULT_MAX_BODY)
        # The length is not believed: one byte over the limit is enough to know.
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise Problem("payload-too-large", f"Send at most {limit:,} bytes.", limit=limit)
        try:
            read = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Problem(
                "malformed-json",
                f"Send a JSON body in UTF-8. At line {error.lineno}, column {error.colno}: "
                f"{error.msg}.",
            ) from None
        if not isinstance(read, dict):
            raise Problem("invalid-request", "Send a JSON object: {…}.")
        return read
