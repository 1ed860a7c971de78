"""Read publishers and API keys, which every request needs, from a cache."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from apps.core.cache import CachedLookup
from apps.publishers.models import ApiKey, Publisher

#: The beginning of the ``prefix`` of an identity provider's token.
TOKEN = "jwt:"


@dataclass(frozen=True, slots=True)
class PublisherSnapshot:
    """``request.user``: a request's publisher. A limit of ``None`` means the settings' default."""

    id: int
    name: str
    display_name: str
    is_active: bool
    rate_per_second: int | None = None
    burst: int | None = None
    quota_per_day: int | None = None
    high_quota_per_day: int | None = None
    high_rate_per_second: int | None = None

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def pk(self) -> int:
        return self.id

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class KeySnapshot:
    """``request.auth``: the key of a request. Times are unix seconds; ``digest`` is hexadecimal.

    If it has no rate of its own, only its publisher's applies. A token of an identity provider has
    the prefix ``jwt:<publisher>``.
    """

    prefix: str
    publisher_id: int
    digest: str
    scopes: frozenset[str]
    expires_at: float | None
    revoked_at: float | None
    rate_per_second: int | None = None
    burst: int | None = None

    @property
    def is_token(self) -> bool:
        return self.prefix.startswith(TOKEN)


def get_publisher(publisher_id: int) -> PublisherSnapshot | None:
    """Return the publisher as it was at most a few seconds ago."""
    return publishers.get(publisher_id)


def get_publisher_named(name: str) -> PublisherSnapshot | None:
    """Return the publisher of that name as it was at most a few seconds ago."""
    publisher_id = publisher_ids.get(name)
    publisher = None if publisher_id is None else get_publisher(publisher_id)
    # Its name may have changed since the id was cached.
    return publisher if publisher is not None and publisher.name == name else None


def all_publisher_ids() -> list[int]:
    """Return the ids of all publishers, inactive ones included."""
    return list(Publisher.objects.values_list("pk", flat=True))


def get_key(prefix: str) -> KeySnapshot | None:
    """Return the key of that prefix, even if it has expired or was revoked."""
    return keys.get(prefix)


def _load_publisher(publisher_id: str) -> PublisherSnapshot | None:
    row = Publisher.objects.filter(pk=int(publisher_id)).first()
    if row is None:
        return None
    return PublisherSnapshot(
        row.pk,
        row.name,
        row.display_name,
        row.is_active,
        row.rate_per_second,
        row.burst,
        row.quota_per_day,
        row.high_quota_per_day,
        row.high_rate_per_second,
    )


def _load_publisher_id(name: str) -> int | None:
    return Publisher.objects.filter(name=name).values_list("pk", flat=True).first()


def _load_key(prefix: str) -> KeySnapshot | None:
    row = ApiKey.objects.filter(prefix=prefix).first()
    if row is None:
        return None
    return KeySnapshot(
        prefix=row.prefix,
        publisher_id=row.publisher_id,
        digest=bytes(row.digest).hex(),
        scopes=frozenset(row.scopes),
        expires_at=_seconds(row.expires_at),
        revoked_at=_seconds(row.revoked_at),
        rate_per_second=row.rate_per_second,
        burst=row.burst,
    )


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _decode_key(packed: dict[str, Any]) -> KeySnapshot:
    key = KeySnapshot(**packed)
    return replace(key, scopes=frozenset(key.scopes))


publishers = CachedLookup(
    "publisher", _load_publisher, asdict, lambda packed: PublisherSnapshot(**packed)
)
publisher_ids = CachedLookup("publisher-id", _load_publisher_id, int, int)
keys = CachedLookup(
    "api-key", _load_key, lambda key: {**asdict(key), "scopes": sorted(key.scopes)}, _decode_key
)
