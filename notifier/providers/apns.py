"""Apple Push Notification service, over HTTP/2.

Written here: Apple has no SDK, and the libraries either cannot be imported any more, have no
timeout, or lose requests when the server sends GOAWAY.
"""

import base64
import hashlib
import time
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from notifier.domain.messages import Message, has_visible_text
from notifier.domain.outcomes import Accepted, Outcome, Reason
from notifier.domain.priorities import Priority
from notifier.providers.base import Provider, Report, Rule, Shared, code_of, status_rule
from notifier.transport.http import Reply, Wire

#: Outcomes by reason, as listed in Apple's "Handling notification responses from APNs".
RULES = {
    # 410: the app was removed from the device, or got another token.
    "Unregistered": Rule(Reason.DEAD_ADDRESS, disable=True),
    "ExpiredToken": Rule(Reason.DEAD_ADDRESS, disable=True),
    # "Verify that the request contains a valid token and that the token matches the environment":
    # with sandbox and production mixed up, every token gets it (pushy-console issue 25,
    # OneSignal-Cordova-SDK issue 483). A token's form was checked when it was registered.
    "BadDeviceToken": Rule(Reason.SENDER_REFUSED),
    # Our topic, or an app that the key or certificate is not for. The first also comes with 410.
    "DeviceTokenNotForTopic": Rule(Reason.SENDER_REFUSED),
    "TopicDisallowed": Rule(Reason.SENDER_REFUSED),
    "BadTopic": Rule(Reason.SENDER_REFUSED),
    "MissingTopic": Rule(Reason.SENDER_REFUSED),
    "MissingDeviceToken": Rule(Reason.SENDER_REFUSED),
    "BadPath": Rule(Reason.SENDER_REFUSED),
    "MethodNotAllowed": Rule(Reason.SENDER_REFUSED),
    "BadCertificate": Rule(Reason.AUTHENTICATION),
    "BadCertificateEnvironment": Rule(Reason.AUTHENTICATION),
    # A key for one environment only. Apple's page has the first name, its servers send the second
    # (APNSwift pull request 229).
    "BadEnvironmentKeyIdInToken": Rule(Reason.AUTHENTICATION),
    "BadEnvironmentKeyInToken": Rule(Reason.AUTHENTICATION),
    "UnrelatedKeyIdInToken": Rule(Reason.AUTHENTICATION),
    "ExpiredProviderToken": Rule(Reason.AUTHENTICATION),
    "InvalidProviderToken": Rule(Reason.AUTHENTICATION),
    "MissingProviderToken": Rule(Reason.AUTHENTICATION),
    "Forbidden": Rule(Reason.AUTHENTICATION),
    "PayloadTooLarge": Rule(Reason.TOO_LARGE),
    "PayloadEmpty": Rule(Reason.INVALID_MESSAGE),
    "BadCollapseId": Rule(Reason.INVALID_MESSAGE),
    "BadExpirationDate": Rule(Reason.INVALID_MESSAGE),
    "BadMessageId": Rule(Reason.INVALID_MESSAGE),
    "BadPriority": Rule(Reason.INVALID_MESSAGE),
    "DuplicateHeaders": Rule(Reason.INVALID_MESSAGE),
    "InvalidPushType": Rule(Reason.INVALID_MESSAGE),
    # "Too many requests were made consecutively to the same device token."
    "TooManyRequests": Rule(Reason.DEFERRED, again=True, pause=60.0),
    # A JWT may be replaced every 20 minutes; ours is the same in every process for 50.
    "TooManyProviderTokenUpdates": Rule(Reason.RATE_LIMITED, again=True, pause=60.0),
    "IdleTimeout": Rule(Reason.PROVIDER_ERROR, again=True),
    "InternalServerError": Rule(Reason.PROVIDER_ERROR, again=True),
    "ServiceUnavailable": Rule(Reason.PROVIDER_ERROR, again=True),
    "Shutdown": Rule(Reason.PROVIDER_ERROR, again=True),
}
GONE = Rule(Reason.DEAD_ADDRESS, disable=True)  # 410 without a known reason
BUSY = Rule(Reason.RATE_LIMITED, again=True, pause=60.0)  # 429 without a reason

#: Apple, "Sending notification requests to APNs": 10 is sent at once, 5 as the device's power
#: allows, 1 never wakes the device. Without an alert 10 is an error.
PRIORITY = {Priority.HIGH: 10, Priority.NORMAL: 5, Priority.LOW: 1}
COLLAPSE_ID_LIMIT = 64
#: Seconds. Without an expiration APNs may try only once.
LONGEST_TTL = 28 * 86400
#: Seconds. Apple requires that a JWT is used for 20 to 60 minutes.
JWT_LIFE = 50 * 60
IDS = uuid.UUID("b1f6e0a4-3c35-5a0e-9b5c-0d3f6d2a7c11")  # namespace of our apns-ids
STREAMS = 64  # calls on one connection; Apple allows some 1,000


class APNs(Provider):
    """Apple Push Notification service.

    ``topic``: bundle id of the app, for devices that do not name theirs. Authentication is by
    ``key_file`` (.p8), ``key_id`` and ``team_id``, or by ``cert_file`` (PEM of certificate and
    key). ``base_url`` and ``ca_file`` (PEM) select a sandbox. ``timeout``: seconds.

    Raises ``OSError`` or ``ValueError`` for a file that cannot be read or used.
    """

    shares_connections = True

    def __init__(
        self,
        name: str,
        *,
        topic: str,
        key_file: str | None = None,
        key_id: str | None = None,
        team_id: str | None = None,
        cert_file: str | None = None,
        base_url: str = "https://api.push.apple.com",
        ca_file: str | None = None,
        timeout: float = 10.0,
        concurrency: int = 256,
    ) -> None:
        super().__init__(name, timeout=timeout, concurrency=concurrency)
        self._topic = topic
        self._token: ProviderToken | None = None
        if key_file and key_id and team_id:
            self._token = ProviderToken(key_file, key_id, team_id)
        elif not cert_file:
            raise ValueError("APNs needs key_file, key_id and team_id, or cert_file")
        self._wire = Wire(
            base_url,
            http2=True,
            ca_file=ca_file,
            identity=Path(cert_file).read_bytes() if cert_file else None,
            connections=-(-concurrency // STREAMS),
            timeout=timeout,
        )

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        shared = Shared(lambda message: (_headers(message), _payload(message)))
        await self._each(messages, partial(self._send, shared), report)

    async def close(self) -> None:
        await self._wire.close()

    async def _send(
        self, shared: Shared[tuple[dict[str, str], bytes]], message: Message
    ) -> Outcome:
        common, payload = shared[message]
        body = b"%s%s}" % (payload, orjson.dumps(message.id))
        # The same on every attempt, so that Apple's log and ours can be matched.
        apns_id = str(uuid.uuid5(IDS, message.id))
        headers = {"apns-id": apns_id, "apns-topic": message.app or self._topic, **common}
        path = f"/3/device/{message.address}"
        token = self._token.get() if self._token else ""
        reply = await self._post(path, headers, token, body)
        if self._token and _reason(reply) == "ExpiredProviderToken":  # a clock is wrong
            reply = await self._post(path, headers, self._token.get(instead_of=token), body)
        if reply.ok:
            return Accepted(apns_id, status=reply.status)
        reason = _reason(reply)
        rule = RULES.get(reason) or {410: GONE, 429: BUSY}.get(reply.status)
        return (rule or status_rule(reply.status)).outcome(reply.status, reason, reply.retry_after)

    async def _post(self, path: str, headers: dict[str, str], token: str, body: bytes) -> Reply:
        if token:
            headers["authorization"] = f"bearer {token}"
        return await self._wire.request("POST", path, headers=headers, body=body)


class ProviderToken:
    """The provider's JWT, identical in every process without communication between them.

    Apple answers 429 where each process uses a token of its own. So the time of issue is the start
    of a period that all clocks share, and the signature is deterministic (RFC 6979).
    """

    def __init__(self, key_file: str, key_id: str, team_id: str) -> None:
        key = serialization.load_pem_private_key(Path(key_file).read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{key_file} is not an APNs key (ES256)")
        self._key = key
        self._key_id = key_id
        self._team_id = team_id
        self._value = ""
        self._period = -1

    def get(self, instead_of: str = "") -> str:
        """Return the token of this period; a new one if that is ``instead_of``, which expired."""
        now = int(time.time())
        period = now // JWT_LIFE
        if period != self._period:
            self._value, self._period = self._issue(period * JWT_LIFE), period
        elif self._value == instead_of:
            self._value = self._issue(now)
        return self._value

    def _issue(self, at: int) -> str:
        header = _base64(orjson.dumps({"alg": "ES256", "kid": self._key_id}))
        claims = _base64(orjson.dumps({"iss": self._team_id, "iat": at}))
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        signed = self._key.sign(header + b"." + claims, algorithm)
        r, s = utils.decode_dss_signature(signed)
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return b".".join((header, claims, _base64(raw))).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _headers(message: Message) -> dict[str, str]:
    visible = has_visible_text(message.content)
    longest = time.time() + LONGEST_TTL
    expires_at = longest if message.deadline is None else min(message.deadline, longest)
    headers = {
        "apns-push-type": "alert" if visible else "background",
        "apns-priority": str(PRIORITY[message.priority] if visible else 5),
        "apns-expiration": str(int(expires_at)),
        "content-type": "application/json",
    }
    if message.collapse_key:
        headers["apns-collapse-id"] = _collapse_id(message.collapse_key)
    return headers


def _collapse_id(key: str) -> str:
    """Return the key unchanged where a header can carry it, else a digest of it."""
    if len(key) <= COLLAPSE_ID_LIMIT and key.isascii() and key.isprintable():
        return key
    return hashlib.sha256(key.encode()).hexdigest()


def _payload(message: Message) -> bytes:
    """Encode the payload without its end, which is the delivery's id."""
    content = message.content
    aps: dict[str, object] = {"content-available": 1}
    if has_visible_text(content):
        aps = {"alert": {"title": content.title, "body": content.body}, "sound": "default"}
    payload: dict[str, object] = {"aps": aps}
    if content.data:
        payload["data"] = content.data
    if content.actions:
        payload["actions"] = content.actions
    if message.topic:
        payload["topic"] = message.topic
    if message.notification_id:
        payload["notification_id"] = message.notification_id
    return orjson.dumps(payload)[:-1] + b',"delivery_id":'


def _reason(reply: Reply) -> str:
    if reply.ok:
        return ""
    try:
        answer = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return ""
    return code_of(answer.get("reason")) if isinstance(answer, dict) else ""
