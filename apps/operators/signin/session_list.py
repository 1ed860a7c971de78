"""Operators' sessions: which there are, and their ends.

Whatever changes what an operator may do, or who they are, ends their sessions: another password,
roles or permissions, status. The session in which it was changed goes on.
"""

import hashlib
from collections.abc import Collection
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.db.models.signals import m2m_changed, pre_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from apps.core import clock
from apps.operators.sessions import BEGAN, KEY
from apps.operators.signin import second_factor
from apps.operators.signin.back_channel import LogOut
from apps.operators.signin.models import OperatorSession
from apps.publishers import audit

#: Fields of an operator whose change ends their sessions.
_FIELDS = ("password", "is_active", "is_staff", "is_superuser")


class Listed(NamedTuple):
    """A session as pages show it. ``name`` stands for its key, which is a secret."""

    name: str
    row: OperatorSession
    is_this: bool


def of(user: User, request: HttpRequest | None = None) -> list[Listed]:
    """Return an operator's sessions, the one seen last first. ``request`` is in one of them."""
    this = request.session.session_key if request else None
    rows = _open([user.pk]).order_by("-seen_at")
    return [Listed(_name(row.session_key), row, row.session_key == this) for row in rows]


def operator_of(key: str | None) -> User | None:
    """Return whose open session this is, for what is no page of the admin; it is not prolonged."""
    if not KEY.fullmatch(key or ""):
        return None
    row = OperatorSession.objects.select_related("user").filter(pk=key).first()
    if row is None or row.user is None or row.expire_date < clock.moment():
        return None
    user, kept = row.user, row.get_decoded()
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    known = any(constant_time_compare(kept.get(HASH_SESSION_KEY, ""), one) for one in hashes)
    is_over = clock.now() - kept.get(BEGAN, 0.0) >= settings.SESSION_LONGEST
    return user if known and not is_over and user.is_active and user.is_staff else None


def may_use_flower(user: User) -> bool:
    """Return whether an operator's role lets them use Flower, which can stop workers."""
    return user.has_perm("signin.use_flower")


def end(request: HttpRequest | None, user: User, names: Collection[str] | None = None) -> int:
    """End an operator's sessions, all but this one or those of ``names``; return how many."""
    ended = [
        one.row.pk
        for one in of(user, request)
        if not one.is_this and (names is None or one.name in names)
    ]
    found, _ = OperatorSession.objects.filter(pk__in=ended).delete()
    if found:
        name = user.get_username()
        audit.record(request, "end_sessions", "user", name, after={"sessions": found})
    return found


def _open(users: Collection[int]) -> QuerySet[OperatorSession]:
    return OperatorSession.objects.filter(user__in=users, expire_date__gt=clock.moment())


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _end_after_change(users: Collection[int]) -> None:
    """End the sessions of changed operators but for the one in which they were changed."""
    request = audit.current_request()
    session = getattr(request, "session", None)
    ended = _open(users).exclude(pk=session.session_key if session else None)
    _end_all(ended, audit.actor_of(request))


def end_at_provider(order: LogOut, actor: audit.Actor) -> None:
    """End the sessions that are over at the OpenID provider.

    Sessions of the person whose name at the provider is not known are taken for the one it means.
    """
    ended = OperatorSession.objects.filter(
        user__identity__issuer=settings.OIDC["issuer"], expire_date__gt=clock.moment()
    )
    if order.subject:
        ended = ended.filter(user__identity__subject=order.subject)
    if order.session:
        meant = [order.session, ""] if order.subject else [order.session]
        ended = ended.filter(provider_session__in=meant)
    _end_all(ended, actor)


def _end_all(ended: QuerySet[OperatorSession], actor: audit.Actor) -> None:
    """End sessions, with an event for each operator whose they were."""
    counts: dict[str, int] = {}
    for row in ended.select_related("user"):
        if row.user is not None:
            counts[row.user.get_username()] = counts.get(row.user.get_username(), 0) + 1
    ended.delete()
    for name, found in counts.items():
        after = {"sessions": found}
        audit.record(None, "end_sessions", "user", name, actor=actor, after=after)


@receiver(pre_save, sender=User)
def _saving(
    instance: User, update_fields: Collection[str] | None = None, raw: bool = False, **_: object
) -> None:
    watched = [name for name in _FIELDS if update_fields is None or name in update_fields]
    if raw or instance.pk is None or not watched:
        return
    before = User.objects.filter(pk=instance.pk).values(*watched).first()
    changed = {name for name in watched if before and before[name] != getattr(instance, name)}
    if changed:
        _end_after_change([instance.pk])
    if "password" in changed:  # whoever knew the old one may have begun it
        second_factor.drop_waiting(instance.pk)


@receiver(m2m_changed, sender=User.groups.through)
@receiver(m2m_changed, sender=User.user_permissions.through)
def _roles_changed(
    instance: Model, action: str, reverse: bool, pk_set: set[Any] | None, **_: object
) -> None:
    if action == "pre_clear":
        users = [instance.pk] if not reverse else _users_of(instance)
    elif action in ("post_add", "post_remove") and pk_set:
        users = list(pk_set) if reverse else [instance.pk]
    else:
        return
    _end_after_change(users)


def _users_of(instance: Any) -> list[int]:
    """Return who has a role or a permission."""
    return list(instance.user_set.values_list("pk", flat=True))
