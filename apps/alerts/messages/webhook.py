"""Calls about alerts to a webhook: from this process, signed as docs/webhooks.md says."""

import hashlib
import ssl
from collections.abc import Sequence

import orjson
import urllib3
from django.conf import settings

from apps.alerts.messages.notices import Event, Notice, as_json
from apps.core import clock
from notifier.security.signing import signature

#: Seconds for one call: to connect, and to answer.
TIMEOUT = urllib3.Timeout(connect=5.0, read=10.0)


class Refused(Exception):
    """The receiver answered with another status than 2xx."""


def send(notices: Sequence[Notice]) -> None:
    """Post one signed message. Raises ``Refused``, or what the way there raises."""
    body = orjson.dumps(as_json(notices))
    message_id, now = _id(notices), round(clock.now())
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": signature(settings.ALERTS.webhook_secret, message_id, now, body),
    }
    status = call("POST", settings.ALERTS.webhook_url, body, headers)
    if not 200 <= status < 300:
        raise Refused(f"it answered {status}")


def call(method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> int:
    """Call a URL once, follow nothing, read nothing of the answer; return its status."""
    context = ssl.create_default_context()
    if settings.ALERTS.ca_file:
        context.load_verify_locations(settings.ALERTS.ca_file)
    with urllib3.PoolManager(ssl_context=context, timeout=TIMEOUT) as pool:
        answer = pool.request(
            method,
            url,
            body=body or None,
            headers=headers,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        answer.close()
        return answer.status


def _id(notices: Sequence[Notice]) -> str:
    """Return the message's id: the same when it is sent again because the first got no answer."""
    parts = []
    for event, alert in notices:
        over = event in (Event.ENDED, Event.PASSED)
        last = alert.ended_at if over else alert.posted_at or alert.began_at
        parts.append(f"{event} {alert.pk} {alert.began_at} {last}")
    return "alert_" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
