"""Guards of addresses: do not believe a provider that suddenly calls most addresses dead.

A guard is a breaker that counts reports of dead addresses. Each provider has two, for its answers
and for its receipts. While one of them is open or half open, the provider is not believed:

- No address is disabled or suppressed; a delivery whose address is called dead is a dead letter.
- Addresses given up since the reports began (the flood) are restored.
- The provider's messages wait, or go to the channel's next one, except for a few that probe it.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from django.conf import settings

from apps.core import clock
from apps.delivery.flow import lost_addresses
from apps.delivery.flow.breaker_store import shared_store
from apps.preferences.contacts.restoration import Cause
from notifier.dispatch.dispatcher import Sent
from notifier.domain.outcomes import Outcome
from notifier.resilience import dead_addresses
from notifier.resilience.breaker import Allowance, Breaker, Rules, State, Status, Tally

log = logging.getLogger(__name__)

ANSWERS, RECEIPTS = "answers", "receipts"
#: Seconds for which a provider is believed after an operator said that the addresses are dead.
BELIEVED_FOR = 3600.0
#: Margin before the detected start of a flood, within which addresses are restored, too: clocks
#: differ, and a worker counts an answer before it records it.
SLACK = timedelta(seconds=5)


def guards(provider: str) -> list[Breaker]:
    """Return the provider's guards; none for webhooks, whose addresses are each its own server."""
    entry = settings.PROVIDERS[provider]
    if not entry.get("breaker", True):
        return []
    kinds = [ANSWERS, RECEIPTS] if "receipts" in entry else [ANSWERS]
    return [_guard(provider, kind) for kind in kinds]


def allowance(provider: str) -> Allowance | None:
    """Return how many messages the provider may be given now, ``None`` for any number."""
    allowances = [found for guard in guards(provider) if (found := guard.allowance()) is not None]
    return min(allowances, key=lambda found: found.capacity, default=None)


def shut(provider: str) -> bool:
    """Return whether a guard lets nothing through now."""
    return any(guard.shut() for guard in guards(provider))


def status(provider: str) -> Status | None:
    """Return the status of a guard of the provider that is not closed, if there is one."""
    found = (guard.status() for guard in guards(provider))
    return next((one for one in found if one.state is not State.CLOSED), None)


def believed(provider: str) -> Status | None:
    """Return the status of a guard that counts nothing because an operator believes the provider.

    ``None`` where there is none.
    """
    found = (guard.status() for guard in guards(provider))
    return next((one for one in found if one.trusted_until > clock.now()), None)


def cooling() -> set[str]:
    """Return the providers with an open guard, as far as this process knows without asking."""
    return {name for name in settings.PROVIDERS if any(guard.cools() for guard in guards(name))}


def check_answers(batch: Sequence[Sent]) -> list[Sent]:
    """Count the addresses that these calls found dead or alive, and return the batch.

    Outcomes that call an address dead are replaced where the provider is not believed now; see
    ``notifier.resilience.dead_addresses.as_our_fault``.
    """
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for sent in batch:
        outcomes[sent.provider].append(sent.outcome)
    outcomes.pop("", None)  # no provider was called
    guarded = {
        name
        for name, answers in outcomes.items()
        if _is_flood(name, ANSWERS, dead_addresses.tally(answers))
    }
    if not guarded:
        return list(batch)
    return [
        sent._replace(outcome=dead_addresses.as_our_fault(sent.outcome))
        if sent.provider in guarded
        else sent
        for sent in batch
    ]


def check_receipts(tallies: Mapping[str, Tally]) -> set[str]:
    """Count the addresses that receipts call dead, by provider; return those not believed now."""
    return {name for name, tally in tallies.items() if _is_flood(name, RECEIPTS, tally)}


def restore_addresses(providers: Iterable[str] | None = None) -> None:
    """Restore the addresses given up since the start of a flood that is not over.

    ``providers``: whose; all by default.
    """
    for provider in settings.PROVIDERS if providers is None else providers:
        for guard in guards(provider):
            found = guard.status()
            if found.state is not State.CLOSED and found.began:
                since = datetime.fromtimestamp(found.began, UTC) - SLACK
                done = lost_addresses.restore(Cause(provider, since=since))
                if any(done):
                    log.error(
                        "%s called too many addresses dead (%s): %d contacts and %d suppressions "
                        "are restored; its messages wait",
                        provider,
                        found.why,
                        done.contacts,
                        done.suppressions,
                    )


def close(provider: str, why: str) -> None:
    """Close the provider's guards, so that everything goes out again. ``why``: shown to people."""
    for guard in guards(provider):
        guard.close(why)


def believe(provider: str, why: str) -> None:
    """Believe the provider for ``BELIEVED_FOR`` seconds, however many addresses it calls dead."""
    for guard in guards(provider):
        guard.close(why, BELIEVED_FOR)


def forget() -> None:
    """Make this process read every guard anew, for tests."""
    _guard.cache_clear()


def _is_flood(provider: str, kind: str, tally: Tally) -> bool:
    """Count ``tally``; return whether it has dead addresses that are not believed now."""
    if not tally.calls or provider not in settings.PROVIDERS:
        return False
    if not settings.PROVIDERS[provider].get("breaker", True):
        return False
    guard = _guard(provider, kind)
    guard.report(tally)
    return tally.failures > 0 and guard.status().state is not State.CLOSED


@cache
def _guard(provider: str, kind: str) -> Breaker:
    rules = Rules(
        **settings.DEAD_ADDRESSES,
        probe_share=settings.DEAD_ADDRESSES["share"],
        what="addresses",
        failed="were called dead",
        probe_failed="addresses were called dead",
    )
    return Breaker(f"{provider}:{kind}", rules, shared_store(), clock.now)
