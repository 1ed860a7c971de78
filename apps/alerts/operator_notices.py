"""Tell operators of alerts: once when one begins, now and then while it goes on, once it ended.

What is due for mail and what is due for the webhook is found apart, so that one that fails is tried
again without the other being repeated. What begins and ends while a way fails is reported once that
works. An alert that comes and goes is a few messages in ``REMIND`` and no more. A message is
recorded once it is sent: a process that dies in between sends it again, and none is lost.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from apps.alerts.messages import mail, webhook
from apps.alerts.messages.notices import Event, Notice
from apps.alerts.models import Alert, Silence
from apps.core import clock

log = logging.getLogger(__name__)

#: The least time between two messages about an alert that goes on.
REMIND = timedelta(hours=4)
#: The last notice said that an alert began within ``REMIND`` of its end: it comes and goes. Until
#: ``REMIND`` has passed nothing more is said of it, so whoever was told takes it to go on.
AGAIN = "again"


class Target(NamedTuple):
    """A route of notices. ``event``, ``event_at``: the columns of what it took last."""

    name: str
    is_set: Callable[[], bool]
    send: Callable[[Sequence[Notice]], None]
    event: str
    event_at: str


TARGETS = (
    Target("mail", lambda: bool(settings.ALERTS.emails), mail.send, "mailed", "mailed_at"),
    Target(
        "webhook", lambda: bool(settings.ALERTS.webhook_url), webhook.send, "posted", "posted_at"
    ),
)


def send_due() -> bool:
    """Send what is due, one message by each way; return whether everything that was due is sent."""
    now, alerts = clock.asked(), list(Alert.objects.order_by("began_at", "name", "about"))
    silenced = set(Silence.objects.filter(until__gt=now).values_list("name", flat=True))
    done = True
    for target in TARGETS:
        quiet = silenced if target.is_set() else {alert.name for alert in alerts}
        _pass_over(alerts, target, quiet, now)
        notices = list(_due(alerts, target, quiet, now)) if target.is_set() else []
        if not notices:
            continue
        connection.close()  # sending may take long
        if not attempt(target, notices):
            done = False
            continue
        for notice in notices:
            Alert.objects.filter(pk=notice.alert.pk).update(
                **{target.event: _recorded(notice, target, now), target.event_at: now}
            )
    return done


def attempt(target: Target, notices: Sequence[Notice]) -> bool:
    """Send a message; return whether that worked. Why it did not is in the log."""
    try:
        target.send(notices)
    except Exception as error:  # whatever a server or a library makes of it
        log.error("alerts cannot be sent by %s: %s: %s", target.name, type(error).__name__, error)
        return False
    return True


def _due(
    alerts: Iterable[Alert], target: Target, silenced: set[str], now: datetime
) -> Iterable[Notice]:
    for alert in alerts:
        sent, at = getattr(alert, target.event), getattr(alert, target.event_at)
        began_sent = sent in (Event.BEGAN, AGAIN)
        if alert.ended_at is not None:
            if sent == Event.BEGAN or (sent == AGAIN and now - at >= REMIND):
                yield Notice(Event.ENDED, alert)
            elif alert.name not in silenced and _went_by(alert, target):
                yield Notice(Event.PASSED, alert)
        elif alert.began_at is None or alert.name in silenced:
            continue
        elif not began_sent:
            yield Notice(Event.BEGAN, alert)
        elif now - at >= REMIND:
            yield Notice(Event.GOES_ON, alert)


def _went_by(alert: Alert, target: Target) -> bool:
    """Return whether an alert began and ended without a message by this way."""
    sent, at = getattr(alert, target.event), getattr(alert, target.event_at)
    if alert.began_at is None or alert.ended_at is None or sent in (Event.BEGAN, AGAIN):
        return False
    return at is None or at < alert.began_at


def _pass_over(alerts: Iterable[Alert], target: Target, quiet: set[str], now: datetime) -> None:
    """Record that nobody is to be notified of what began and ended while nobody was to be."""
    over = [alert.pk for alert in alerts if alert.name in quiet and _went_by(alert, target)]
    if over:
        Alert.objects.filter(pk__in=over).update(
            **{target.event: Event.ENDED, target.event_at: now}
        )


def _recorded(notice: Notice, target: Target, now: datetime) -> str:
    """Return what an alert is known to be where this was sent."""
    if notice.event in (Event.ENDED, Event.PASSED):
        return Event.ENDED
    at = getattr(notice.alert, target.event_at)
    if notice.event == Event.BEGAN and at is not None and now - at < REMIND:
        return AGAIN
    return Event.BEGAN
