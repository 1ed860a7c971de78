"""The settings themselves: Django's own checks, and what they do not know."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.http.request import validate_host

from apps.doctor.checks.encryption import is_local
from apps.doctor.findings import Finding, Options, Reporter

_found = Reporter("settings")


def check(options: Options) -> Iterator[Finding]:
    """Check the settings without asking anybody."""
    public = urlsplit(settings.PUBLIC_URL)
    host = public.hostname or ""
    yield from _django()
    if settings.DEBUG:
        yield _found.error(
            "NOTIFIER_DEBUG is on: tracebacks with settings are shown to whoever causes one",
            "unset it",
        )
    if not validate_host(host, settings.ALLOWED_HOSTS):
        yield _found.error(
            f"the API does not answer to {host}, the host of NOTIFIER_PUBLIC_URL",
            "add it to NOTIFIER_ALLOWED_HOSTS",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield _found.warning(
            "NOTIFIER_ALLOWED_HOSTS has *, so whoever calls the API may say what its host is",
            "name the hosts that it is called by",
        )
    if public.scheme != "https" and not is_local(host):
        yield _found.warning(
            "NOTIFIER_PUBLIC_URL is not https: API keys, log-ins and links of people travel in "
            "clear",
            "put a proxy with TLS in front, and set its https:// URL "
            "(docs/deploying.md#reverse-proxies)",
        )
    if public.scheme == "https" and not settings.TRUSTED_PROXIES:
        yield _found.warning(
            "NOTIFIER_TRUSTED_PROXIES is empty: everybody seems to come from the proxy's address, "
            "and log-ins are limited for all of them together",
            "set it to the addresses of the proxies in front",
        )
    if settings.SECRET_KEY_FALLBACKS:
        yield _found.warning(
            "NOTIFIER_SECRET_KEY_FALLBACKS still holds: what it signed is accepted",
            f"unset it {settings.CONFIRMATION_HOURS} hours after the key was changed",
        )
    yield _found.ok(f"read, for {settings.PUBLIC_URL}, installation {settings.INSTALLATION}")


def _django() -> Iterator[Finding]:
    """Run Django's system checks, those for deployments included."""
    for message in checks.run_checks(include_deployment_checks=True):
        if message.is_silenced() or message.id == "security.W018":  # DEBUG, which is said above
            continue
        report = _found.error if message.level >= checks.ERROR else _found.warning
        remedy = message.hint or "see manage.py check --deploy"
        yield report(f"{message.msg} ({message.id})", remedy)
