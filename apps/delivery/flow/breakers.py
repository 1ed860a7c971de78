"""The providers' breakers: asked and told by workers, shown to operators and to Prometheus."""

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
from notifier.resilience.breaker import FAILURES, FAILURES_BESIDE_ANOTHER, Permit, Rules, tally

PAUSED = "paused"
BY_HAND = "an operator closed it"


@dataclass(frozen=True, slots=True)
class Breaker:
    """A provider's breaker. ``state``: closed, half_open, open or paused (by an operator).

    ``since`` is when it came to that state, where that is known; ``why`` is a clause for people.
    ``doubted``: it is not closed since the provider calls too many addresses dead.
    """

    name: str
    channel: str
    state: str
    since: datetime | None = None
    why: str = ""
    doubted: bool = False


def breakers() -> list[Breaker]:
    """Every provider's breaker, in the order in which a channel tries them."""
    paused = provider_pauses.paused()
    found = []
    for name, entry in settings.PROVIDERS.items():
        state, since, why = "closed", 0.0, ""
        doubt = address_guards.standing(name)
        if name in paused:
            state, since, why = PAUSED, paused[name], "an operator paused it"
        elif has_breaker(name):
            standing = doubt or _breaker(name).standing()
            if standing.state is core.State.CLOSED:
                standing = address_guards.believed(name) or standing
            state, since, why = standing.state.value, standing.since, standing.why
        moment = datetime.fromtimestamp(since, UTC) if since else None
        found.append(Breaker(name, entry["channel"], state, moment, why, doubt is not None))
    return found


def has_breaker(provider: str) -> bool:
    """Whether its failures say something about the provider, and not about single addresses."""
    return settings.PROVIDERS[provider].get("breaker", True)


def permit(provider: str) -> Permit | None:
    """Return how many messages the provider may be given now, ``None`` for any number."""
    return _breaker(provider).permit() if has_breaker(provider) else None


def shut(provider: str) -> bool:
    """Whether its breaker lets nothing through, and waits for nothing but time or its probes."""
    return has_breaker(provider) and _breaker(provider).shut()


def report(batch: Iterable[Sent]) -> None:
    """Count what calls came to."""
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for sent in batch:
        outcomes[sent.provider].append(sent.outcome)
    outcomes.pop("", None)  # nobody was called
    for provider, told in outcomes.items():
        if has_breaker(provider) and (calls := tally(told, _failing(provider))).calls:
            _breaker(provider).report(calls)


def close(provider: str) -> None:
    """Let everything through to the provider again, and count anew; what waits is due now."""
    _breaker(provider).close(BY_HAND)
    address_guards.close(provider, BY_HAND)
    delivery_state.release_channel(settings.PROVIDERS[provider]["channel"])


def believe(provider: str) -> None:
    """Believe the provider for a while that addresses are dead; what waits is due now."""
    address_guards.believe(provider, "for an hour an operator believes what it calls dead")
    delivery_state.release_channel(settings.PROVIDERS[provider]["channel"])


def forget() -> None:
    """This process sees every breaker anew."""
    _breaker.cache_clear()
    address_guards.forget()


def _failing(provider: str) -> frozenset[Reason]:
    """What counts as its failure."""
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
