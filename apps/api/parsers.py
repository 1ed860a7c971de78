"""Request bodies: bounded, strict JSON, with a length or in chunks."""

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from django.http import HttpRequest
from gunicorn.http.errors import ParseException
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from apps.api.negotiation import check_charset, check_content_encoding
from apps.api.problems import Problem
from notifier.transport import strict_json

DEFAULT_MAX_BODY = 1024 * 1024


class BodyRequest(Request):
    """A request whose body may come in chunks (RFC 9112, section 7.1), without a length.

    Django reads ``Content-Length`` bytes, and so nothing of a chunked body. A server that marks
    the end of the body itself sets ``wsgi.input_terminated``.

    An error in the body is raised on each access to ``data``; DRF would return an empty body from
    the second access on.
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
        """Free the parsed body once the response is made.

        Request and view refer to each other, so that megabytes of it would stay until the garbage
        collector runs.
        """
        self._full_data = self._data = self._wrong = None

    if not TYPE_CHECKING:  # DRF's stubs have two attributes here, and not the method
        # Shortcuts: DRF delegates to Django's request by a failed attribute look-up.
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


def is_chunked(request: Request | HttpRequest) -> bool:
    """Return whether the body comes in chunks.

    Raises:
        Problem: The server cannot delimit the body.
    """
    if "HTTP_TRANSFER_ENCODING" not in request.META:
        return False
    if not request.META.get("wsgi.input_terminated"):
        raise Problem("length-required", "This server takes no chunked body: send Content-Length.")
    return True


def read_body(stream: IO[bytes], limit: int) -> bytes:
    """Read a body of at most ``limit`` bytes; of a longer one ``limit + 1`` are read.

    Raises a ``Problem`` where it is longer or its chunks are not well formed.
    """
    try:
        body = stream.read(limit + 1)
    except (ParseException, OSError):  # a sender that stops early raises NoMoreData, an OSError
        raise Problem(
            "invalid-request", "The body's chunks are not well formed, or it was cut short."
        ) from None
    if len(body) > limit:
        raise Problem("payload-too-large", f"Send at most {limit:,} bytes.", limit=limit)
    return body


class JsonBody(BaseParser):
    """A JSON object in strict UTF-8 of at most the view's ``max_body`` bytes.

    Every value can be stored unchanged (``notifier.transport.strict_json``).
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        assert media_type is not None and parser_context is not None  # DRF passes both
        check_charset(media_type)
        check_content_encoding(parser_context["request"].META.get("HTTP_CONTENT_ENCODING", ""))
        body = read_body(stream, getattr(parser_context["view"], "max_body", DEFAULT_MAX_BODY))
        if not body:
            return {}  # as DRF does for a request without a body
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
