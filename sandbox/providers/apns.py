"""Apple Push Notification service: ``POST /3/device/{token}`` over HTTP/2.

Headers, limits and reasons as in Apple's "Sending notification requests to APNs" and "Handling
notification responses from APNs".
"""

import re
import time
import uuid
from collections.abc import Callable

import jwt
import orjson

from sandbox.behaviours import Behaviours
from sandbox.credentials import TOPIC, Credentials
from sandbox.ledger import Ledger
from sandbox.protocol.exchange import Answer, Request, json_answer
from sandbox.providers.endpoint import Endpoint, Received, Refusal

PATH = "/3/device/"
TOKEN = re.compile(r"(?:[0-9a-fA-F]{2}){32,100}")
MESSAGE_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
PAYLOAD_LIMIT = 4096
VOIP_PAYLOAD_LIMIT = 5120
COLLAPSE_ID_LIMIT = 64
JWT_LIFE = 3600
PUSH_TYPES = {
    *("alert", "background", "location", "voip", "complication", "fileprovider", "mdm"),
    *("liveactivity", "pushtotalk", "widgets", "controls"),
}
#: Suffixes that a topic may have after the app's bundle id.
TOPIC_SUFFIXES = re.compile(
    r"(?:\.(?:voip|complication|location-query|push-type\.liveactivity|voip-ptt|"
    r"pushkit\.fileprovider|push-type\.widgets|push-type\.controls))?"
)
REFUSALS = {
    "401": (403, "InvalidProviderToken"),
    "403": (403, "Forbidden"),
    "429": (429, "TooManyRequests"),
    "500": (500, "InternalServerError"),
    "503": (503, "ServiceUnavailable"),
    "dead": (410, "Unregistered"),
}


class Apns(Endpoint):
    """``POST /3/device/{token}``."""

    name = "apns"
    channel = "push"

    def __init__(
        self,
        ledger: Ledger,
        behaviours: Behaviours,
        credentials: Credentials,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(ledger, behaviours)
        self._credentials = credentials
        self._clock = clock
        self._issued: dict[str, float] = {}  # verified tokens and when they were issued

    def receive(self, request: Request) -> Answer:
        headers = request.headers
        apns_id = headers.get("apns-id") or _new_id()
        if not MESSAGE_ID.fullmatch(apns_id):
            raise _refusal(400, "BadMessageId", _new_id())
        if not request.http2:
            raise _refusal(505, "HTTP/2 is required", apns_id)
        if request.method != "POST":
            raise _refusal(405, "MethodNotAllowed", apns_id)
        address = request.path.removeprefix(PATH)
        if not address:
            raise _refusal(400, "MissingDeviceToken", apns_id)
        if request.certificate_topic is None:
            self._authenticate(headers.get("authorization", ""), apns_id, address)
        if problem := _problem(request, address, request.certificate_topic or ""):
            status = 413 if problem == "PayloadTooLarge" else 400
            raise _refusal(status, problem, apns_id, address)
        try:
            payload = orjson.loads(request.body)
            delivery_id = str(payload.get("delivery_id", ""))
            payload["aps"]
        except (orjson.JSONDecodeError, AttributeError, KeyError):
            raise _refusal(400, "PayloadEmpty", apns_id, address) from None
        return self.settle(
            [Received(address, delivery_id, request.body)],
            Answer(200, b"", [("apns-id", apns_id)]),
            apns_id,
        )

    def refusal(self, word: str) -> Answer:
        return _answer(*REFUSALS[word], _new_id(), self._clock())

    def _authenticate(self, authorization: str, apns_id: str, address: str) -> None:
        issued = self._issued.get(authorization)
        if issued is None:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise _refusal(403, "MissingProviderToken", apns_id, address)
            issued = self._verify(token)
            if issued is None:
                raise _refusal(403, "InvalidProviderToken", apns_id, address)
            if len(self._issued) > 1000:
                self._issued.clear()
            self._issued[authorization] = issued
        if issued < self._clock() - JWT_LIFE:
            raise _refusal(403, "ExpiredProviderToken", apns_id, address)

    def _verify(self, token: str) -> float | None:
        """Return when the token was issued, in unix seconds; ``None`` if it is invalid."""
        try:
            if jwt.get_unverified_header(token).get("kid") != self._credentials.apns_key_id:
                return None
            claims = jwt.decode(
                token,
                self._credentials.apns_public,
                algorithms=["ES256"],
                issuer=self._credentials.apns_team_id,
                options={"require": ["iss", "iat"], "verify_iat": False},
            )
            issued = float(claims["iat"])
        except (jwt.InvalidTokenError, TypeError, ValueError):
            return None
        return issued if issued <= self._clock() + 60 else None


def _problem(request: Request, address: str, certificate_topic: str) -> str:
    """Return the reason to refuse a request, or an empty text."""
    headers = request.headers
    if not TOKEN.fullmatch(address):
        return "BadDeviceToken"
    topic = headers.get("apns-topic", certificate_topic)
    if not topic:
        return "MissingTopic"
    if not (topic.startswith(TOPIC) and TOPIC_SUFFIXES.fullmatch(topic[len(TOPIC) :])):
        return "DeviceTokenNotForTopic"
    push_type = headers.get("apns-push-type", "alert")
    if push_type not in PUSH_TYPES:
        return "InvalidPushType"
    if headers.get("apns-priority", "10") not in ("1", "5", "10"):
        return "BadPriority"
    if not headers.get("apns-expiration", "0").isdecimal():
        return "BadExpirationDate"
    if len(headers.get("apns-collapse-id", "")) > COLLAPSE_ID_LIMIT:
        return "BadCollapseId"
    if not request.body:
        return "PayloadEmpty"
    if len(request.body) > (VOIP_PAYLOAD_LIMIT if push_type == "voip" else PAYLOAD_LIMIT):
        return "PayloadTooLarge"
    return ""


def _new_id() -> str:
    return str(uuid.uuid4()).upper()


def _answer(status: int, reason: str, apns_id: str, now: float) -> Answer:
    body: dict[str, object] = {"reason": reason}
    if status == 410:
        body["timestamp"] = int(now * 1000)  # when the token was last known to be invalid
    return json_answer(status, orjson.dumps(body), ("apns-id", apns_id))


def _refusal(status: int, reason: str, apns_id: str, address: str = "") -> Refusal:
    return Refusal(_answer(status, reason, apns_id, 0.0), reason, address)
