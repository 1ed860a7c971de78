"""Firebase Cloud Messaging, HTTP v1: Android and web push.

firebase-admin reads the credentials and encodes what a chunk's messages share. HTTP is our own:
its client costs ten times as much and loses messages when the server sends GOAWAY.
"""

import asyncio
import base64
import datetime
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import orjson
from firebase_admin import credentials, messaging
from google.auth import jwt

from notifier.channels import push
from notifier.domain.messages import Message, has_visible_text
from notifier.domain.outcomes import Accepted, Outcome, Reason, Refused
from notifier.domain.priorities import Priority
from notifier.providers.base import (
    UNEXPLAINED,
    Provider,
    Report,
    Rule,
    Shared,
    code_of,
    status_rule,
    unreadable,
)
from notifier.transport.http import NotWritten, Reply, Wire

#: Seconds: ErrorCode asks for "a minimum initial delay of 1 minute" after QUOTA_EXCEEDED.
FIRST_PAUSE = 60.0
#: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
RULES: dict[str | int, Rule] = {
    # The app was removed from the device, or its token was replaced.
    "UNREGISTERED": Rule(Reason.DEAD_ADDRESS, disable=True),
    # The token belongs to another project than our account: firebase-admin-node issue 783 had it
    # for every token, firebase-admin-go issue 248 on one server and not on the next.
    "SENDER_ID_MISMATCH": Rule(Reason.SENDER_REFUSED),
    # The Firebase project's APNs certificate or web push key, not the token.
    "THIRD_PARTY_AUTH_ERROR": Rule(Reason.AUTHENTICATION),
    "INVALID_ARGUMENT": Rule(Reason.INVALID_MESSAGE),  # but see _outcome
    "QUOTA_EXCEEDED": Rule(Reason.RATE_LIMITED, again=True, pause=FIRST_PAUSE),
    "UNAVAILABLE": Rule(Reason.PROVIDER_ERROR, again=True),
    "INTERNAL": Rule(Reason.PROVIDER_ERROR, again=True),
    "UNSPECIFIED_ERROR": UNEXPLAINED,
    429: Rule(Reason.RATE_LIMITED, again=True, pause=FIRST_PAUSE),
}
#: INVALID_ARGUMENT caused by the token. FCM reports it in two ways: one names the field, the other
#: (firebase-admin-java issue 1064, async-firebase issue 15, and FCM's own page on error codes) can
#: only be recognised by its sentence.
BAD_TOKEN = Rule(Reason.INVALID_ADDRESS, disable=True)
TOKEN_FIELD = "message.token"
TOKEN_SENTENCE = "registration token is not a valid"
#: QUOTA_EXCEEDED of one device, as google.rpc.QuotaFailure names it: other devices are not delayed.
BUSY_DEVICE = Rule(Reason.DEFERRED, again=True, pause=FIRST_PAUSE)

#: https://firebase.google.com/docs/cloud-messaging/concept-options: NORMAL waits while a device
#: dozes; for the web it is RFC 8030's Urgency.
ANDROID_PRIORITY = {Priority.HIGH: "high", Priority.NORMAL: "normal", Priority.LOW: "normal"}
URGENCY = {Priority.HIGH: "high", Priority.NORMAL: "normal", Priority.LOW: "low"}
LONGEST_TTL = 28 * 86400  # seconds; FCM's maximum, and its default
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")  # RFC 8030 5.4

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LIFE = 3600
REFRESH_BEFORE = 300.0  # seconds before its end that an access token is renewed
TOKEN = re.compile(r"[!-~]+")  # what a header can carry
REFUSED_PAUSE = 10.0  # seconds until a token that FCM refused is replaced again
STREAMS = 64  # calls on one connection; Google allows 100


class FCM(Provider):
    """Firebase Cloud Messaging.

    ``service_account_file``: the JSON that Google issues, with the ``token_uri`` of access tokens.
    ``base_url`` and ``ca_file`` (PEM) select a sandbox. ``timeout``: seconds.

    Raises ``OSError`` or ``ValueError`` for a file that cannot be read or used.
    """

    shares_connections = True

    def __init__(
        self,
        name: str,
        *,
        project_id: str,
        service_account_file: str,
        base_url: str = "https://fcm.googleapis.com",
        ca_file: str | None = None,
        timeout: float = 10.0,
        concurrency: int = 256,
    ) -> None:
        super().__init__(name, timeout=timeout, concurrency=concurrency)
        self._path = f"/v1/projects/{project_id}/messages:send"
        self._token = AccessToken(service_account_file, ca_file, timeout)
        self._wire = Wire(
            base_url,
            http2=True,
            ca_file=ca_file,
            connections=-(-concurrency // STREAMS),
            timeout=timeout,
        )

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        frames = Shared(_frame, content=False)
        await self._each(messages, partial(self._send, Shared(partial(_encode, frames))), report)

    async def close(self) -> None:
        await self._wire.close()
        await self._token.close()

    async def _send(self, bodies: Shared[tuple[bytes, bytes]], message: Message) -> Outcome:
        before_id, before_token = bodies[message]
        body = b"%s%s%s%s}}" % (
            before_id,
            orjson.dumps(message.id),
            before_token,
            orjson.dumps(message.address),
        )
        try:
            token = await self._token.get()
            reply = await self._post(body, token)
            if reply.status == 401:  # revoked before its time
                reply = await self._post(body, await self._token.get(instead_of=token))
        except TokenRefused as error:
            return Refused(Reason.AUTHENTICATION, detail=str(error))
        return _outcome(reply)

    async def _post(self, body: bytes, token: str) -> Reply:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return await self._wire.request("POST", self._path, headers=headers, body=body)


class TokenRefused(Exception):
    """Google refused an access token for the service account."""


class AccessToken:
    """The access token of all calls, requested once however many calls wait for it."""

    def __init__(self, service_account_file: str, ca_file: str | None, timeout: float) -> None:
        certificate = credentials.Certificate(service_account_file)
        self._signer = certificate.signer
        self._email: str = certificate.service_account_email
        self._uri: str = orjson.loads(_read(service_account_file))["token_uri"]
        uri = urlsplit(self._uri)
        self._path = uri.path
        self._wire = Wire(f"{uri.scheme}://{uri.netloc}", ca_file=ca_file, timeout=timeout / 2)
        self._value = ""
        self._renew_at = 0.0
        self._asked_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def get(self, instead_of: str = "") -> str:
        """Return the token, renewed where it is ``instead_of``, which FCM refused.

        A token younger than ``REFUSED_PAUSE`` is not renewed: where FCM refuses every token, we do
        not request one for each message.

        Raises ``NotWritten`` where Google cannot be reached, and ``TokenRefused`` where it refuses.
        """
        refused = self._value == instead_of and time.time() >= self._asked_at + REFUSED_PAUSE
        if not self._value or refused or time.time() >= self._renew_at:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            await asyncio.shield(self._asking)
        return self._value

    async def close(self) -> None:
        await self._wire.close()

    async def _ask(self) -> None:
        now = int(time.time())
        claims = {
            "iss": self._email,
            "aud": self._uri,
            "scope": SCOPE,
            "iat": now,
            "exp": now + ASSERTION_LIFE,
        }
        assertion = jwt.encode(self._signer, claims).decode()  # type: ignore[no-untyped-call]
        form = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            reply = await self._wire.request("POST", self._path, headers=headers, body=form)
        except Exception as error:  # nothing of the message itself has been written
            raise NotWritten(f"no access token: {error}") from None
        answer = _json(reply.body)
        token = answer.get("access_token")
        usable = isinstance(token, str) and TOKEN.fullmatch(token)
        if reply.status >= 500 or reply.status in (408, 429) or (reply.ok and not usable):
            raise NotWritten(f"no access token: status {reply.status}")
        if not reply.ok:
            raise TokenRefused(f"no access token: {code_of(answer.get('error')) or reply.status}")
        self._value, self._asked_at = str(token), now
        life = answer.get("expires_in")
        if not isinstance(life, int) or not 0 < life <= ASSERTION_LIFE:
            life = ASSERTION_LIFE
        self._renew_at = now + life - REFRESH_BEFORE


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _encode(frames: Shared[tuple[bytes, bytes]], message: Message) -> tuple[bytes, bytes]:
    """Encode a request's body up to the delivery's id, and from there up to the token.

    ``frames``: caches ``_frame`` for messages that differ in their content alone.
    """
    about, target = frames[message]
    content = message.content
    data = orjson.dumps(push.strings(content))[1:-1]
    shown = b""
    if has_visible_text(content):
        shown = b'"notification":%s,' % orjson.dumps({"title": content.title, "body": content.body})
    return (
        b'{"message":{"data":{%s%s%s"delivery_id":' % (data, b"," if data else b"", about),
        b"},%s%s" % (shown, target) + b'"token":',
    )


def _frame(message: Message) -> tuple[bytes, bytes]:
    """Encode what does not depend on a message's content: further data, and delivery options."""
    about = {"notification_id": message.notification_id, "topic": message.topic}
    data = orjson.dumps({name: value for name, value in about.items() if value})[1:-1]
    ttl = LONGEST_TTL
    if message.deadline is not None:
        ttl = max(0, min(LONGEST_TTL, int(message.deadline - time.time())))
    android = webpush = None
    if message.platform == "web":
        headers = {"TTL": str(ttl), "Urgency": URGENCY[message.priority]}
        if message.collapse_key:
            headers["Topic"] = _topic(message.collapse_key)
        webpush = messaging.WebpushConfig(headers=headers)
    else:
        android = messaging.AndroidConfig(
            priority=ANDROID_PRIORITY[message.priority],
            ttl=datetime.timedelta(seconds=ttl),
            collapse_key=message.collapse_key or None,
        )
    # The encoder requires a target, and refuses what FCM would; str() of it is JSON by design.
    encoded = orjson.loads(str(messaging.Message(topic="x", android=android, webpush=webpush)))
    del encoded["topic"]
    return data + (b"," if data else b""), orjson.dumps(encoded)[1:-1] + b","


def _topic(collapse_key: str) -> str:
    if TOPIC.fullmatch(collapse_key):
        return collapse_key
    digest = hashlib.sha256(collapse_key.encode()).digest()
    return base64.urlsafe_b64encode(digest)[:32].decode()


def _outcome(reply: Reply) -> Outcome:
    answer = _json(reply.body)
    if reply.ok:
        sent = answer.get("name")
        return Accepted(sent, status=reply.status) if isinstance(sent, str) else unreadable()
    error = _error(answer)
    rule = RULES.get(error.code) or RULES.get(reply.status) or status_rule(reply.status)
    if error.code == "INVALID_ARGUMENT" and error.of_token:
        rule = BAD_TOKEN
    elif rule.reason is Reason.RATE_LIMITED and error.of_device:
        rule = BUSY_DEVICE
    return rule.outcome(reply.status, error.code, reply.retry_after)


def _json(body: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


class Error(NamedTuple):
    """A parsed error.

    ``code``: FCM's own, else Google's (whose NOT_FOUND means the project, not the token);
    ``of_token``: whether the token is at fault; ``of_device``: whether the quota is one device's.
    """

    code: str
    of_token: bool
    of_device: bool


def _error(answer: Mapping[str, Any]) -> Error:
    error = answer.get("error")
    if not isinstance(error, dict):
        return Error("", False, False)
    code, fields, quotas = code_of(error.get("status")), [], []
    for detail in _objects(error.get("details")):
        code = code_of(detail.get("errorCode")) or code
        fields += [violation.get("field") for violation in _objects(detail.get("fieldViolations"))]
        quotas += [str(violation) for violation in _objects(detail.get("violations"))]
    sentence = str(error.get("message")).lower()
    return Error(
        code,
        TOKEN_FIELD in fields or (not fields and TOKEN_SENTENCE in sentence),
        any("device" in quota.lower() for quota in [*quotas, sentence]),
    )


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
