"""OpenAPI schemas of what all endpoints share: problems, headers, strict bodies, bulk items."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers
from rest_framework.fields import empty

from apps.api.problems import CONTENT_TYPE, MOST_ERRORS
from apps.api.serializers import Items, StrictSerializer


class ProblemError(serializers.Serializer[Any]):
    """One error: a JSON `pointer` into the body, or the name of a query `parameter`."""

    pointer = serializers.CharField(required=False)
    parameter = serializers.CharField(required=False)
    detail = serializers.CharField()


class ProblemDetails(serializers.Serializer[Any]):
    """RFC 9457 problem details."""

    type = serializers.CharField(help_text="a stable URI reference, relative to this service")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="what went wrong and what to do about it")
    errors = cast(  # a field, and not the property of this name
        Any, ProblemError(many=True, required=False, help_text=f"at most {MOST_ERRORS}")
    )
    error_count = serializers.IntegerField(
        required=False, help_text="the number of errors, if `errors` lists only the first of them"
    )
    request_id = serializers.CharField(
        required=False, help_text="of a 5xx: what to tell the operators, also in `X-Request-ID`"
    )


class ProblemSchema(AutoSchema):
    """Adds what DRF knows nothing of: the problems an operation may return, and strict bodies."""

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        for code, meaning in self._problems().items():
            bodies.setdefault(code, self._problem(meaning))
        for code, body in bodies.items():
            body.setdefault("headers", {}).update(self._headers(code, bodies))
        return dict(sorted(bodies.items()))

    def _problems(self) -> dict[str, str]:
        """Return the problems that any operation of this kind may respond with, by status."""
        codes = {
            "400": "the request is not valid",
            "406": "the response is JSON, and `Accept` allows none",
            "503": "temporarily unavailable; retry later",
        }
        if self.view.get_authenticators():
            codes |= {"401": "no valid key or token", "403": "not allowed"}
        if getattr(self.view, "required_scopes", None):
            codes["429"] = "too many requests, or the day's quota is used up"
        if "{" in self.path:
            codes["404"] = "not found"
        if self.method in ("POST", "PUT", "PATCH"):
            codes["411"] = "the body's length is missing"
            codes["413"] = "the body is too large"
            codes["415"] = "the body is not JSON in UTF-8"
        return codes

    def _headers(self, code: str, bodies: Mapping[str, Any]) -> dict[str, Any]:
        headers = _refs("X-Request-ID")
        if code == "401":
            headers |= _refs("WWW-Authenticate")
        elif "429" in bodies:
            headers |= _refs("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
        if code in ("429", "503"):
            headers |= _refs("Retry-After")
        return headers

    def _map_basic_serializer(
        self, serializer: object, direction: Literal["request", "response"]
    ) -> dict[str, Any]:
        # drf-spectacular's own has no annotations.
        schema: dict[str, Any] = cast(Any, super())._map_basic_serializer(serializer, direction)
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        elif isinstance(serializer, serializers.ModelSerializer):
            schema["required"] = sorted({*schema.get("required", ()), *_always_there(serializer)})
        return schema

    def get_summary(self) -> str:
        """Return the description's first sentence, short enough for a list of operations."""
        return self.get_description().partition("\n")[0].partition(". ")[0].rstrip(".")

    def _problem(self, meaning: str) -> dict[str, Any]:
        component = self.resolve_serializer(ProblemDetails, "response")
        return {
            "description": f"Problem details: {meaning}",
            "content": {CONTENT_TYPE: {"schema": component.ref}},
        }


def _always_there(serializer: serializers.ModelSerializer[Any]) -> set[str]:
    """Return the fields that an answer never leaves out: columns, and what has a default.

    drf-spectacular takes a column that may be blank for one that may be left out: that is so of
    requests, for which we use no ``ModelSerializer``.
    """
    declared = serializer._declared_fields
    return {
        name
        for name, field in serializer.fields.items()
        if name not in declared or field.default is not empty
    }


def _refs(*headers: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in headers}


class ItemsSchema(OpenApiSerializerFieldExtension):
    """The items of a bulk call: documented by their serializer, validated one by one."""

    target_class = Items

    def map_serializer_field(
        self, auto_schema: AutoSchema, direction: Literal["request", "response"]
    ) -> dict[str, Any]:
        item = auto_schema.resolve_serializer(self.target.item, direction)
        return {
            "type": "array",
            "items": item.ref,
            "minItems": 1,
            "maxItems": self.target.max_length,
        }
