"""The audit trail: who changed what, when, from where, and what it was before and after."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from apps.publishers.models import AuditEvent
from apps.publishers.remote import remote_address

#: Characters of an object's name that are kept; the longest that the API takes fit.
LONGEST_NAME = 200
OPERATOR, PUBLISHER, SYSTEM = "operator", "publisher", "system"


def record(
    request: Request | HttpRequest | None,
    action: str,
    object_type: str,
    object_name: str,
    *,
    publisher_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write one event; call it in the transaction of the change, so that both stay or neither.

    ``request`` is the API's (its user is the publisher), the admin's (its user is the operator),
    or none for a command. ``before`` and ``after`` are JSON-ready and hold no secret, no address
    and no content; where both are given, only what differs is kept. ``publisher_id``: whose the
    object is; by default the publisher that asks.
    """
    kind, actor, owner = _actor(request)
    if before is not None and after is not None:
        changed = {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)}
        before = {k: v for k, v in before.items() if k in changed}
        after = {k: v for k, v in after.items() if k in changed}
    AuditEvent.objects.create(
        publisher_id=publisher_id if publisher_id is not None else owner,
        actor_kind=kind,
        actor=actor,
        remote_address=remote_address(request) if request else None,
        action=action,
        object_type=object_type,
        object_name=object_name[:LONGEST_NAME],
        before=before,
        after=after,
    )


def revoked(
    request: Request | HttpRequest | None, publisher_id: int, prefixes: Sequence[str], first: str
) -> None:
    """An event for each key that was revoked: with ``first``, which was asked for."""
    for prefix in prefixes:
        after = None if prefix == first else {"with": first}
        record(request, "revoke", "api_key", prefix, publisher_id=publisher_id, after=after)


def _actor(request: Request | HttpRequest | None) -> tuple[str, str, int | None]:
    if request is None:
        return SYSTEM, "manage.py", None
    if isinstance(request, Request):
        return PUBLISHER, request.auth.prefix, request.user.id
    return OPERATOR, request.user.get_username(), None
