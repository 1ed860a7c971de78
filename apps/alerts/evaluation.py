"""One round: read the conditions, bring the alerts up to date, notify operators."""

import logging
import time

from django.conf import settings

from apps.alerts import alert_states, evaluator_lease, operator_notices
from apps.alerts.conditions import table
from apps.alerts.messages import webhook

log = logging.getLogger(__name__)

#: Seconds between two calls of the heartbeat URL, but for the last round before.
PING_EVERY = 50.0

_pinged = float("-inf")


def run(holder: str) -> bool:
    """Run a round if it is ``holder``'s turn for as long as that takes; return whether it was."""
    if not evaluator_lease.take(holder):
        return False
    found = table.read()
    if not evaluator_lease.take(holder, evaluator_lease.SENDING):
        return False  # reading took so long that another process has begun
    alert_states.advance(found)
    done = operator_notices.send_due()
    evaluator_lease.take(holder)
    if done:
        _ping()
    return True


def _ping() -> None:
    """Call the heartbeat URL about once a minute: whoever waits there says when it stops."""
    global _pinged
    if not settings.ALERTS.heartbeat_url or time.monotonic() - _pinged < PING_EVERY:
        return
    try:
        status = webhook.call("GET", settings.ALERTS.heartbeat_url)
        if status >= 400:
            log.warning("the heartbeat URL answers %d", status)
    except Exception as error:  # whatever a server or a library makes of it
        log.warning("the heartbeat URL does not answer: %s", type(error).__name__)
    _pinged = time.monotonic()
