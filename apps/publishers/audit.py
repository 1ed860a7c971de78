"""The audit trail: who changed what, when, from where, and what it was before and after."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from apps.core import clock, old_rows
from apps.core.client_address import remote_address
from apps.publishers.models import AuditEvent

#: Characters of an object's name that are stored; the longest that the API accepts fits.
LONGEST_NAME = 200
#: Characters of an actor's name that are stored; a person's user_id may be longer.
LONGEST_ACTOR = 150
OPERATOR, PUBLISHER, SYSTEM = "operator", "publisher", "system"
PERSON, PROVIDER = "person", "provider"
ACTORS = (PUBLISHER, OPERATOR, PERSON, PROVIDER, SYSTEM)
# Ids grow with time, so the oldest rows are found without an index on it.
_PURGE = """
WITH oldest AS (SELECT id, at FROM publishers_auditevent ORDER BY id LIMIT %(most)s)
DELETE FROM publishers_auditevent e USING oldest o WHERE e.id = o.id AND o.at < %(before)s
"""


class Actor(NamedTuple):
    """The author of a change: a publisher's key, an operator, a person, a provider or a command."""

    kind: str
    name: str
    publisher_id: int | None = None
    remote_address: str | None = None


_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


class CurrentRequest:
    """Middleware that remembers the request being handled, for ``current_actor``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return self._get_response(request)
        finally:
            _request.reset(token)


def current_request() -> HttpRequest | None:
    """Return the request being handled, ``None`` outside of one."""
    return _request.get()


def current_actor() -> Actor:
    """Return the actor of the request being handled, ``manage.py`` outside of one."""
    return actor_of(_request.get())


def actor_of(request: Request | HttpRequest | None) -> Actor:
    """Return a request's actor: its key in the API, its user in the admin or with a token."""
    if request is None:
        return Actor(SYSTEM, "manage.py")
    address = remote_address(request)
    key = getattr(request, "auth", None)
    if key is not None:
        return Actor(PUBLISHER, key.prefix, key.publisher_id, address)
    person = getattr(request.user, "user_id", None)
    if person is not None:
        return Actor(PERSON, person, None, address)
    return Actor(OPERATOR, request.user.get_username(), None, address)


def record(
    request: Request | HttpRequest | None,
    action: str,
    object_type: str,
    object_name: str,
    *,
    actor: Actor | None = None,
    publisher_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write one event. Call it in the transaction of the change, so that both commit or neither.

    ``request`` is the API's (its user is the publisher), the admin's (its user is the operator), or
    ``None`` for a command. ``before`` and ``after`` are JSON-compatible and hold no secret, no
    address and no content; if both are given, only what differs is stored. ``publisher_id`` is the
    owner of the object, by default the publisher that makes the request; ``actor`` is by default
    that of the request.
    """
    actor = actor or actor_of(request)
    if before is not None and after is not None:
        changed = {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)}
        before = {k: v for k, v in before.items() if k in changed}
        after = {k: v for k, v in after.items() if k in changed}
    AuditEvent.objects.create(
        publisher_id=publisher_id if publisher_id is not None else actor.publisher_id,
        actor_kind=actor.kind,
        actor=actor.name[:LONGEST_ACTOR],
        remote_address=actor.remote_address,
        action=action,
        object_type=object_type,
        object_name=object_name[:LONGEST_NAME],
        before=before,
        after=after,
    )


def record_revocations(
    request: Request | HttpRequest | None, publisher_id: int, prefixes: Sequence[str], first: str
) -> None:
    """Write an event for each revoked key; ``first`` is the one whose revocation was requested."""
    for prefix in prefixes:
        after = None if prefix == first else {"with": first}
        record(request, "revoke", "api_key", prefix, publisher_id=publisher_id, after=after)


def purge() -> int:
    """Delete events older than ``AUDIT_DAYS``; return how many."""
    return old_rows.delete(_PURGE, clock.moment() - timedelta(days=settings.AUDIT_DAYS))
