"""Signed receipts of the stand-ins for Twilio and SendGrid, and texts that people write.

Twilio's status callbacks are as in
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status, SendGrid's event
webhook as in https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event.
"""

import asyncio
import base64
import heapq
import ipaddress
import itertools
import logging
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from twilio.request_validator import RequestValidator

from sandbox.credentials import Credentials

log = logging.getLogger(__name__)

#: SendGrid's path below the service's URL; Twilio gets its URL with each message.
SENDGRID_PATH = "/v1/receipts/sendgrid"
#: Path of text messages that people write, at Twilio's number.
REPLIES_PATH = "/v1/replies/twilio"
#: Seconds between a message's acceptance and its receipt.
SOONEST, LATEST = 0.01, 0.1
#: Most requests that wait to be sent; more are dropped.
MOST_WAITING = 20_000
#: Messages in one request of SendGrid.
BATCH = 250
TIMEOUT = aiohttp.ClientTimeout(total=5)
#: Seconds between tries after no answer or a 5xx.
PAUSES = (0.2, 1.0, 3.0)

#: Behaviour -> final MessageStatus and ErrorCode of a text message.
#: https://www.twilio.com/docs/api/errors
TWILIO_ENDS = {
    "bounce": ("undelivered", "30005"),  # unknown destination handset
    "blocked": ("undelivered", "30007"),  # filtered
    "unsubscribe": ("failed", "21610"),  # the recipient answered STOP
}
BOUNCED = [{"event": "bounce", "type": "bounce", "status": "5.1.1"}]
#: Behaviour -> the events of an email.
SENDGRID_ENDS: dict[str, list[dict[str, str]]] = {
    "dead": BOUNCED,  # SendGrid accepts mail for any address
    "bounce": BOUNCED,
    "blocked": [{"event": "bounce", "type": "blocked", "status": "5.7.1"}],
    "complaint": [{"event": "delivered"}, {"event": "spamreport"}],
    "unsubscribe": [{"event": "delivered"}, {"event": "unsubscribe"}],
}


class NotLoopback(ValueError):
    """Receipts go to this machine only, over plain http: an example is http://127.0.0.1:8000."""


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """A message that was accepted. ``word``: its behaviour, empty for none."""

    address: str
    delivery_id: str
    message_id: str
    word: str


@dataclass(frozen=True, slots=True)
class _Post:
    url: str
    headers: dict[str, str]
    body: bytes
    #: Called with the body of an answer.
    heard: Callable[[bytes], None] = lambda answer: None


class Receipts:
    """The queue of receipts, sent one after the other; none without the service's ``url``."""

    def __init__(self, credentials: Credentials) -> None:
        self.url: str | None = None
        self._sid = credentials.twilio_sid
        self._twilio = RequestValidator(credentials.twilio_token)
        self._sendgrid = credentials.sendgrid_webhook_key
        self._waiting: list[tuple[float, int, _Post]] = []
        self._numbers = itertools.count()
        self._news = asyncio.Event()

    def send_to(self, url: str | None) -> None:
        """Send receipts to the service at ``url`` (scheme, host and port), or none (``None``).

        Raises ``NotLoopback``.
        """
        if url is not None and not is_loopback(url):
            raise NotLoopback(NotLoopback.__doc__)
        self.url = url and url.rstrip("/")

    def of_twilio(self, message: AcceptedMessage, callback: str, sender: dict[str, str]) -> None:
        """Queue the callbacks of a text message, if ``callback`` is on this machine.

        ``sender``: From or MessagingServiceSid, as they were given.
        """
        if self.url is None or not is_loopback(callback):
            return
        end = TWILIO_ENDS.get(message.word, ("delivered", ""))
        steps = [("sent", ""), end]
        posts = []
        for status, code in steps:
            form = {
                "AccountSid": self._sid,
                "ApiVersion": "2010-04-01",
                "MessageSid": message.message_id,
                "MessageStatus": status,
                "SmsSid": message.message_id,
                "SmsStatus": status,
                "To": message.address,
                **sender,
                **({"ErrorCode": code} if code else {}),
            }
            signature = self._twilio.compute_signature(callback, form)
            posts.append(
                _Post(
                    callback,
                    {
                        "content-type": "application/x-www-form-urlencoded",
                        "x-twilio-signature": (
                            _altered(signature) if _is_forged(message) else signature
                        ),
                    },
                    urlencode(form).encode(),
                )
            )
        self._put(posts, message.word)

    def of_sendgrid(self, messages: Sequence[AcceptedMessage]) -> None:
        """Queue the events of one request's messages; one with a behaviour gets its own request."""
        if self.url is None:
            return
        plain = [one for one in messages if not one.word]
        for some in (plain[at : at + BATCH] for at in range(0, len(plain), BATCH)):
            self._put([self._events(some, "")], "")
        for one in messages:
            if one.word:
                self._put([self._events([one], one.word)], one.word)

    def of_text(self, form: dict[str, str], heard: Callable[[bytes], None]) -> None:
        """Queue a text message that somebody wrote; ``heard`` is called with the answer to it."""
        if self.url is None:
            return
        url = f"{self.url}{REPLIES_PATH}"
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": self._twilio.compute_signature(url, form),
        }
        self._put([_Post(url, headers, urlencode(form).encode(), heard)], "")

    async def run(self) -> None:
        """Send until cancelled."""
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session:
            while True:
                if not self._waiting:
                    self._news.clear()
                    await self._news.wait()
                due, _, post = heapq.heappop(self._waiting)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await _post(session, post)

    def _put(self, posts: list[_Post], word: str) -> None:
        if word == "reversed":
            posts.reverse()
        if word == "twice":
            posts += posts
        if len(self._waiting) + len(posts) > MOST_WAITING:
            log.warning("%d receipts wait already; one more is dropped", MOST_WAITING)
            return
        due = time.monotonic()
        for post in posts:
            due += 0.0 if word == "early" else random.uniform(SOONEST, LATEST)
            heapq.heappush(self._waiting, (due, next(self._numbers), post))
        self._news.set()

    def _events(self, messages: Sequence[AcceptedMessage], word: str) -> _Post:
        now = int(time.time())
        steps = [{"event": "processed"}, *SENDGRID_ENDS.get(word, [{"event": "delivered"}])]
        if word == "reversed":
            steps.reverse()
        body = orjson.dumps(
            [
                {
                    "email": one.address,
                    "timestamp": now,
                    "smtp-id": f"<{one.message_id}@sandbox.example>",
                    "sg_event_id": secrets.token_urlsafe(16),
                    "sg_message_id": f"{one.message_id}.recvd",
                    "delivery_id": one.delivery_id,
                    **step,
                }
                for one in messages
                for step in steps
            ]
        )
        stamp = str(now)
        signed = self._sendgrid.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        signature = base64.b64encode(signed).decode()
        return _Post(
            f"{self.url}{SENDGRID_PATH}",
            {
                "content-type": "application/json",
                "x-twilio-email-event-webhook-timestamp": stamp,
                "x-twilio-email-event-webhook-signature": (
                    _altered(signature) if _is_forged(messages[0]) else signature
                ),
            },
            body,
        )


def is_loopback(url: str) -> bool:
    """Return whether this is an ``http://`` URL of this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "http" and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False


def _is_forged(message: AcceptedMessage) -> bool:
    return message.word == "forged"


def _altered(signature: str) -> str:
    """Return an invalid signature of the same length."""
    return signature[:-6] + ("A" if signature[-6] != "A" else "B") + signature[-5:]


async def _post(session: aiohttp.ClientSession, post: _Post) -> None:
    for pause in (*PAUSES, None):
        try:
            async with session.post(post.url, data=post.body, headers=post.headers) as answer:
                body = await answer.read()
                if answer.status < 500:
                    if answer.ok:
                        post.heard(body)
                    return
                failed = f"it answered {answer.status}"
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            failed = type(error).__name__
        if pause is not None:
            await asyncio.sleep(pause)
    log.warning("a receipt could not be sent to %s: %s", urlsplit(post.url).netloc, failed)
