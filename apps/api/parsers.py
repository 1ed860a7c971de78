"""Reading a request's body."""

from typing import Any

from gunicorn.http.errors import ParseException
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from apps.api.negotiation import check_charset, check_content_encoding
from apps.api.problems import Problem
from notifier.transport import strict_json

DEFAULT_MAX_BODY = 1024 * 1024


class BodyRequest(Request):
    """A request whose body may come in chunks (RFC 9112, section 7.1), without its length.

    Django reads as many bytes as ``Content-Length`` says, and so none of these. A server that
    ends the body itself says so (``wsgi.input_terminated``).

    What is wrong with a body is raised each time that it is asked for; DRF has an empty one then.
    """

    _wrong: Exception | None = None

    @property
    def data(self) -> Any:
        if self._wrong is not None:
            raise self._wrong
        try:
            return super().data
        except Exception as error:
            self._wrong = error
            raise

    def forget_data(self) -> None:
        """Let what was read go with the answer: request and view refer to each other, and would
        keep megabytes of it until the collector of garbage comes."""
        self._full_data = self._data = self._wrong = None

    # Django's own, which DRF finds only once its own attributes are none.
    @property
    def META(self) -> dict[str, Any]:
        return self._request.META

    @property
    def method(self) -> str | None:
        return self._request.method

    def _load_stream(self) -> None:
        if is_chunked(self):
            self._stream = self._request.META["wsgi.input"]
        else:
            super()._load_stream()


def is_chunked(request: Any) -> bool:
    """Whether the body comes in chunks. Raises a ``Problem`` where the server cannot end it."""
    if "HTTP_TRANSFER_ENCODING" not in request.META:
        return False
    if not request.META.get("wsgi.input_terminated"):
        raise Problem("length-required", "This server takes no chunked body: send Content-Length.")
    return True


def read_body(stream: Any, limit: int) -> bytes:
    """At most ``limit`` bytes, and no more is read than tells that there are more.

    Raises a ``Problem`` where there are more, or the chunks are not well formed.
    """
    try:
        body: bytes = stream.read(limit + 1)
    except (ParseException, OSError):  # NoMoreData, an OSError, where the sender stopped
        raise Problem(
            "invalid-request", "The body's chunks are not well formed, or it was cut short."
        ) from None
    if len(body) > limit:
        raise Problem("payload-too-large", f"Send at most {limit:,} bytes.", limit=limit)
    return body


class JsonBody(BaseParser):
    """A JSON object in strict UTF-8 of at most the view's ``max_body`` bytes, every value of which
    can be kept as it is (``notifier.transport.strict_json``)."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str, parser_context: dict[str, Any]) -> Any:
        check_charset(media_type)
        check_content_encoding(parser_context["request"].META.get("HTTP_CONTENT_ENCODING", ""))
        body = read_body(stream, getattr(parser_context["view"], "max_body", DEFAULT_MAX_BODY))
        if not body:
            return {}  # as of a request without a body
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
