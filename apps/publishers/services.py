"""Create publishers; create, rotate and revoke their API keys.

A key is made by an operator, by another key or by a token, and never outlives its maker: it ends no
later, and is revoked with it. The replacement of a rotated key counts as the same key.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.core import clock
from apps.publishers import keys, selectors
from apps.publishers.models import ApiKey, Publisher
from apps.publishers.selectors import KeySnapshot

#: Default time for which a rotated key still works.
ROTATION_GRACE = timedelta(hours=24)


def create_publisher(name: str, display_name: str = "") -> Publisher:
    """Create a publisher. Raises ``IntegrityError`` if the name is taken."""
    return Publisher.objects.create(name=name, display_name=display_name)


class MadeKey(NamedTuple):
    """A new key's row, and the key itself, which cannot be obtained again."""

    row: ApiKey
    text: str


class KeyEnded(Exception):
    """The key that makes the request was revoked or has expired, unlike its cached copy."""


def create_key(
    publisher_id: int,
    scopes: Iterable[str],
    *,
    name: str = "",
    expires_at: datetime | None = None,
    by: KeySnapshot | None = None,
    made_by: str = "manage.py",
) -> MadeKey:
    """Create a key.

    ``by`` is the key or token that makes it, ``None`` for an operator. The new key has the rate of
    ``by`` and ends no later. Call it in a transaction. Raises ``KeyEnded``.
    """
    if by is None:
        return _store(publisher_id, scopes, name, expires_at, made_by=made_by)
    maker = None if by.is_token else _lock_key(publisher_id, by.prefix)
    return _store(
        publisher_id,
        scopes,
        name,
        _sooner(expires_at, _end(by) if maker is None else maker.expires_at),
        rate_per_second=by.rate_per_second,
        burst=by.burst,
        made_by=by.prefix,
        ends_with=[] if maker is None else [*maker.ends_with, maker.identity],
    )


@transaction.atomic
def rotate_key(old: ApiKey, by: KeySnapshot, grace: timedelta = ROTATION_GRACE) -> MadeKey:
    """Replace the key ``old``, which works for ``grace`` longer, and return the new one.

    The new key has the old one's lifetime, but ends no later than ``by``, the key that makes the
    request, and has no higher rate than that. It is revoked with the keys that the old one is
    revoked with, and with ``by`` if that is another key. Lock ``old`` before. Raises ``KeyEnded``.
    """
    maker = _lock_key(old.publisher_id, by.prefix)
    now = clock.moment()
    limited = [key for key in (by, old) if key.rate_per_second is not None]
    slowest = min(limited, key=lambda key: key.rate_per_second or 0, default=old)
    lifetime = old.expires_at - old.created_at if old.expires_at else None
    others = [] if maker.identity == old.identity else [*maker.ends_with, maker.identity]
    made = _store(
        old.publisher_id,
        old.scopes,
        old.name,
        _sooner(_after(now, lifetime) if lifetime else None, maker.expires_at),
        rate_per_second=slowest.rate_per_second,
        burst=slowest.burst,
        made_by=by.prefix,
        identity=old.identity,
        ends_with=sorted({*old.ends_with, *others}),
    )
    old.expires_at = _sooner(old.expires_at, now + grace)
    old.save(update_fields=["expires_at"])
    shorten_families(made.row)
    return made


@transaction.atomic
def revoke_key(key: ApiKey, *, family: bool = False) -> list[str]:
    """Revoke a key and every key that it made; processes see it a moment after the commit.

    With ``family`` also revoke the keys that it replaced or that replaced it, and the keys that
    those made. Returns the prefixes of the keys that were not revoked before.
    """
    lock_publisher(key.publisher_id)
    which = Q(pk=key.pk) | Q(ends_with__contains=[key.identity])
    if family:
        which |= Q(identity=key.identity)
    rows = ApiKey.objects.filter(which, publisher=key.publisher_id, revoked_at=None)
    prefixes = list(rows.order_by("pk").values_list("prefix", flat=True))
    rows.update(revoked_at=clock.moment())
    selectors.keys.changed(*prefixes)
    return prefixes


@transaction.atomic
def shorten_families(key: ApiKey) -> None:
    """Make the keys that ``key``, or one that it replaced, made end no later than ``key``."""
    if key.expires_at is None:
        return
    lock_publisher(key.publisher_id)
    rows = ApiKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=key.expires_at),
        publisher=key.publisher_id,
        ends_with__contains=[key.identity],
    )
    prefixes = list(rows.values_list("prefix", flat=True))
    rows.update(expires_at=key.expires_at)
    selectors.keys.changed(*prefixes)


_NEVER = datetime.max.replace(tzinfo=UTC)


def latest_end(key: ApiKey) -> datetime | None:
    """Return when the first maker of ``key`` ends, which ``key`` must not outlive, if ever."""
    ends: dict[UUID, datetime] = {}
    makers = ApiKey.objects.filter(publisher=key.publisher_id, identity__in=key.ends_with)
    for identity, end in makers.values_list("identity", "expires_at"):
        # A rotated key ends when its replacement does.
        ends[identity] = max(ends.get(identity, end or _NEVER), end or _NEVER)
    last = min(ends.values(), default=_NEVER)
    return None if last == _NEVER else last


def lock_publisher(publisher_id: int) -> None:
    """Let one transaction at a time change what the publisher has: its keys, its status webhooks.

    A transaction that revokes a family must see a member that another one is creating, and one that
    adds to a limited number must see what another one adds.
    """
    Publisher.objects.select_for_update(no_key=True).get(pk=publisher_id)


def _lock_key(publisher_id: int, prefix: str) -> ApiKey:
    """Return the key that makes the request; nobody revokes it before the transaction ends."""
    lock_publisher(publisher_id)
    row = ApiKey.objects.filter(publisher=publisher_id, prefix=prefix).first()
    ended = row is None or row.revoked_at is not None
    if row is None or ended or (row.expires_at is not None and row.expires_at <= clock.moment()):
        raise KeyEnded
    return row


def _store(
    publisher_id: int,
    scopes: Iterable[str],
    name: str,
    expires_at: datetime | None,
    **fields: Any,
) -> MadeKey:
    new = keys.generate()
    row = ApiKey.objects.create(
        publisher_id=publisher_id,
        name=name,
        prefix=new.prefix,
        digest=new.digest,
        scopes=sorted(scopes),
        expires_at=expires_at,
        **fields,
    )
    return MadeKey(row, new.text)


def _end(by: KeySnapshot) -> datetime | None:
    return None if by.expires_at is None else datetime.fromtimestamp(by.expires_at, UTC)


def _after(now: datetime, lifetime: timedelta) -> datetime:
    """Return ``now + lifetime``, or the last possible time: an end in 9999 means never."""
    try:
        return now + lifetime
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the earlier of two ends; ``None`` means never."""
    return min((end for end in (one, other) if end is not None), default=None)
