"""The table of conditions, and reading them all."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from apps.alerts.conditions import deliveries, processes, providers, upkeep
from apps.alerts.conditions.findings import Finding, Unknown
from apps.alerts.rules import HOUR, MINUTE
from apps.core.database_errors import concerns_all

log = logging.getLogger(__name__)


class Condition(NamedTuple):
    """``every``: seconds for which what was read is used: some are costly, or change slowly."""

    read: Callable[[], Iterable[Finding]]
    every: float = 0


CONDITIONS = {
    "NotifierProviderFailing": Condition(providers.failing, MINUTE),
    "NotifierProviderFailingSlowly": Condition(providers.failing_slowly, 10 * MINUTE),
    "NotifierHighBacklog": Condition(deliveries.high_backlog),
    "NotifierBacklog": Condition(deliveries.backlog),
    "NotifierDeadLetters": Condition(deliveries.dead_letters, MINUTE),
    "NotifierOverload": Condition(deliveries.overload),
    "NotifierSchedulesOverdue": Condition(deliveries.schedules_overdue),
    "NotifierHeld": Condition(deliveries.held, MINUTE),
    "NotifierCredentialsRefused": Condition(providers.credentials_refused),
    "NotifierAddressesDoubted": Condition(providers.addresses_doubted),
    "NotifierBreakerOpen": Condition(providers.breaker_open),
    "NotifierProcessSilent": Condition(processes.silent),
    "NotifierProcessGone": Condition(processes.gone),
    "NotifierBrokerDown": Condition(processes.broker_down, MINUTE),
    "NotifierQueueUnattended": Condition(processes.queue_unattended, MINUTE),
    "NotifierRedisDown": Condition(processes.redis_down),
    "NotifierEncryptionKeyOld": Condition(upkeep.encryption_key_old, HOUR),
    "NotifierCertificateEnds": Condition(upkeep.certificate_ends, MINUTE),
    "NotifierApiKeyEnds": Condition(upkeep.api_key_ends, MINUTE),
    "NotifierErasureWaits": Condition(upkeep.erasure_waits, MINUTE),
    "NotifierPartitionsEnd": Condition(upkeep.partitions_end, MINUTE),
    "NotifierLogInsPaused": Condition(upkeep.log_ins_paused, MINUTE),
}


class _Read(NamedTuple):
    at: float
    found: list[Finding]


_kept: dict[str, _Read] = {}


def read() -> dict[str, list[Finding]]:
    """Return what holds now, by the alert's name. One that cannot be known is left out.

    Raises the database's error where it is away.
    """
    found = {}
    for name, condition in CONDITIONS.items():
        kept = _kept.get(name)
        if kept is None or time.monotonic() - kept.at >= condition.every:
            try:
                kept = _Read(time.monotonic(), list(condition.read()))
            except Unknown:
                continue
            except Exception as error:
                if concerns_all(error):
                    raise
                log.exception("the condition of %s cannot be read", name)
                continue
            _kept[name] = kept
        found[name] = kept.found
    return found


def forget() -> None:
    """Read every condition anew when asked next."""
    _kept.clear()
