"""Providers that fail, and those that are left alone."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from apps.alerts.conditions.findings import Finding, ago
from apps.alerts.rules import (
    FAILING,
    FAILING_SLOWLY,
    FAILURES,
    OPEN_WITHIN,
    REFUSED_WITHIN,
    Burn,
)
from apps.delivery.flow.breakers import breakers
from apps.delivery.monitoring import statistics
from notifier.domain.outcomes import Reason
from notifier.resilience.breaker import State

#: Reasons of attempts that are the provider's fault or ours.
FAULTS = (
    Reason.PROVIDER_ERROR,
    Reason.CONNECTION,
    Reason.TIMEOUT,
    Reason.NO_ANSWER,
    Reason.AUTHENTICATION,
    Reason.SENDER_REFUSED,
    Reason.MANY_DEAD_ADDRESSES,
    Reason.INTERNAL,
)
REFUSALS = (Reason.AUTHENTICATION, Reason.SENDER_REFUSED)
#: Their failures are somebody else's, or those of our own database.
_NOBODYS = ("", "webhook", "inbox")


def failing() -> Iterator[Finding]:
    """Find providers that fail so often that somebody has to see to it now."""
    return _burning(FAILING)


def failing_slowly() -> Iterator[Finding]:
    """Find those that have failed too often for a day."""
    return _burning(FAILING_SLOWLY)


def _burning(burns: Iterable[Burn]) -> Iterator[Finding]:
    said = set()
    for burn in burns:
        recent = statistics.shares(timedelta(seconds=burn.short), FAULTS)
        if not any(share.of_all > burn.share for share in recent.values()):
            continue  # the long time, which costs more to read, is only read where it matters
        for provider, share in statistics.shares(timedelta(seconds=burn.long), FAULTS).items():
            if (
                provider not in _NOBODYS
                and provider not in said
                and share.number >= FAILURES
                and share.of_all > burn.share
                and provider in recent
                and recent[provider].of_all > burn.share
            ):
                said.add(provider)
                yield Finding(
                    provider, f"{share.of_all:.1%} of its calls failed within {ago(burn.long)}."
                )


def credentials_refused() -> Iterator[Finding]:
    """Find providers that refuse what we present."""
    within = timedelta(seconds=REFUSED_WITHIN)
    for (provider, reason), number in statistics.attempts(within, REFUSALS).items():
        yield Finding(provider, f"{number:,} attempts ended with the reason {reason}.")


def addresses_doubted() -> Iterator[Finding]:
    """Find providers that call too many addresses dead to be believed."""
    for breaker in breakers():
        if breaker.guarded:
            yield Finding(breaker.name, "No address is given up, and its messages wait.")


def breaker_open() -> Iterator[Finding]:
    """Find open breakers of providers whose calls go on failing."""
    opened = [one for one in breakers() if one.state == State.OPEN.value]
    called = statistics.shares(timedelta(seconds=OPEN_WITHIN), FAULTS) if opened else {}
    for breaker in opened:
        if breaker.name in called:
            yield Finding(breaker.name, f"Its breaker is open: {breaker.why}.")
