"""Whether a key may do what it asks for."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.publishers.problems import Problem


class HasScope(BasePermission):
    """A view says which scope each method needs: ``required_scopes = {"POST": "topics:write"}``."""

    def has_permission(self, request: Request, view: Any) -> bool:
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            return request.auth is not None  # what follows is a list of methods, or a 405
        scope = getattr(view, "required_scopes", {}).get(method)
        if scope is None:
            raise ImproperlyConfigured(f"{type(view).__name__} declares no scope for {method}")
        if scope not in request.auth.scopes:
            raise Problem(
                "missing-scope",
                f"This needs the scope {scope}, which the key {request.auth.prefix} does not "
                "have. Use another key or have one made with it.",
                scope=str(scope),
            )
        return True
