"""Reading a request's body."""

from typing import Any

from rest_framework.parsers import BaseParser

from apps.publishers.problems import Problem
from notifier import strict_json

DEFAULT_MAX_BODY = 1024 * 1024


class JsonBody(BaseParser):
    """A JSON object in strict UTF-8 of at most the view's ``max_body`` bytes, every value of which
    can be kept as it is (``notifier.strict_json``)."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str, parser_context: dict[str, Any]) -> Any:
        limit = getattr(parser_context["view"], "max_body", DEFAULT_MAX_BODY)
        # The length is not believed: one byte over the limit is enough to know.
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise Problem("payload-too-large", f"Send at most {limit:,} bytes.", limit=limit)
        try:
            read = strict_json.loads(body)
        except strict_json.MalformedJson as error:
            raise Problem("malformed-json", f"Send a JSON body in UTF-8. {error}") from None
        except strict_json.UnkeptJson as error:
            errors = [{"pointer": pointer, "detail": detail} for pointer, detail in error.errors]
            raise Problem("invalid-request", str(error), errors=errors) from None
        if not isinstance(read, dict):
            raise Problem("invalid-request", "Send a JSON object: {…}.")
        return read
