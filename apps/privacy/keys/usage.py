"""Since when each key is in use, and whether it still is."""

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
from notifier.security.crypto import parse_keys


class KeyUse(NamedTuple):
    """The use of a configured key: since when, and when nothing had it any more."""

    since: datetime
    retired_at: datetime | None


def of_keys() -> dict[int, KeyUse]:
    """Return the use of each configured key, the first one first.

    One that is not on record counts from now on if it is a new one before others, else from when
    the oldest contact was made.
    """
    present, *earlier = parse_keys(settings.ENCRYPTION_KEYS)
    noted = {row.pk: KeyUse(row.since, row.retired_at) for row in EncryptionKey.objects.all()}
    now = clock.moment()
    found: dict[int, KeyUse] = {}
    for key in (present, *earlier):
        if key in noted:
            found[key] = noted[key]
        else:
            is_new = key == present and bool(earlier)
            found[key] = KeyUse(now if is_new else _oldest() or now, None)
    found[present] = found[present]._replace(retired_at=None)
    return found


def note() -> None:
    """Record which keys are in use."""
    for key, use in of_keys().items():
        EncryptionKey.objects.update_or_create(
            pk=key, create_defaults=use._asdict(), defaults={"retired_at": use.retired_at}
        )


def retire_others() -> None:
    """Record that nothing was found that is encrypted with another key than the first."""
    present = next(iter(parse_keys(settings.ENCRYPTION_KEYS)))
    EncryptionKey.objects.filter(retired_at=None).exclude(pk=present).update(
        retired_at=clock.moment()
    )


def links_end() -> datetime | None:
    """Return when the last link ends that was made with another key than the first.

    ``None`` where links have keys of their own, or the first key is the only one.
    """
    present, *earlier = parse_keys(settings.ENCRYPTION_KEYS)
    if settings.LINK_KEYS or not earlier:
        return None
    return of_keys()[present].since + timedelta(days=VALID_DAYS + 1)


def _oldest() -> datetime | None:
    return Contact.objects.order_by("pk").values_list("created_at", flat=True).first()


class EncryptionKeys(Collector):
    """The age of the oldest key that something may be encrypted with."""

    def collect(self) -> Iterator[Metric]:
        used = [use.since for use in of_keys().values() if use.retired_at is None]
        gauge = GaugeMetricFamily(
            "notifier_encryption_key_age_seconds",
            "Seconds since the oldest encryption key came into use that was not rotated.",
        )
        gauge.add_metric([], max(0.0, (clock.moment() - min(used)).total_seconds()))
        yield gauge
