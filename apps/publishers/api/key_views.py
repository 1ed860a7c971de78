"""API keys: list, create, rotate and revoke those of one's own publisher."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.bearer import unauthorized
from apps.api.pagination import PageQuery, read_query
from apps.api.problems import Problem
from apps.publishers import audit, services
from apps.publishers.api import key_serializers
from apps.publishers.api.caller import key_of, publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.models import ApiKey
from apps.publishers.scopes import Scope

TAG = "API keys"
MADE = {
    "prefix": "k3x9mw2abc",
    "name": "nightly job",
    "scopes": ["notifications:write"],
    "created_at": "2026-11-22T10:00:00Z",
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": None,
    "made_by": "w8r2nd5xyz",
    "key": "ntf_k3x9mw2abc_…",
}


class KeyList(ListEndpoint):
    """The publisher's keys."""

    required_scopes = {"GET": Scope.KEYS_WRITE, "POST": Scope.KEYS_WRITE}

    @extend_schema(
        operation_id="list_api_keys",
        tags=[TAG],
        parameters=[PageQuery],
        responses=key_serializers.KeyOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List your keys, including revoked ones, oldest first."""
        rows = ApiKey.objects.filter(publisher=publisher_of(request).id)
        return self.paginate(request, rows, key_serializers.KeyOut)

    @extend_schema(
        operation_id="create_api_key",
        tags=[TAG],
        request=key_serializers.KeyIn,
        responses={201: key_serializers.KeyMadeOut},
        examples=[
            OpenApiExample(
                "a key that may only publish",
                {"name": "nightly job", "scopes": ["notifications:write"]},
                request_only=True,
            ),
            OpenApiExample("the key, once", MADE, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Create a key. It is shown in this response only.

        The new key has the rate limit of the key that makes the request, if that has one. It ends
        no later than that key or token, and is revoked with that key.
        """
        wanted = self.body(request, key_serializers.KeyIn)
        beyond = set(wanted["scopes"]) - key_of(request).scopes
        if beyond:
            raise Problem(
                "missing-scope",
                f"A key cannot give away what it lacks: {', '.join(sorted(beyond))}.",
                scope=" ".join(sorted(beyond)),
            )
        with transaction.atomic():
            try:
                row, text = services.create_key(
                    publisher_of(request).id,
                    set(wanted["scopes"]),
                    name=wanted["name"],
                    expires_at=wanted["expires_at"],
                    by=key_of(request),
                )
            except services.KeyEnded:
                raise _ended(request) from None
            shown = key_serializers.KeyOut(row).data
            after = {name: shown[name] for name in ("name", "scopes", "expires_at", "made_by")}
            audit.record(request, "create", "api_key", row.prefix, after=after)
        return Response(_made(row, text), status=201)


class KeyDetail(Endpoint):
    """One API key."""

    required_scopes = {"DELETE": Scope.KEYS_WRITE}

    @extend_schema(
        operation_id="revoke_api_key",
        tags=[TAG],
        parameters=[key_serializers.RevocationQuery],
        responses={204: None},
    )
    def delete(self, request: Request, prefix: str) -> Response:
        """Revoke a key and every key that it made, at once and for good.

        With `family=true` also the keys that it replaced or that replaced it by rotation, and the
        keys that those made: everything that somebody who had the key could have obtained.
        """
        family = read_query(request, key_serializers.RevocationQuery)["family"]
        with transaction.atomic():
            key = _locked(request, prefix)
            ended = services.revoke_key(key, family=family)
            audit.record_revocations(request, publisher_of(request).id, ended, key.prefix)
        return Response(status=204)


class KeyRotation(Endpoint):
    """The rotation of one API key."""

    required_scopes = {"POST": Scope.KEYS_WRITE}

    @extend_schema(
        operation_id="rotate_api_key",
        tags=[TAG],
        request=key_serializers.RotationIn,
        responses={201: key_serializers.KeyMadeOut},
        examples=[OpenApiExample("the key, once", MADE, response_only=True, status_codes=["201"])],
    )
    def post(self, request: Request, prefix: str) -> Response:
        """Replace a key by one with the same scopes; the old one works for `grace_seconds` longer.

        The new key ends no later than the key that makes the request. Only a key can rotate keys;
        a token of your identity provider cannot (409).
        """
        grace = self.body(request, key_serializers.RotationIn)["grace_seconds"]
        with transaction.atomic():
            old = _locked(request, prefix)
            if old.revoked_at is not None:
                raise Problem("conflict", f"The key {prefix} was revoked. Make a new one instead.")
            if key_of(request).is_token:
                raise Problem(
                    "conflict", "A token cannot rotate a key, which outlives it. Use an API key."
                )
            beyond = set(old.scopes) - key_of(request).scopes
            if beyond:
                raise Problem(
                    "missing-scope",
                    f"A key cannot rotate one that may do more: {', '.join(sorted(beyond))}.",
                    scope=" ".join(sorted(beyond)),
                )
            try:
                row, text = services.rotate_key(old, key_of(request), timedelta(seconds=grace))
            except services.KeyEnded:
                raise _ended(request) from None
            expires_at = key_serializers.KeyOut(old).data["expires_at"]
            audit.record(
                request,
                "rotate",
                "api_key",
                old.prefix,
                after={"replaced_by": row.prefix, "expires_at": expires_at},
            )
        return Response(_made(row, text), status=201)


def _locked(request: Request, prefix: str) -> ApiKey:
    """Return a key of the publisher, locked until the transaction ends.

    Raises a 404 ``Problem`` if there is none.
    """
    services.lock_publisher(publisher_of(request).id)
    # Prefixes are in lower case; some systems write ids in capitals.
    key = ApiKey.objects.filter(publisher=publisher_of(request).id, prefix=prefix.lower()).first()
    if key is None:
        raise Problem("not-found", f"You have no key {prefix}. GET /v1/api-keys lists yours.")
    return key


def _ended(request: Request) -> Problem:
    """Return the problem for a key that ended after it was authenticated."""
    return unauthorized("revoked-key", f"The key {key_of(request).prefix} has ended. Use another.")


def _made(row: ApiKey, text: str) -> dict[str, Any]:
    return {**key_serializers.KeyOut(row).data, "key": text}
