"""The APNs stand-in, asked by a real HTTP/2 client over TLS."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pyreqwest.client import SyncClient

from tests.support.sandbox_fixture import RunningSandbox

TOKEN = "0123456789abcdef" * 4
PAYLOAD = {"aps": {"alert": {"title": "Hello"}}, "delivery_id": "d-1"}


def provider_token(sandbox: RunningSandbox, **changes: Any) -> str:
    config = sandbox.config["apns"]
    key = changes.pop("key", None) or Path(config["key_file"]).read_text()
    headers = {"kid": changes.pop("kid", config["key_id"])}
    claims = {"iss": config["team_id"], "iat": int(time.time())} | changes
    return jwt.encode(claims, key, algorithm="ES256", headers=headers)


def push(
    sandbox: RunningSandbox,
    token: str = TOKEN,
    payload: Any = PAYLOAD,
    *,
    client: SyncClient | None = None,
    authorization: str | None = None,
    **headers: str | None,
) -> Any:
    """Everything is right unless an argument says otherwise; ``None`` leaves a header out."""
    config = sandbox.config["apns"]
    if authorization is None:
        authorization = f"bearer {provider_token(sandbox)}"
    sent = {"apns_topic": config["topic"], "apns_push_type": "alert"} | headers
    request = (client or sandbox.http()).post(f"{config['base_url']}/3/device/{token}")
    if authorization:
        request = request.header("authorization", authorization)
    for name, value in sent.items():
        if value is not None:
            request = request.header(name.replace("_", "-"), value)
    if isinstance(payload, bytes):
        return request.body_bytes(payload).build().send()
    return request.body_json(payload).build().send()


def test_a_valid_push_is_accepted_and_kept(sandbox: RunningSandbox) -> None:
    apns_id = "123e4567-e89b-12d3-a456-4266554400a0"
    answer = push(sandbox, apns_id=apns_id, apns_priority="5", apns_expiration="0")
    assert (answer.status, answer.text(), answer.version) == (200, "", "HTTP/2.0")
    assert answer.get_header("apns-id") == apns_id
    (kept,) = sandbox.client.messages(channel="push", address=TOKEN)
    assert kept["content"] == PAYLOAD
    assert (kept["provider"], kept["delivery_id"], kept["message_id"]) == ("apns", "d-1", apns_id)


def test_an_apns_id_is_made_where_none_is_sent(sandbox: RunningSandbox) -> None:
    assert len(push(sandbox).get_header("apns-id")) == 36


def test_a_client_certificate_stands_in_for_a_token_and_a_topic(sandbox: RunningSandbox) -> None:
    client = sandbox.http(certificate=sandbox.config["apns"]["client_cert_file"])
    answer = push(sandbox, client=client, authorization="", apns_topic=None)
    assert answer.status == 200
    answer = push(sandbox, client=client, authorization="", apns_topic="com.other.app")
    assert (answer.status, answer.json()["reason"]) == (400, "DeviceTokenNotForTopic")


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"apns_topic": None}, "MissingTopic"),
        ({"apns_topic": "com.other.app"}, "DeviceTokenNotForTopic"),
        ({"apns_topic": "com.example.app.nonsense"}, "DeviceTokenNotForTopic"),
        ({"apns_push_type": "loud"}, "InvalidPushType"),
        ({"apns_priority": "7"}, "BadPriority"),
        ({"apns_expiration": "soon"}, "BadExpirationDate"),
        ({"apns_collapse_id": "x" * 65}, "BadCollapseId"),
        ({"apns_id": "not-a-uuid"}, "BadMessageId"),
    ],
)
def test_a_wrong_header_is_refused_with_its_reason(
    sandbox: RunningSandbox, headers: dict[str, str | None], reason: str
) -> None:
    answer = push(sandbox, **headers)
    assert (answer.status, answer.json()) == (400, {"reason": reason})
    assert sandbox.client.messages()[0]["note"] == reason


@pytest.mark.parametrize("token", ["abc", "g" * 64, TOKEN[:-1]])
def test_a_token_that_is_not_hex_is_bad(sandbox: RunningSandbox, token: str) -> None:
    answer = push(sandbox, token)
    assert (answer.status, answer.json()["reason"]) == (400, "BadDeviceToken")


def test_a_missing_token_is_named(sandbox: RunningSandbox) -> None:
    assert push(sandbox, "").json()["reason"] == "MissingDeviceToken"


def test_another_method_is_not_allowed(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.config['apns']['base_url']}/3/device/{TOKEN}"
    answer = sandbox.http().get(url).build().send()
    assert (answer.status, answer.json()["reason"]) == (405, "MethodNotAllowed")


def test_http_1_is_not_spoken(sandbox: RunningSandbox) -> None:
    assert push(sandbox, client=sandbox.http(http2=False)).status == 505


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"alert":"no aps"}'])
def test_a_payload_without_aps_is_empty(sandbox: RunningSandbox, payload: bytes) -> None:
    answer = push(sandbox, payload=payload)
    assert (answer.status, answer.json()["reason"]) == (400, "PayloadEmpty")


def test_a_payload_is_at_most_4096_bytes_and_for_voip_5120(sandbox: RunningSandbox) -> None:
    def payload(size: int) -> bytes:
        return b'{"aps":{}%s}' % (b" " * (size - 10))

    assert push(sandbox, payload=payload(4096)).status == 200
    answer = push(sandbox, payload=payload(4097))
    assert (answer.status, answer.json()["reason"]) == (413, "PayloadTooLarge")
    voip = {"apns_push_type": "voip", "apns_topic": "com.example.app.voip"}
    assert push(sandbox, payload=payload(5120), **voip).status == 200
    assert push(sandbox, payload=payload(5121), **voip).status == 413


def test_provider_tokens_are_verified(sandbox: RunningSandbox) -> None:
    now = int(time.time())
    for authorization, reason in (
        ("", "MissingProviderToken"),
        ("bearer ", "MissingProviderToken"),
        ("bearer x.y.z", "InvalidProviderToken"),
        (f"bearer {provider_token(sandbox, kid='OTHER')}", "InvalidProviderToken"),
        (f"bearer {provider_token(sandbox, iss='OTHER')}", "InvalidProviderToken"),
        (f"bearer {provider_token(sandbox, iat=now + 900)}", "InvalidProviderToken"),
        (f"bearer {provider_token(sandbox, iat=now - 3700)}", "ExpiredProviderToken"),
        (
            f"bearer {provider_token(sandbox, key=ec.generate_private_key(ec.SECP256R1()))}",
            "InvalidProviderToken",
        ),
    ):
        answer = push(sandbox, authorization=authorization)
        assert (answer.status, answer.json()["reason"]) == (403, reason)


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("429", 429, "TooManyRequests"),
        ("500", 500, "InternalServerError"),
        ("503", 503, "ServiceUnavailable"),
        ("401", 403, "InvalidProviderToken"),
        ("403", 403, "Forbidden"),
    ],
)
def test_a_magic_token_gets_the_documented_reason(
    sandbox: RunningSandbox, code: str, status: int, reason: str
) -> None:
    answer = push(sandbox, f"facade{code}0000".ljust(64, "0"))
    assert (answer.status, answer.json()) == (status, {"reason": reason})


def test_a_dead_token_is_unregistered_since_a_time(sandbox: RunningSandbox) -> None:
    answer = push(sandbox, "facade4100000".ljust(64, "a"))
    assert (answer.status, answer.json()["reason"]) == (410, "Unregistered")
    assert abs(answer.json()["timestamp"] / 1000 - time.time()) < 5


def test_a_magic_token_heals_and_says_when_to_come_back(sandbox: RunningSandbox) -> None:
    token = "facade4290203".ljust(64, "b")
    answers = [push(sandbox, token) for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert answers[0].get_header("retry-after") == "3"
