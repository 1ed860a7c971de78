"""Writes: publishers, and the making, rotating and revoking of their keys."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.publishers import keys
from apps.publishers.models import ApiKey, Publisher
from apps.publishers.selectors import KeySnapshot

#: How long a rotated key still works where its publisher does not say otherwise.
ROTATION_GRACE = timedelta(hours=24)


def create_publisher(name: str, display_name: str = "") -> Publisher:
    """A new publisher. Raises ``IntegrityError`` if the name is taken."""
    return Publisher.objects.create(name=name, display_name=display_name)


def create_key(
    publisher_id: int,
    scopes: Iterable[str],
    *,
    name: str = "",
    expires_at: datetime | None = None,
    rate_per_second: int | None = None,
    burst: int | None = None,
) -> tuple[ApiKey, str]:
    """A new key's row, and the key itself, which cannot be had again. Without a rate of its own
    only its publisher's applies."""
    new = keys.generate()
    row = ApiKey.objects.create(
        publisher_id=publisher_id,
        name=name,
        prefix=new.prefix,
        digest=new.digest,
        scopes=sorted(scopes),
        expires_at=expires_at,
        rate_per_second=rate_per_second,
        burst=burst,
    )
    return row, new.text


@transaction.atomic
def rotate_key(
    old: ApiKey, by: KeySnapshot, grace: timedelta = ROTATION_GRACE
) -> tuple[ApiKey, str]:
    """A key like ``old``, which itself works for ``grace`` longer. The new one lives as long, and
    may make no more requests a second than ``by``, the key that asks. Lock ``old`` before.
    """
    now = timezone.now()
    limited = [key for key in (by, old) if key.rate_per_second is not None]
    slowest = min(limited, key=lambda key: key.rate_per_second or 0, default=old)
    lifetime = old.expires_at - old.created_at if old.expires_at else None
    made = create_key(
        old.publisher_id,
        old.scopes,
        name=old.name,
        expires_at=now + lifetime if lifetime else None,
        rate_per_second=slowest.rate_per_second,
        burst=slowest.burst,
    )
    old.expires_at = min(old.expires_at or now + grace, now + grace)
    old.save(update_fields=["expires_at"])
    return made


def revoke_key(key: ApiKey) -> bool:
    """The key works no more, in any process, from a moment after the commit; whether it did."""
    if key.revoked_at is not None:
        return False
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    return True
