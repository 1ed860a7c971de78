"""Certificates of files and servers that no account at a provider names."""

from collections.abc import Iterator

from django.conf import settings

from apps.alerts import certificates
from apps.doctor.checks.providers import SOON
from apps.doctor.findings import Finding, Options, Reporter

_found = Reporter("certificates")


def check(options: Options) -> Iterator[Finding]:
    """Report the expiry of each certificate. Those of providers are said with them."""
    found = certificates.read(outside=options.call)
    for one in found:
        if one.name.split()[0] in settings.PROVIDERS and one.name.endswith("cert_file"):
            continue
        if one.seconds < 0:
            yield _found.error(f"{one.name} ended on {one.ends:%Y-%m-%d}", "renew it")
        elif one.seconds < SOON.total_seconds():
            yield _found.warning(f"{one.name} ends on {one.ends:%Y-%m-%d}", "renew it")
    if found:
        first = min(found, key=lambda one: one.ends)
        yield _found.ok(f"{len(found)} were read; {first.name} ends first, {first.ends:%Y-%m-%d}")
