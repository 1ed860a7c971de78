"""The OpenAPI security scheme of end users' tokens; registers itself on import."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from apps.inbox.authentication import EndUserAuthentication


class EndUserScheme(OpenApiAuthenticationExtension):
    """The security scheme of ``EndUserAuthentication``: a JWT that the company issues."""

    target_class = EndUserAuthentication
    name = "endUser"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An end user's short-lived token, which the company makes: `sub` is the "
            "`user_id`, `exp` when it expires. Signed by HS256 with the secret that the operators "
            "set, or by RS256, ES256 or EdDSA with a key of the key set they name.",
        }
