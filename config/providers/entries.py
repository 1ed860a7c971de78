"""The setting ``PROVIDERS``: an entry for each configured account, in order of preference."""

import re

from django.core.exceptions import ImproperlyConfigured

from config import env
from config.providers.accounts import KINDS, accounts
from config.providers.shapes import Entry, Limits, Options

# -- Channels and providers -------------------------------------------------------------------


def configured(public_url: str) -> dict[str, Entry]:
    """Return the providers whose credentials are given, in the order in which a channel tries them.

    ``public_url``: where providers reach this service with their receipts.
    """
    ca_file = env.checked_file(
        "NOTIFIER_CA_FILE",
        env.text("NOTIFIER_CA_FILE", "", "PEM file to trust beside the system's, for a sandbox"),
        b"CERTIFICATE-----",
    )
    timeout = env.number(
        "NOTIFIER_PROVIDER_TIMEOUT", 10.0, "seconds a provider has to answer one call", above=0
    )
    concurrency = env.whole(
        "NOTIFIER_PROVIDER_CONCURRENCY",
        256,
        "maximum of calls in flight to any other provider from one process",
        least=1,
    )
    allowed_networks = env.networks(
        "NOTIFIER_WEBHOOK_ALLOWED_NETWORKS",
        "",
        "private networks (CIDR) that webhooks may reach",
    )
    dns_servers = env.dns_servers(
        "NOTIFIER_DNS_SERVERS",
        "",
        "IP addresses of name servers that webhooks' and mail servers' hosts are looked up at, "
        "in place of the system's: `10.0.0.2,10.0.0.3:5353`",
    )

    push_concurrency = env.whole(
        "NOTIFIER_PUSH_CONCURRENCY",
        1000,
        "maximum of calls in flight to FCM, and to APNs, from one process; connections carry many",
        least=1,
    )
    wire: Options = {
        "timeout": timeout,
        "concurrency": concurrency,
        "ca_file": ca_file or None,
    }
    found: dict[str, Entry] = {}
    for account in accounts():
        own: Options = {}
        if KINDS[account.kind].channel == "push":
            own = {"concurrency": push_concurrency}
        elif account.kind == "smtp":
            own = {"dns_servers": dns_servers}
        found |= account.provider(public_url, wire | own)
    found["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "breaker": False,  # every host has a breaker of its own (host_breakers)
        "options": {
            **wire,
            "allowed_networks": [str(network) for network in allowed_networks],
            "dns_servers": dns_servers,
        },
    }
    found["inbox"] = {
        "class": "notifier.providers.inbox.Inbox",
        "channel": "inbox",
        "breaker": False,  # it is our own database, without which nothing is sent anyway
        "options": {},
    }
    for name, quota in _quotas().items():
        _known("NOTIFIER_PROVIDER_QUOTAS", name, found)["quota"] = quota
    preferred = env.items(
        "NOTIFIER_PROVIDER_ORDER",
        "",
        "providers to try first, by name, where a channel has several",
    )
    for name in preferred:
        _known("NOTIFIER_PROVIDER_ORDER", name, found)
    return dict(
        sorted(
            found.items(),
            key=lambda entry: (
                preferred.index(entry[0]) if entry[0] in preferred else len(preferred)
            ),
        )
    )


def _known(setting: str, name: str, found: dict[str, Entry]) -> Entry:
    if name not in found:
        raise ImproperlyConfigured(
            f"{setting} names {name}, which is not set up. There are: {', '.join(found)}."
        )
    return found[name]


def _quotas() -> dict[str, Limits]:
    """Return by provider the arguments of ``notifier.resilience.token_bucket.Quota``."""
    found: dict[str, Limits] = {}
    for entry in env.items(
        "NOTIFIER_PROVIDER_QUOTAS",
        "",
        "quotas of accounts, shared by all workers: `fcm=10000` messages a second, `twilio=100:20` "
        "and at most 20 calls in flight, `smtp=:10` only 10 calls in flight",
    ):
        match = re.fullmatch(r"([a-z0-9-]+)=(\d+(?:\.\d+)?)?(?::(\d+))?", entry)
        if not match or not (match[2] or match[3]):
            raise ImproperlyConfigured(
                f"NOTIFIER_PROVIDER_QUOTAS says {entry!r}: it is written twilio=100, twilio=100:20 "
                "or twilio=:20."
            )
        quota: Limits = {}
        if float(match[2] or 0):
            quota["per_second"] = float(match[2])
        if int(match[3] or 0):
            quota["concurrent"] = int(match[3])
        if quota:
            found[match[1]] = quota
    return found
