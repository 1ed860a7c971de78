"""The use of encryption keys: since when each one is first, and whether it is still needed.

A key is in use from when it comes first: behind the first one it only reads.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.core import clock
from apps.preferences.links import VALID_DAYS
from apps.preferences.models import Contact
from apps.privacy.models import EncryptionKey
from notifier.security.crypto import key_of, parse_keys


class KeyUse(NamedTuple):
    """The use of a key that is or was the first one: the columns of its ``EncryptionKey``."""

    since: datetime
    first_at: datetime
    retired_at: datetime | None


def of_keys() -> dict[int, KeyUse]:
    """Return the use of each configured key that is or was the first one, the first one first.

    One behind it that was never seen there is not in use: nothing is encrypted with it yet. Before
    any is on record, the one that the oldest contact has counts from when that was made.
    """
    present, *earlier = parse_keys(settings.ENCRYPTION_KEYS)
    rows = EncryptionKey.objects.all()
    noted = {row.pk: KeyUse(row.since, row.first_at, row.retired_at) for row in rows}
    noted = noted or _of_the_oldest()
    now = clock.moment()
    first = noted.get(present, KeyUse(now, now, None))
    if any(use.first_at > first.first_at for use in noted.values()):  # it comes first again
        first = first._replace(first_at=now)
    before = {key: noted[key] for key in earlier if key in noted}
    return {present: first._replace(retired_at=None), **before}


def oldest_age() -> float:
    """Return the seconds since the oldest key came into use that something may need."""
    used = [use.since for use in of_keys().values() if use.retired_at is None]
    return max(0.0, (clock.moment() - min(used)).total_seconds())


def note() -> None:
    """Record which keys are in use. What is on record of those behind the first one stays."""
    uses = of_keys()
    EncryptionKey.objects.bulk_create(
        [EncryptionKey(pk=key, **use._asdict()) for key, use in uses.items()], ignore_conflicts=True
    )
    present, use = next(iter(uses.items()))
    EncryptionKey.objects.filter(pk=present).update(first_at=use.first_at, retired_at=None)


def retire_others() -> None:
    """Record that nothing was found that is encrypted with another key than the first."""
    present = next(iter(parse_keys(settings.ENCRYPTION_KEYS)))
    EncryptionKey.objects.filter(retired_at=None).exclude(pk=present).update(
        retired_at=clock.moment()
    )


def links_end() -> datetime | None:
    """Return when the last link ends that was made with another key than the first.

    ``None`` where links have keys of their own, or no other configured key was ever the first.
    """
    present, *earlier = of_keys().values()
    if settings.LINK_KEYS or not earlier:
        return None
    return present.first_at + timedelta(days=VALID_DAYS + 1)


def _of_the_oldest() -> dict[int, KeyUse]:
    """Return the use of the key that the oldest contact is encrypted with."""
    row = Contact.objects.order_by("pk").values_list("address", "created_at").first()
    if row is None:
        return {}
    address, created_at = row
    return {key_of(bytes(address)): KeyUse(created_at, created_at, None)}


class EncryptionKeys(Collector):
    """The age of the oldest key that something may be encrypted with."""

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "notifier_encryption_key_age_seconds",
            "Seconds since the oldest encryption key came into use that was not rotated.",
        )
        gauge.add_metric([], oldest_age())
        yield gauge
