"""Writes: publishers, and the making, rotating and revoking of their keys."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.publishers import keys
from apps.publishers.models import ApiKey, Publisher

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
) -> tuple[ApiKey, str]:
    """A new key's row, and the key itself, which cannot be had again."""
    new = keys.generate()
    row = ApiKey.objects.create(
        publisher_id=publisher_id,
        name=name,
        prefix=new.prefix,
        digest=new.digest,
        scopes=sorted(scopes),
        expires_at=expires_at,
    )
    return row, new.text


@transaction.atomic
def rotate_key(old: ApiKey, grace: timedelta = ROTATION_GRACE) -> tuple[ApiKey, str]:
    """A key like ``old``, which itself works for ``grace`` longer. The new one lives as long."""
    now = timezone.now()
    lifetime = old.expires_at - old.created_at if old.expires_at else None
    made = create_key(
        old.publisher_id,
        old.scopes,
        name=old.name,
        expires_at=now + lifetime if lifetime else None,
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
