"""What OpenAPI says about every endpoint."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from apps.publishers.authentication import ApiKeyAuthentication


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """What OpenAPI says about keys."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ntf_<prefix>_<secret>",
            "description": "An API key, printed once by `manage.py create_publisher`.",
        }
