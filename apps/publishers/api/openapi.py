"""The OpenAPI security scheme of API keys; registers itself on import."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from apps.publishers.api.authentication import PublisherAuthentication


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """The security scheme of ``PublisherAuthentication``."""

    target_class = PublisherAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ntf_<prefix>_<secret>",
            "description": "An API key, printed once by `manage.py create_publisher`; or, where "
            "the operators have set it up, a JWT of the company's identity provider (OAuth 2 "
            "client credentials), whose `scope` names the same scopes.",
        }
