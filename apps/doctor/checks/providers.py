"""Providers: which channels have one, whether credentials can be used, and whether they answer."""

import asyncio
import socket
import ssl
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings

from apps.delivery.flow import availability
from apps.doctor.findings import Finding, Options, Reporter
from notifier import providers
from notifier.providers import Route
from notifier.providers.base import Provider

_found = Reporter("providers")

#: Options of providers that are paths of secrets, and of certificates.
SECRETS = ("service_account_file", "key_file", "cert_file")
CERTIFICATES = ("cert_file", "ca_file")
#: Time before its end at which a certificate is to be renewed.
SOON = timedelta(days=30)
#: Seconds to wait for a provider.
PATIENCE = 5


def check(options: Options) -> Iterator[Finding]:
    """Build each provider, as a worker does. Nobody is called without ``options.call``."""
    for gap in availability.gaps():
        yield _found.warning(
            f"{gap.channel} has {gap}", "leave it if you do without, else set one of these"
        )
    for route in providers.routes(settings.PROVIDERS):
        if route.name in ("inbox", "webhook"):
            continue  # no accounts
        yield from _files(route)
        try:
            asyncio.run(_build(route))
        except Exception as error:  # whatever a library says of a file
            yield _found.error(
                f"{route.name} cannot be used: {error}",
                "correct its settings, or the file that they name",
            )
            continue
        yield _found.ok(f"{route.name}: credentials can be read")
        if options.call:
            yield _called(route.name, route.options)


async def _build(route: Route) -> None:
    provider: Provider = route.provider()
    await provider.close()


def _files(route: Route) -> Iterator[Finding]:
    for option in SECRETS:
        path = route.options.get(option)
        if path and Path(path).stat().st_mode & stat.S_IROTH:
            yield _found.warning(
                f"{route.name}: every user of this machine can read {path}", f"chmod o= {path}"
            )
    for option in CERTIFICATES:
        if path := route.options.get(option):
            yield from _certificates(route.name, path)


def _certificates(name: str, path: str) -> Iterator[Finding]:
    try:
        found = x509.load_pem_x509_certificates(Path(path).read_bytes())
    except ValueError:
        return  # the provider says what is wrong with it
    ends = min(one.not_valid_after_utc for one in found)
    left = ends - datetime.now(UTC)
    if left < timedelta(0):
        yield _found.error(f"{name}: {path} ended on {ends:%Y-%m-%d}", "renew it")
    elif left < SOON:
        yield _found.warning(f"{name}: {path} ends on {ends:%Y-%m-%d}", "renew it")


def _called(name: str, options: Mapping[str, Any]) -> Finding:
    """Connect to a provider, with TLS as it is configured; send it nothing."""
    if "base_url" in options:
        url = urlsplit(options["base_url"])
        tls = url.scheme == "https"
        address = url.hostname or "", url.port or (443 if tls else 80)
    else:
        tls = options["tls"] == "implicit"
        address = options["host"], int(options["port"])
    try:
        with socket.create_connection(address, timeout=PATIENCE) as connection:
            if tls:
                context = ssl.create_default_context()
                if options.get("ca_file"):
                    context.load_verify_locations(options["ca_file"])
                context.wrap_socket(connection, server_hostname=address[0]).close()
    except OSError as error:
        return _found.error(
            f"{name} cannot be reached at {address[0]}:{address[1]}: {error}",
            "see whether a firewall lets workers out, and whether its URL is right",
        )
    return _found.ok(f"{name} answers at {address[0]}:{address[1]}")
