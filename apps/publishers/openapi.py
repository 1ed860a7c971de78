"""What OpenAPI says about every endpoint."""

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from apps.publishers.authentication import PublisherAuthentication
from apps.publishers.problems import CONTENT_TYPE

RATE_HEADERS = {
    name: {"$ref": f"#/components/headers/{name}"}
    for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
}


class ProblemError(serializers.Serializer):
    """One thing wrong: ``pointer`` into the body, or the name of a query ``parameter``."""

    pointer = serializers.CharField(required=False)
    parameter = serializers.CharField(required=False)
    detail = serializers.CharField()


class ProblemDetails(serializers.Serializer):
    """RFC 9457 problem details."""

    type = serializers.CharField(help_text="a stable URI reference, relative to this service")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="what to do")
    errors = ProblemError(many=True, required=False)


class ProblemSchema(AutoSchema):
    """Adds the problems that any endpoint of its kind may answer with."""

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        codes = {"400": "invalid", "503": "a server of ours does not answer; come again"}
        if self.view.get_authenticators():
            codes |= {"401": "no valid key or token", "403": "not allowed"}
        if getattr(self.view, "required_scopes", None):
            codes["429"] = "too many requests, or the day's quota is used up"
        if "{" in self.path:
            codes["404"] = "not found"
        if self.method in ("POST", "PUT", "PATCH"):
            codes["413"] = "too large"
            codes["415"] = "not JSON"
        for code, meaning in codes.items():
            bodies.setdefault(code, self._problem(meaning))
        if "429" in bodies:
            for code in bodies.keys() - {"401"}:
                bodies[code].setdefault("headers", {}).update(RATE_HEADERS)
        return dict(sorted(bodies.items()))

    def get_summary(self) -> str:
        """The first sentence, which a list of operations has room for."""
        return self.get_description().partition("\n")[0].partition(". ")[0].rstrip(".")

    def _problem(self, meaning: str) -> dict[str, Any]:
        component = self.resolve_serializer(ProblemDetails, "response")
        return {
            "description": f"Problem details: {meaning}",
            "content": {CONTENT_TYPE: {"schema": component.ref}},
        }


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """What OpenAPI says about keys."""

    target_class = PublisherAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ntf_<prefix>_<secret>",
            "description": "An API key, printed once by `manage.py create_publisher`; or, where "
            "the operators have set it up, a JWT of the company's identity provider (OAuth 2 "
            "client credentials), whose `scope` names the same scopes.",
        }
