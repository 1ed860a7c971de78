"""Conditions that are seen to in time: old keys, certificates, erasures, partitions, log-ins."""

from collections.abc import Iterator
from datetime import timedelta

from apps.alerts import certificates
from apps.alerts.conditions.findings import Finding, Unknown, ago
from apps.alerts.rules import (
    API_KEY_LEFT,
    CERTIFICATE_LEFT,
    ERASURE_AGE,
    KEY_AGE,
    LOG_INS_WITHIN,
    PARTITION_DAYS,
)
from apps.core import clock
from apps.delivery.maintenance.partitions import making
from apps.operators import log_in_limits
from apps.privacy import monitoring as privacy
from apps.privacy.keys import usage
from apps.publishers.models import ApiKey


def encryption_key_old() -> Iterator[Finding]:
    """Find out whether data is encrypted with a key that is too old."""
    age = usage.oldest_age()
    if age > KEY_AGE:
        yield Finding("", f"It came into use {ago(age)} ago.")


def certificate_ends() -> Iterator[Finding]:
    """Find certificates that end soon, or have ended."""
    found = certificates.known(certificates.WAIT_SECONDS)
    if found is None:
        raise Unknown
    for name in found.unread:
        yield Finding(name, "", known=False)
    for one in found.certificates:
        if one.seconds < CERTIFICATE_LEFT:
            said = "It has ended" if one.seconds < 0 else f"It ends in {ago(one.seconds)}"
            yield Finding(one.name, f"{said}: {one.ends:%Y-%m-%d %H:%M} UTC.")


def api_key_ends() -> Iterator[Finding]:
    """Find API keys that end soon, or have ended, and were used in as long a time before."""
    now, soon = clock.moment(), timedelta(seconds=API_KEY_LEFT)
    ending = ApiKey.objects.filter(
        revoked_at=None,
        expires_at__lt=now + soon,
        last_used_at__gt=now - soon,
        publisher__is_active=True,
    )
    columns = ending.order_by("expires_at", "pk").values_list(
        "prefix", "publisher__name", "expires_at"
    )
    for prefix, publisher, ends in columns:
        said = "It has ended" if ends and ends < now else "It ends"
        yield Finding(f"{prefix} of {publisher}", f"{said}: {ends:%Y-%m-%d %H:%M} UTC.")


def erasure_waits() -> Iterator[Finding]:
    """Find out whether an erasure does not end."""
    age = privacy.oldest_erasure()
    if age > ERASURE_AGE:
        yield Finding("", f"The oldest was asked for {ago(age)} ago.")


def partitions_end() -> Iterator[Finding]:
    """Find out whether nothing makes the partitions of the coming days, where tables have some."""
    ahead = making.days_ahead()
    if ahead is not None and ahead < PARTITION_DAYS:
        yield Finding("", f"There are partitions for {ahead} days from tomorrow on.")


def log_ins_paused() -> Iterator[Finding]:
    """Find out whether somebody goes on trying passwords after pauses."""
    if log_in_limits.are_tried(timedelta(seconds=LOG_INS_WITHIN)):
        yield Finding("", "Log-ins were paused after too many wrong passwords, and tried again.")
