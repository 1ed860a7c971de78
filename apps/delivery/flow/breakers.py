"""The providers' circuit breakers: used by workers, shown to operators and to Prometheus."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from django.conf import settings

from apps.core import clock
from apps.delivery import state as delivery_state
from apps.delivery.flow import address_guards, provider_pauses
from apps.delivery.flow.breaker_store import shared_store
from notifier.dispatch.dispatcher import Sent
from notifier.domain.outcomes import Outcome, Reason
from notifier.resilience import breaker as core
from notifier.resilience.breaker import FAILURES, FAILURES_BESIDE_ANOTHER, Allowance, Rules, tally

PAUSED = "paused"
BY_HAND = "an operator closed it"


@dataclass(frozen=True, slots=True)
class Breaker:
    """A provider's breaker as operators see it.

    ``state``: closed, half_open, open or paused (by an operator). ``since``: when it came to that
    state, where that is known. ``why``: a clause for people. ``guarded``: one of its guards is not
    closed, because the provider calls too many addresses dead.
    """

    name: str
    channel: str
    state: str
    since: datetime | None = None
    why: str = ""
    guarded: bool = False


def breakers() -> list[Breaker]:
    """Return every provider's breaker, in the order in which a channel tries them."""
    paused = provider_pauses.paused()
    found = []
    for name, entry in settings.PROVIDERS.items():
        state, since, why = "closed", 0.0, ""
        guard = address_guards.status(name)
        if name in paused:
            state, since, why = PAUSED, paused[name], "an operator paused it"
        elif has_breaker(name):
            status = guard or _breaker(name).status()
            if status.state is core.State.CLOSED:
                status = address_guards.believed(name) or status
            state, since, why = status.state.value, status.since, status.why
        moment = datetime.fromtimestamp(since, UTC) if since else None
        found.append(Breaker(name, entry["channel"], state, moment, why, guard is not None))
    return found


def has_breaker(provider: str) -> bool:
    """Return whether its failures are about the provider, and not about single addresses."""
    counted: bool = settings.PROVIDERS[provider].get("breaker", True)
    return counted


def allowance(provider: str) -> Allowance | None:
    """Return how many messages the provider may be given now, ``None`` for any number."""
    return _breaker(provider).allowance() if has_breaker(provider) else None


def shut(provider: str) -> bool:
    """Return whether the breaker blocks all calls now: it cools down, or its probes are out."""
    return has_breaker(provider) and _breaker(provider).shut()


def cooling() -> set[str]:
    """Return the providers whose breaker is open, as far as this process knows without asking."""
    return {name for name in settings.PROVIDERS if has_breaker(name) and _breaker(name).cools()}


def report(batch: Iterable[Sent]) -> None:
    """Count the outcomes of calls."""
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for sent in batch:
        outcomes[sent.provider].append(sent.outcome)
    outcomes.pop("", None)  # no provider was called
    for provider, results in outcomes.items():
        if has_breaker(provider) and (calls := tally(results, _failing(provider))).calls:
            _breaker(provider).report(calls)


def close(provider: str) -> None:
    """Close the provider's breaker and guards; what waits for it becomes due now."""
    _breaker(provider).close(BY_HAND)
    address_guards.close(provider, BY_HAND)
    delivery_state.release_channel(settings.PROVIDERS[provider]["channel"])


def believe(provider: str) -> None:
    """Believe for a while that the addresses are dead; what waits for the provider is due now."""
    address_guards.believe(provider, "for an hour an operator believes what it calls dead")
    delivery_state.release_channel(settings.PROVIDERS[provider]["channel"])


def forget() -> None:
    """Make this process read every breaker anew, for tests."""
    _breaker.cache_clear()
    address_guards.forget()


def _failing(provider: str) -> frozenset[Reason]:
    """Return the reasons that count as its failure: more where another provider can take over."""
    own = settings.PROVIDERS[provider]
    platforms = set(own.get("platforms", ()))
    for name, entry in settings.PROVIDERS.items():
        if name != provider and entry["channel"] == own["channel"]:
            others = set(entry.get("platforms", ()))
            if not (platforms and others) or platforms & others:
                return FAILURES_BESIDE_ANOTHER
    return FAILURES


@cache
def _breaker(provider: str) -> core.Breaker:
    return core.Breaker(provider, Rules(**settings.BREAKER), shared_store(), clock.now)
