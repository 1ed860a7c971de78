"""Permissions by the scopes of an API key."""

from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.api.problems import Problem
from apps.publishers.api.caller import key_of
from apps.publishers.scopes import Scope
from apps.publishers.selectors import KeySnapshot

if TYPE_CHECKING:  # its import needs the classes that the settings name
    from rest_framework.views import APIView


def require(key: KeySnapshot, scope: Scope, what: str = "This") -> None:
    """Raise a ``Problem`` if the key lacks the scope that ``what`` needs."""
    if scope not in key.scopes:
        raise Problem(
            "missing-scope",
            f"{what} needs the scope {scope}, which the key {key.prefix} does not have. Use "
            "another key, or create one with it.",
            scope=str(scope),
        )


def require_high(key: KeySnapshot) -> None:
    """Raise a ``Problem`` if the key may not post at high priority."""
    require(
        key,
        Scope.NOTIFICATIONS_HIGH,
        "High priority, which a topic may have where none is named,",
    )


def require_critical(key: KeySnapshot, category: str) -> None:
    """Raise a ``Problem`` if the key may not post in critical categories, as this one is."""
    require(key, Scope.NOTIFICATIONS_CRITICAL, f"The category {category!r}, which is critical,")


class HasScope(BasePermission):
    """Require the scope of a view's ``required_scopes``: ``{"POST": "topics:write"}``."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        method = request.method or ""
        if method == "HEAD":
            method = "GET"
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            return request.auth is not None  # the response lists the methods, or is a 405
        scope = getattr(view, "required_scopes", {}).get(method)
        if scope is None:
            raise ImproperlyConfigured(f"{type(view).__name__} declares no scope for {method}")
        require(key_of(request), scope)
        return True
