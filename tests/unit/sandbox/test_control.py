"""The control API, and requests that are none."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from h2.connection import H2Connection
from h2.events import ResponseReceived
from pyreqwest.request import SyncRequestBuilder

from sandbox.behaviours import Behaviours
from sandbox.credentials import Credentials
from sandbox.ledger import Ledger
from sandbox.providers.fcm import Fcm
from stack.supervision.process import PATIENCE
from tests.support.sandbox_fixture import RunningSandbox


def hook(sandbox: RunningSandbox, name: str, delivery_id: str = "") -> Any:
    request = sandbox.http().post(f"{sandbox.config['webhook']['base_url']}/{name}")
    return request.header("webhook-id", delivery_id).body_text("{}").build().send()


class Sender:
    """Requests to each provider that are right in all but their body."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self._config = sandbox.config
        self._http = sandbox.http()
        self._certified = sandbox.http(certificate=sandbox.config["apns"]["client_cert_file"])
        fcm = Fcm(Ledger(("fcm",)), Behaviours(), Credentials(sandbox.directory), "")
        self._token = fcm._issue(int(time.time()) + 60)

    def fcm(self) -> SyncRequestBuilder:
        url = f"{self._config['https_url']}/v1/projects/sandbox-project/messages:send"
        return self._http.post(url).bearer_auth(self._token)

    def apns(self) -> SyncRequestBuilder:
        url = f"{self._config['apns']['base_url']}/3/device/{'0' * 64}"
        return self._certified.post(url)

    def twilio(self) -> SyncRequestBuilder:
        twilio = self._config["twilio"]
        sid = twilio["account_sid"]
        url = f"{twilio['base_url']}/2010-04-01/Accounts/{sid}/Messages.json"
        return self._http.post(url).basic_auth(sid, twilio["auth_token"])

    def sendgrid(self) -> SyncRequestBuilder:
        request = self._http.post(f"{self._config['https_url']}/v3/mail/send")
        request = request.header("content-type", "application/json")
        return request.bearer_auth(self._config["sendgrid"]["api_key"])


@pytest.fixture(scope="module")
def sender(sandbox_process: RunningSandbox) -> Sender:
    return Sender(sandbox_process)


def call(sandbox: RunningSandbox, method: str, path: str, body: bytes | None = None) -> Any:
    request = urllib.request.Request(sandbox.config["control_url"] + path, body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_it_is_healthy(sandbox: RunningSandbox) -> None:
    assert sandbox.client.healthy()


def test_counts_tell_deliveries_from_duplicates(sandbox: RunningSandbox) -> None:
    for delivery_id in ("d-1", "d-2", "d-1", ""):
        hook(sandbox, "a", delivery_id)
    sandbox.client.behave("webhook", "500")
    hook(sandbox, "a", "d-3")
    assert sandbox.client.counts()["webhook"] == {
        "requests": 5,
        "messages": 5,
        "accepted": 4,
        "by_status": {"204": 4, "500": 1},
        "deliveries": 2,
        "duplicates": 1,
    }


def test_messages_are_paged_from_a_seq_without_gaps(sandbox: RunningSandbox) -> None:
    for n in range(5):
        hook(sandbox, f"n{n}")
    newest = sandbox.client.messages(limit=2)
    assert [m["address"][-2:] for m in newest] == ["n4", "n3"]
    first = sandbox.client.messages(limit=100)[-1]
    following = sandbox.client.messages(since=first["seq"], limit=3)
    assert [m["address"][-2:] for m in following] == ["n1", "n2", "n3"]
    rest = sandbox.client.messages(since=following[-1]["seq"])
    assert [m["address"][-2:] for m in rest] == ["n4"]
    assert sandbox.client.messages(channel="sms") == []


def test_a_rule_for_an_address_goes_before_one_for_all(sandbox: RunningSandbox) -> None:
    base = sandbox.config["webhook"]["base_url"]
    sandbox.client.behave("webhook", "503", retry_after=9)
    sandbox.client.behave("webhook", "dead", address=f"{base}/gone")
    assert hook(sandbox, "gone").status == 410
    answer = hook(sandbox, "other")
    assert (answer.status, answer.get_header("retry-after")) == (503, "9")
    sandbox.client.heal()
    assert hook(sandbox, "gone").status == hook(sandbox, "other").status == 204


def test_times_are_counted_for_each_address(sandbox: RunningSandbox) -> None:
    sandbox.client.behave("webhook", "500", times=2)
    statuses = [hook(sandbox, name).status for name in ("a", "a", "b", "a", "b", "b")]
    assert statuses == [500, 500, 500, 204, 500, 204]
    sandbox.client.behave("webhook", "500", times=2)
    assert hook(sandbox, "a").status == 500


def test_the_absurd_retry_after_is_passed_on(sandbox: RunningSandbox) -> None:
    sandbox.client.behave("webhook", "429", retry_after="soon, perhaps")
    assert hook(sandbox, "a").get_header("retry-after") == "soon, perhaps"


def test_a_rule_can_be_slow(sandbox: RunningSandbox) -> None:
    sandbox.client.behave("webhook", "slow", seconds=0.3)
    started = time.monotonic()
    assert hook(sandbox, "a").status == 204
    assert time.monotonic() - started >= 0.3
    _, text = call(sandbox, "GET", "/sandbox/behave")
    assert json.loads(text)["rules"][0]["behaviour"] == "slow"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/sandbox/behave", b'{"provider":"x","behaviour":"500"}', 400, "fcm"),
        ("POST", "/sandbox/behave", b'{"provider":"fcm","behaviour":"x"}', 400, "garbled"),
        ("POST", "/sandbox/behave", b'{"provider":"fcm","behavior":"500"}', 400, "behavior"),
        ("POST", "/sandbox/behave", b'{"times":"2"}', 400, "times"),
        (
            "POST",
            "/sandbox/behave",
            b'{"provider":"fcm","behaviour":"429","retry_after":"1\\r\\nx: y"}',
            400,
            "header",
        ),
        (
            "POST",
            "/sandbox/behave",
            b'{"provider":"fcm","behaviour":"500","times":-1}',
            400,
            "times",
        ),
        ("POST", "/sandbox/behave", b"[", 400, "JSON"),
        ("POST", "/sandbox/webhooks", b'{"name":"x"}', 400, "secret"),
        ("POST", "/sandbox/webhooks", b'{"name":"x","secret":"whsec_"}', 400, "whsec_"),
        ("GET", "/sandbox/messages?limit=x", None, 400, "limit"),
        ("GET", "/sandbox/messages?limit=99999", None, 400, "limit"),
        ("GET", "/sandbox/messages?adress=x", None, 400, "adress"),
        ("GET", "/sandbox/nonsense", None, 404, "/sandbox/counts"),
        ("GET", "/nonsense", None, 404, "page at /"),
    ],
)
def test_a_call_that_cannot_be_understood_says_why(
    sandbox: RunningSandbox, method: str, path: str, body: bytes | None, status: int, said: str
) -> None:
    got, text = call(sandbox, method, path, body)
    assert (got, said in text) == (status, True), text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b'"x"',
        b'{"message":null}',
        b'{"message":{"token":"a","data":7}}',
        b'{"personalizations":{"a":1}}',
        b'{"personalizations":[7]}',
        b'{"personalizations":[{"to":7}]}',
        b'{"personalizations":[{"to":[7]}]}',
        b'{"personalizations":[{"to":[{"email":"a@b.example"}],"custom_args":[]}],"from":7}',
        b"To=%ff&From=x",
        b"9" * 5000,
    ],
)
def test_nonsense_is_refused_and_never_breaks_the_sandbox(
    sandbox: RunningSandbox, sender: Sender, body: bytes
) -> None:
    for request in (sender.fcm(), sender.apns(), sender.twilio(), sender.sendgrid()):
        answer = request.body_bytes(body).build().send()
        assert 400 <= answer.status < 500, answer.text()
    assert sandbox.log == ""


def test_a_request_given_up_in_the_same_packet_leaves_the_connection_alone(
    sandbox: RunningSandbox,
) -> None:
    """With the h2 library, since no ordinary client sends both at once."""
    port = int(sandbox.config["control_url"].rpartition(":")[2])
    client = H2Connection()
    client.initiate_connection()
    for stream in (1, 3):
        path = "/sandbox/healthz"
        headers = [(":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "x")]
        client.send_headers(stream, headers, end_stream=True)
        if stream == 1:
            client.reset_stream(stream)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw:
        raw.sendall(client.data_to_send())
        answered: list[int | None] = []
        while not answered:
            data = raw.recv(65536)
            assert data, "the connection was closed"
            for event in client.receive_data(data):
                if isinstance(event, ResponseReceived):
                    answered.append(event.stream_id)
    assert answered == [3]


def test_a_broken_http_request_is_answered_with_400(sandbox: RunningSandbox) -> None:
    port = int(sandbox.config["control_url"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw:
        raw.sendall(b"GET nonsense\r\n\r\n")
        assert b" 400 " in raw.recv(1000)


def test_http_2_without_tls_is_spoken_with_prior_knowledge(sandbox: RunningSandbox) -> None:
    answer = sandbox.http().get(f"{sandbox.config['control_url']}/sandbox/healthz").build().send()
    assert (answer.status, answer.version) == (200, "HTTP/2.0")


def test_many_at_once_on_one_connection_are_all_counted(sandbox: RunningSandbox) -> None:
    threads = [threading.Thread(target=hook, args=(sandbox, f"t{n}", f"d-{n}")) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sandbox.client.counts()["webhook"]["deliveries"] == 40
