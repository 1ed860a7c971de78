"""Firebase Cloud Messaging, HTTP v1, and the token endpoint its service accounts use.

Limits and errors as in https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode and
https://developers.google.com/identity/protocols/oauth2/service-account.
"""

import base64
import hmac
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

import jwt
import orjson

from notifier.channels import push
from sandbox.behaviours import Behaviours
from sandbox.credentials import PROJECT_ID, SERVICE_ACCOUNT, Credentials
from sandbox.ledger import Ledger
from sandbox.protocol.exchange import Answer, Request, json_answer
from sandbox.providers.endpoint import Endpoint, Received, Refusal

SEND_PATH = re.compile(r"/v1/projects/([^/]+)/messages:send")
TOKEN_PATH = "/token"
TOKEN_LIFE = 3600
#: The audience that google-auth writes whatever the token_uri.
AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = {
    "https://www.googleapis.com/auth/firebase.messaging",
    "https://www.googleapis.com/auth/cloud-platform",
}
PAYLOAD_LIMIT = 4096
TOPIC_PAYLOAD_LIMIT = 2048
TARGETS = ("token", "fid", "topic", "condition")
FIELDS = {
    *TARGETS,
    *("name", "data", "notification", "android", "webpush", "apns", "fcm_options"),
}
TOKEN = re.compile(r"[A-Za-z0-9_:\-]+")

#: Behaviour -> HTTP status, canonical status, FCM's own code, sentence.
REFUSALS = {
    "401": (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", "Auth error from APNS or Web Push"),
    "403": (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", "SenderId mismatch"),
    "429": (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "Quota exceeded for this target."),
    "500": (500, "INTERNAL", "INTERNAL", "Internal error encountered."),
    "503": (503, "UNAVAILABLE", "UNAVAILABLE", "The service is currently unavailable."),
    "dead": (404, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found."),
}


class Fcm(Endpoint):
    """``POST /token`` and ``POST /v1/projects/{project}/messages:send``."""

    name = "fcm"
    channel = "push"

    def __init__(
        self,
        ledger: Ledger,
        behaviours: Behaviours,
        credentials: Credentials,
        token_uri: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(ledger, behaviours)
        self._credentials = credentials
        self._token_uri = token_uri
        self._clock = clock
        self._expiries: dict[str, float] = {}
        self._sent = 0

    def grant_token(self, request: Request) -> Answer:
        """Exchange a service account's signed assertion for an access token of an hour."""
        form = parse_qs(request.body.decode("latin-1"))
        if form.get("grant_type") != [GRANT]:
            return _oauth_error("unsupported_grant_type", f"Invalid grant_type: wanted {GRANT}")
        try:
            claims = jwt.decode(
                form.get("assertion", [""])[0],
                self._credentials.service_account_public,
                algorithms=["RS256"],
                audience=[self._token_uri, AUDIENCE],
                issuer=SERVICE_ACCOUNT,
                options={"require": ["iss", "aud", "iat", "exp"]},
            )
        except jwt.InvalidSignatureError:
            return _oauth_error("invalid_grant", "Invalid JWT Signature.")
        except jwt.InvalidTokenError as error:
            return _oauth_error("invalid_grant", f"Invalid JWT: {error}")
        if claims["exp"] - claims["iat"] > TOKEN_LIFE:
            return _oauth_error(
                "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)"
            )
        if not SCOPES & set(str(claims.get("scope", "")).split()):
            return _oauth_error("invalid_scope", "No scope that FCM accepts was asked for.")
        body = {
            "access_token": self._issue(int(self._clock()) + TOKEN_LIFE),
            "expires_in": TOKEN_LIFE - 1,
            "token_type": "Bearer",
        }
        return json_answer(200, orjson.dumps(body))

    def receive(self, request: Request) -> Answer:
        project = SEND_PATH.fullmatch(request.path)
        self._authenticate(request.headers.get("authorization", ""))
        if project is None or project[1] != PROJECT_ID:
            raise Refusal(
                _error(403, "PERMISSION_DENIED", "", "Permission denied on this project."),
                "PERMISSION_DENIED",
            )
        try:
            message = orjson.loads(request.body)["message"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise _invalid("message", "Invalid JSON payload received: no message in it.") from None
        target, address = _target(message)
        _check_content(message, address)
        data = message.get("data") or {}
        _check_data(data, address)
        if len(request.body) > TOPIC_PAYLOAD_LIMIT:  # the payload is only a part of the body
            _check_size(message, target, address)
        self._sent += 1
        sent = f"projects/{PROJECT_ID}/messages/0:{int(self._clock() * 1e6)}%{self._sent:016x}"
        return self.settle(
            [Received(address, data.get("delivery_id", ""), request.body)],
            json_answer(200, b'{"name":"%s"}' % sent.encode()),
            sent,
        )

    def refusal(self, word: str) -> Answer:
        return _error(*REFUSALS[word])

    def _issue(self, expiry: int) -> str:
        """Return a token that is valid after a restart too: its expiry, and a MAC of that."""
        mac = hmac.digest(self._credentials.oauth_secret.encode(), str(expiry).encode(), "sha256")
        return f"ya29.{expiry}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    def _authenticate(self, authorization: str) -> None:
        expiry = self._expiries.get(authorization)
        if expiry is None:
            scheme, _, token = authorization.partition(" ")
            digits = token.split(".")[1] if token.count(".") == 2 else ""
            if scheme.lower() != "bearer" or not digits.isdecimal():
                raise _unauthenticated("CREDENTIALS_MISSING")
            expiry = int(digits)
            if not hmac.compare_digest(token, self._issue(int(expiry))):
                raise _unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")
            if len(self._expiries) > 1000:
                self._expiries.clear()
            self._expiries[authorization] = expiry
        if expiry <= self._clock():
            raise _unauthenticated("ACCESS_TOKEN_EXPIRED")


def _target(message: object) -> tuple[str, str]:
    """Return the kind of a message's target, and the target."""
    if not isinstance(message, dict):
        raise _invalid("message", "Invalid value at 'message': an object is expected.")
    targets = [target for target in TARGETS if target in message]
    if not targets:
        raise _invalid("message", "Recipient of the message is not set.")
    target = targets[0]
    if len(targets) > 1:
        raise _invalid("message", f"Invalid value at 'message': oneof '{target}' is already set.")
    address = message[target]
    if not isinstance(address, str):
        raise _invalid(f"message.{target}", f"Invalid value at 'message.{target}' (TYPE_STRING)")
    if target == "token" and not TOKEN.fullmatch(address):
        sentence = "The registration token is not a valid FCM registration token"
        refused = _error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", sentence)
        raise Refusal(refused, "INVALID_ARGUMENT", address)
    return target, address


def _check_content(message: dict[str, object], address: str) -> None:
    for field in message.keys() - FIELDS:
        sentence = f"Invalid JSON payload received. Unknown name \"{field}\" at 'message'."
        raise _invalid(f"message.{field}", sentence, address)
    for field in message.keys() & {"notification", "android", "webpush", "apns", "fcm_options"}:
        if not isinstance(message[field], dict):
            sentence = f"Invalid value at 'message.{field}': an object is expected."
            raise _invalid(f"message.{field}", sentence, address)


def _check_data(data: object, address: str) -> None:
    if not isinstance(data, dict):
        raise _invalid("message.data", "Invalid value at 'message.data'.", address)
    for index, (key, value) in enumerate(data.items()):
        if not isinstance(value, str):
            field = f"message.data[{index}].value"
            sentence = f"Invalid value at '{field}' (TYPE_STRING), {value}"
            raise _invalid(field, sentence, address)
        if push.RESERVED_KEY.fullmatch(key):
            raise _invalid("message.data", f"Invalid data payload key: {key}", address)


def _check_size(message: dict[str, object], target: str, address: str) -> None:
    """Refuse a message whose data and notification are too large together."""
    size = 0
    for part in (message.get("data"), message.get("notification")):
        if isinstance(part, dict):
            size += sum(len(key.encode()) + len(str(part[key]).encode()) for key in part)
    limit = PAYLOAD_LIMIT if target in ("token", "fid") else TOPIC_PAYLOAD_LIMIT
    if size > limit:
        sentence = f"Message is too big: {size} bytes, at most {limit} are allowed."
        raise _invalid("message", sentence, address)


def _error(
    status: int, canonical: str, code: str, sentence: str, *details: Mapping[str, object]
) -> Answer:
    listed: list[Mapping[str, object]] = list(details)
    if code:
        kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
        listed.insert(0, {"@type": kind, "errorCode": code})
    error = {"code": status, "message": sentence, "status": canonical, "details": listed}
    return json_answer(status, orjson.dumps({"error": error}))


def _invalid(field: str, sentence: str, address: str = "") -> Refusal:
    violations = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": sentence}],
    }
    answer = _error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", sentence, violations)
    return Refusal(answer, "INVALID_ARGUMENT", address)


def _unauthenticated(reason: str) -> Refusal:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
    }
    sentence = "Request had invalid authentication credentials. Expected OAuth 2 access token."
    return Refusal(_error(401, "UNAUTHENTICATED", "", sentence, info), reason)


def _oauth_error(error: str, description: str) -> Answer:
    body = {"error": error, "error_description": description}
    return json_answer(400, orjson.dumps(body))
