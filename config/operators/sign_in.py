"""Ways for operators to log in to the admin: an OpenID provider, a password, or either."""

from typing import TypedDict
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from apps.operators.signin.role_names import MAPPED
from config import env

# -- Operators' log-in ------------------------------------------------------------------------

_ISSUER, _ROLES = "NOTIFIER_OIDC_ISSUER", "NOTIFIER_OIDC_ROLES"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class OpenIDProvider(TypedDict):
    """Settings of the provider that operators log in with; ``roles``: by a value of the claim."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: list[str]
    claim: str
    roles: dict[str, str]
    name: str


def ways_in() -> tuple[OpenIDProvider, bool, bool]:
    """Return the provider's settings, and whether passwords are accepted and need a code beside."""
    found = oidc()
    return found, passwords(found["issuer"]), second_factor_required()


def oidc() -> OpenIDProvider:
    """Return the OpenID provider's settings; ``issuer`` is empty where there is none.

    Raises ``ImproperlyConfigured`` where some of them are missing.
    """
    found: OpenIDProvider = {
        "issuer": env.text(
            _ISSUER,
            "",
            "URL of the OpenID provider that operators log in with, as its discovery document "
            "spells its `issuer`; none if empty",
        ),
        "client_id": env.text(
            "NOTIFIER_OIDC_CLIENT_ID", "", "this service's client id at the OpenID provider"
        ),
        "client_secret": env.text(
            "NOTIFIER_OIDC_CLIENT_SECRET", "", "its secret; empty for a public client"
        ),
        "scopes": env.items(
            "NOTIFIER_OIDC_SCOPES", "openid,profile,email", "scopes that are asked for"
        ),
        "claim": env.text(
            "NOTIFIER_OIDC_ROLES_CLAIM",
            "groups",
            "claim whose values say an operator's roles; `realm_access.roles` is one within "
            "another",
        ),
        "roles": _roles(),
        "name": env.text(
            "NOTIFIER_OIDC_NAME", "single sign-on", "the provider, as the log-in's button names it"
        ),
    }
    if found["issuer"]:
        _check(found)
    return found


def passwords(issuer: str) -> bool:
    """Return whether operators may log in with a password. ``issuer``: of the OpenID provider."""
    setting = "NOTIFIER_PASSWORD_LOG_IN"
    allowed = env.flag(
        setting,
        True,
        "whether operators may log in with a password; 0 leaves the OpenID provider alone",
    )
    if not (allowed or issuer):
        raise ImproperlyConfigured(
            f"{setting} is 0 and {_ISSUER} is empty: then nobody can log in to the admin"
        )
    return allowed


def second_factor_required() -> bool:
    """Return whether nobody logs in with a password alone."""
    return env.flag(
        "NOTIFIER_SECOND_FACTOR_REQUIRED",
        False,
        "whether an operator who logs in with a password has to give a code of an authenticator "
        "app, and to set one up first where there is none",
    )


def _roles() -> dict[str, str]:
    """Return the role that each value of the claim gives."""

    def parse(text: str) -> tuple[str, str]:
        value, _, role = text.strip().rpartition("=")
        if not value or role not in MAPPED:
            raise ValueError
        return value, role

    words = ", ".join(MAPPED)
    meaning = (
        "roles that values of the claim give, `notifier-admins=superuser,helpdesk=support`; "
        f"a role is one of {words}"
    )
    expected = f"values and roles such as helpdesk=support, with one of {words} for each"
    return dict(env.parsed_items(_ROLES, "", meaning, parse, expected))


def _check(found: OpenIDProvider) -> None:
    parts = urlsplit(env.checked_url(_ISSUER, found["issuer"]))
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ImproperlyConfigured(f"{_ISSUER} must be an https:// URL: log-ins go there")
    if not found["client_id"]:
        raise ImproperlyConfigured(f"{_ISSUER} needs NOTIFIER_OIDC_CLIENT_ID beside it")
    if not found["roles"]:
        raise ImproperlyConfigured(
            f"{_ISSUER} needs {_ROLES} beside it: without a role nobody gets in"
        )
    if "openid" not in found["scopes"]:
        raise ImproperlyConfigured("NOTIFIER_OIDC_SCOPES has no openid, without which it is none")
