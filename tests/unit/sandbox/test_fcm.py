"""The FCM stand-in, asked by a real HTTP/2 client over TLS."""

import json
import time
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.auth.transport.requests import Request as GoogleRequest
from google.oauth2 import service_account
from pyreqwest.exceptions import RequestError, RequestTimeoutError
from requests import Session

from sandbox.behaviours import Behaviours
from sandbox.credentials import Credentials
from sandbox.ledger import Ledger
from sandbox.protocol.exchange import LONGEST_SILENCE, Request
from sandbox.providers.fcm import Fcm
from tests.support.sandbox_fixture import RunningSandbox

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def assertion(sandbox: RunningSandbox, **changes: Any) -> str:
    account = json.loads(Path(sandbox.config["fcm"]["service_account_file"]).read_text())
    now = int(time.time())
    claims = {"iss": account["client_email"], "aud": account["token_uri"], "scope": SCOPE}
    claims |= {"iat": now, "exp": now + 3600} | changes
    return jwt.encode(claims, loaded(account["private_key"]), algorithm="RS256")


@cache
def loaded(key: str) -> Any:
    """Load a key once: it is checked while it is loaded, which takes longer than a signature."""
    return load_pem_private_key(key.encode(), password=None)


def grant(sandbox: RunningSandbox, **form: str) -> Any:
    request = sandbox.http().post(sandbox.config["fcm"]["token_uri"])
    return request.form({"grant_type": GRANT} | form).build().send()


@pytest.fixture
def access_token(sandbox: RunningSandbox) -> str:
    answer = grant(sandbox, assertion=assertion(sandbox))
    assert answer.status == 200, answer.text()
    return str(answer.json()["access_token"])


def send(sandbox: RunningSandbox, access_token: str, message: Any, project: str = "") -> Any:
    config = sandbox.config["fcm"]
    url = f"{config['base_url']}/v1/projects/{project or config['project_id']}/messages:send"
    request = sandbox.http().post(url).bearer_auth(access_token)
    return request.body_json({"message": message}).build().send()


def test_a_valid_message_is_accepted_and_kept(sandbox: RunningSandbox, access_token: str) -> None:
    message = {
        "token": "phone-1",
        "notification": {"title": "Hello", "body": "wörld"},
        "data": {"delivery_id": "d-1", "k": "v"},
    }
    answer = send(sandbox, access_token, message)
    assert answer.status == 200
    assert answer.version == "HTTP/2.0"
    assert answer.json()["name"].startswith("projects/sandbox-project/messages/")
    (kept,) = sandbox.client.messages()
    assert kept["content"] == {"message": message}
    assert (kept["provider"], kept["channel"]) == ("fcm", "push")
    assert (kept["address"], kept["delivery_id"]) == ("phone-1", "d-1")
    assert (kept["status"], kept["accepted"], kept["note"]) == (200, True, "")
    assert kept["message_id"] == answer.json()["name"]
    assert abs(kept["at"] - time.time()) < 5


def test_the_official_library_gets_a_token(sandbox: RunningSandbox) -> None:
    session = Session()
    session.trust_env = False
    session.verify = sandbox.config["ca_file"]
    account = service_account.Credentials.from_service_account_file(
        sandbox.config["fcm"]["service_account_file"], scopes=[SCOPE]
    )
    account.refresh(GoogleRequest(session))
    assert send(sandbox, account.token, {"token": "phone-1"}).status == 200


def test_a_topic_or_a_condition_is_a_target_too(sandbox: RunningSandbox, access_token: str) -> None:
    assert send(sandbox, access_token, {"topic": "news"}).status == 200
    condition = {"condition": "'a' in topics && 'b' in topics"}
    assert send(sandbox, access_token, condition).status == 200


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({}, "message"),
        ("not an object", "message"),
        ({"token": "a", "topic": "b"}, "message"),
        ({"token": 7}, "message.token"),
        ({"token": "a", "body": "x"}, "message.body"),
        ({"token": "a", "notification": "x"}, "message.notification"),
        ({"token": "a", "data": ["x"]}, "message.data"),
        ({"token": "a", "data": {"n": 7}}, "message.data[0].value"),
        ({"token": "a", "data": {"google.x": "y"}}, "message.data"),
        ({"token": "a", "data": {"from": "y"}}, "message.data"),
        ({"token": "a", "data": {"k": "x" * 4096}}, "message"),
        ({"topic": "a", "data": {"k": "x" * 2048}}, "message"),
    ],
)
def test_an_invalid_message_is_refused_naming_the_field(
    sandbox: RunningSandbox, access_token: str, message: Any, field: str
) -> None:
    answer = send(sandbox, access_token, message)
    error = answer.json()["error"]
    assert (answer.status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    code, violations = error["details"]
    assert code["errorCode"] == "INVALID_ARGUMENT"
    assert violations["fieldViolations"][0]["field"] == field
    assert not sandbox.client.messages()[0]["accepted"]


def test_a_payload_of_exactly_4096_bytes_is_accepted(
    sandbox: RunningSandbox, access_token: str
) -> None:
    message = {"token": "a", "data": {"k": "x" * 4095}, "android": {"collapse_key": "c" * 900}}
    assert send(sandbox, access_token, message).status == 200


def test_a_body_that_is_no_json_is_refused(sandbox: RunningSandbox, access_token: str) -> None:
    url = f"{sandbox.config['fcm']['base_url']}/v1/projects/sandbox-project/messages:send"
    answer = sandbox.http().post(url).bearer_auth(access_token).body_text("{").build().send()
    assert answer.status == 400


def test_an_unknown_access_token_is_unauthenticated(sandbox: RunningSandbox) -> None:
    for token in ("", "ya29.nonsense", f"ya29.{int(time.time()) + 999}.forged"):
        answer = send(sandbox, token, {"token": "a"})
        assert (answer.status, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_another_project_is_forbidden(sandbox: RunningSandbox, access_token: str) -> None:
    answer = send(sandbox, access_token, {"token": "a"}, project="other")
    assert (answer.status, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_an_access_token_expires_after_an_hour(tmp_path: Path) -> None:
    now = time.time()
    fcm = Fcm(Ledger(("fcm",)), Behaviours(), Credentials(tmp_path), "", clock=lambda: now)
    headers = {"authorization": f"Bearer {fcm._issue(int(now) + 3600)}"}
    path = "/v1/projects/sandbox-project/messages:send"
    request = Request("POST", path, "", headers, b'{"message":{"token":"a"}}', "https", True)
    assert fcm.handle(request).status == 200
    now += 3601
    answer = fcm.handle(request)
    assert answer.status == 401
    assert b"ACCESS_TOKEN_EXPIRED" in answer.body


def test_an_assertion_is_refused_unless_all_of_it_is_right(sandbox: RunningSandbox) -> None:
    now = int(time.time())
    for changes, why in (
        ({"aud": "https://elsewhere.example/token"}, "Audience"),
        ({"iat": now - 7200, "exp": now - 3600}, "expired"),
        ({"exp": now + 90_000}, "short-lived"),
        ({"iss": "someone@else.example"}, "issuer"),
        ({"scope": "email"}, "scope"),
    ):
        answer = grant(sandbox, assertion=assertion(sandbox, **changes))
        assert answer.status == 400
        assert why in answer.json()["error_description"], changes
    good = assertion(sandbox)
    answer = grant(sandbox, assertion=good[:-8] + "AAAAAAAA")
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "Invalid JWT Signature.",
    }
    answer = grant(sandbox, grant_type="password")
    assert answer.json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(
    ("spec", "status", "code"),
    [
        ("dead", 404, "UNREGISTERED"),
        ("429", 429, "QUOTA_EXCEEDED"),
        ("503", 503, "UNAVAILABLE"),
        ("500", 500, "INTERNAL"),
        ("403", 403, "SENDER_ID_MISMATCH"),
        ("401", 401, "THIRD_PARTY_AUTH_ERROR"),
    ],
)
def test_a_magic_token_gets_the_documented_error(
    sandbox: RunningSandbox, access_token: str, spec: str, status: int, code: str
) -> None:
    answer = send(sandbox, access_token, {"token": f"abc-sandbox-{spec}-0001"})
    assert answer.status == answer.json()["error"]["code"] == status
    assert answer.json()["error"]["details"][0]["errorCode"] == code
    (kept,) = sandbox.client.messages()
    assert (kept["status"], kept["accepted"], kept["note"]) == (status, False, spec)


def test_a_429_says_when_to_come_back(sandbox: RunningSandbox, access_token: str) -> None:
    for spec, header in (("429", "1"), ("429_7", "7"), ("429_99999999", "99999999")):
        answer = send(sandbox, access_token, {"token": f"a-sandbox-{spec}"})
        assert answer.get_header("retry-after") == header
    answer = send(sandbox, access_token, {"token": "a-sandbox-429_none"})
    assert answer.get_header("retry-after") is None


def test_a_stream_reset_leaves_the_others_alone(sandbox: RunningSandbox, access_token: str) -> None:
    client = sandbox.http()
    url = f"{sandbox.config['fcm']['base_url']}/v1/projects/sandbox-project/messages:send"

    def ask(token: str) -> Any:
        request = client.post(url).bearer_auth(access_token)
        return request.body_json({"message": {"token": token}}).build().send()

    assert ask("a").status == 200
    with pytest.raises(RequestError):
        ask("a-sandbox-reset")
    with pytest.raises(RequestError):
        ask("a-sandbox-torn").bytes()
    assert ask("a").status == 200
    by_note = {m["note"]: m for m in sandbox.client.messages()}
    assert (by_note["reset"]["status"], by_note["reset"]["accepted"]) == (None, False)
    assert by_note["torn"]["accepted"]


def test_a_timeout_is_accepted_but_never_answered(
    sandbox: RunningSandbox, access_token: str
) -> None:
    url = f"{sandbox.config['fcm']['base_url']}/v1/projects/sandbox-project/messages:send"
    request = sandbox.http().post(url).bearer_auth(access_token)
    request = request.body_json({"message": {"token": "a-sandbox-timeout"}})
    with pytest.raises(RequestTimeoutError):
        request.timeout(timedelta(seconds=1)).build().send()
    (kept,) = sandbox.client.messages()
    assert (kept["status"], kept["accepted"], kept["note"]) == (None, True, "timeout")


def test_a_client_that_never_gives_up_is_cut_off(
    sandbox: RunningSandbox, access_token: str
) -> None:
    sandbox.client.behave("fcm", "timeout", seconds=0.3)
    started = time.monotonic()
    with pytest.raises(RequestError):
        send(sandbox, access_token, {"token": "a"})
    assert 0.25 < time.monotonic() - started < LONGEST_SILENCE / 2


def test_a_slow_answer_comes_in_its_time(sandbox: RunningSandbox, access_token: str) -> None:
    started = time.monotonic()
    assert send(sandbox, access_token, {"token": "a-sandbox-slow_1"}).status == 200
    assert time.monotonic() - started >= 1


def test_answers_can_be_unreadable_or_huge(sandbox: RunningSandbox, access_token: str) -> None:
    garbled = send(sandbox, access_token, {"token": "a-sandbox-garbled"})
    assert garbled.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(garbled.text())
    huge = send(sandbox, access_token, {"token": "a-sandbox-huge"})
    assert len(huge.bytes()) > 16 * 1024 * 1024
