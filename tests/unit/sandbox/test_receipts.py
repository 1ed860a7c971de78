"""The receipts that the stand-ins for Twilio and SendGrid send, as a service gets them."""

import json
import queue
import threading
import urllib.error
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from pyreqwest.exceptions import RequestError
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from stack.supervision.process import PATIENCE
from tests.support.sandbox_fixture import RunningSandbox

#: Longer than anything still under way may take.
SILENCE = 0.5


class Service:
    """A service that takes receipts. ``statuses`` are its next answers, 204 after them."""

    def __init__(self) -> None:
        self.got: queue.Queue[tuple[str, Any, bytes]] = queue.Queue()
        self.statuses: list[int] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                service.got.put((self.path, self.headers, body))
                self.send_response(service.statuses.pop(0) if service.statuses else 204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def next(self) -> tuple[str, Any, bytes]:
        return self.got.get(timeout=PATIENCE)

    def gets_no_more(self) -> bool:
        try:
            self.got.get(timeout=SILENCE)
        except queue.Empty:
            return True
        return False

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service(sandbox: RunningSandbox) -> Iterator[Service]:
    service = Service()
    sandbox.client.send_receipts(service.url)
    yield service
    sandbox.client.send_receipts(None)
    service.close()


def text(sandbox: RunningSandbox, to: str, callback: str, timeout: float = PATIENCE) -> int:
    """Send one by Twilio; the status of the answer."""
    twilio = sandbox.config["twilio"]
    sid = twilio["account_sid"]
    form = {"To": to, "From": twilio["from_number"], "Body": "Hi", "StatusCallback": callback}
    url = f"{twilio['base_url']}/2010-04-01/Accounts/{sid}/Messages.json"
    request = sandbox.http().post(url).basic_auth(sid, twilio["auth_token"])
    request = request.header("content-type", "application/x-www-form-urlencoded")
    request = request.timeout(timedelta(seconds=timeout))
    return request.body_text(urlencode(form)).build().send().status


def mail(sandbox: RunningSandbox, *to: str) -> int:
    """Send one by SendGrid to each, with the address as its delivery id."""
    sendgrid = sandbox.config["sendgrid"]
    body = {
        "from": {"email": sendgrid["from_email"]},
        "subject": "Hi",
        "content": [{"type": "text/plain", "value": "Hi"}],
        "personalizations": [
            {"to": [{"email": one}], "custom_args": {"delivery_id": one}} for one in to
        ],
    }
    request = sandbox.http().post(f"{sendgrid['base_url']}/v3/mail/send")
    request = request.bearer_auth(sendgrid["api_key"])
    return request.body_json(body).build().send().status


def receipt_of_twilio(service: Service, sandbox: RunningSandbox) -> tuple[dict[str, str], bool]:
    """A callback's parameters, and whether Twilio's own validator believes it."""
    path, headers, body = service.next()
    form = dict(parse_qsl(body.decode()))
    validator = RequestValidator(sandbox.config["twilio"]["auth_token"])
    signature = headers["x-twilio-signature"]
    return form, validator.validate(f"{service.url}{path}", form, signature)


def receipts_of_sendgrid(service: Service, sandbox: RunningSandbox) -> tuple[list[dict], bool]:
    """A batch of events, and whether SendGrid's own validator believes it."""
    path, headers, body = service.next()
    assert path == "/v1/receipts/sendgrid"
    validator = EventWebhook(sandbox.config["sendgrid"]["webhook_public_key"])
    verified = validator.verify_signature(
        body.decode(),
        headers["x-twilio-email-event-webhook-signature"],
        headers["x-twilio-email-event-webhook-timestamp"],
    )
    return json.loads(body), verified


def test_twilio_reports_to_the_callback_that_a_message_was_sent_and_delivered(sandbox, service):
    assert text(sandbox, "+12025550100", f"{service.url}/cb?delivery_id=dlv_7") == 201
    receipts = [receipt_of_twilio(service, sandbox) for _ in range(2)]
    assert [form["MessageStatus"] for form, _ in receipts] == ["sent", "delivered"]
    assert [verified for _, verified in receipts] == [True, True]
    [message] = sandbox.client.messages(channel="sms")
    assert {form["MessageSid"] for form, _ in receipts} == {message["message_id"]}


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("+15005550701", "undelivered", "30005"),
        ("+15005550702", "undelivered", "30007"),
        ("+15005550704", "failed", "21610"),
    ],
)
def test_a_magic_number_is_not_delivered(sandbox, service, number, status, code):
    text(sandbox, number, f"{service.url}/cb")
    receipt_of_twilio(service, sandbox)
    form, verified = receipt_of_twilio(service, sandbox)
    assert (form["MessageStatus"], form["ErrorCode"], verified) == (status, code, True)


def test_a_callback_on_another_machine_is_not_called(sandbox, service):
    text(sandbox, "+12025550100", "http://192.0.2.1/cb")
    text(sandbox, "+12025550101", f"{service.url}/cb")
    form, _ = receipt_of_twilio(service, sandbox)
    assert form["To"] == "+12025550101"


def test_sendgrid_reports_all_messages_of_a_request_in_one_batch(sandbox, service):
    assert mail(sandbox, "ada@example.com", "bob@example.com") == 202
    events, verified = receipts_of_sendgrid(service, sandbox)
    assert verified
    assert [(one["delivery_id"], one["event"]) for one in events] == [
        ("ada@example.com", "processed"),
        ("ada@example.com", "delivered"),
        ("bob@example.com", "processed"),
        ("bob@example.com", "delivered"),
    ]
    assert service.gets_no_more()


@pytest.mark.parametrize(
    ("word", "events"),
    [
        ("bounce", ["processed", "bounce"]),
        ("dead", ["processed", "bounce"]),
        ("complaint", ["processed", "delivered", "spamreport"]),
        ("unsubscribe", ["processed", "delivered", "unsubscribe"]),
        ("reversed", ["delivered", "processed"]),
    ],
)
def test_one_address_of_a_request_has_its_own_end(sandbox, service, word, events):
    mail(sandbox, "ada@example.com", f"{word}@sandbox.example")
    batches = [receipts_of_sendgrid(service, sandbox)[0] for _ in range(2)]
    found = {batch[0]["delivery_id"]: [one["event"] for one in batch] for batch in batches}
    assert found == {
        "ada@example.com": ["processed", "delivered"],
        f"{word}@sandbox.example": events,
    }


def test_receipts_come_twice_on_request(sandbox, service):
    sandbox.client.behave("twilio", "twice")
    text(sandbox, "+12025550100", f"{service.url}/cb")
    found = [receipt_of_twilio(service, sandbox)[0]["MessageStatus"] for _ in range(4)]
    assert found == ["sent", "delivered"] * 2


def test_forged_receipts_are_believed_by_nobody(sandbox, service):
    mail(sandbox, "forged@sandbox.example")
    assert receipts_of_sendgrid(service, sandbox)[1] is False
    text(sandbox, "+15005550707", f"{service.url}/cb")
    assert receipt_of_twilio(service, sandbox)[1] is False


def test_early_receipts_come_before_the_answer(sandbox, service):
    sandbox.client.behave("twilio", "early", seconds=1)
    answered = threading.Event()

    def send() -> None:
        text(sandbox, "+12025550100", f"{service.url}/cb")
        answered.set()

    sender = threading.Thread(target=send)
    sender.start()
    for _ in range(2):
        receipt_of_twilio(service, sandbox)
    assert not answered.is_set()
    sender.join()


def test_a_receipt_that_met_an_error_is_sent_again(sandbox, service):
    service.statuses = [503]
    mail(sandbox, "ada@example.com")
    first, second = service.next(), service.next()
    assert first[2] == second[2]


def test_nothing_is_reported_of_what_was_refused(sandbox, service):
    assert text(sandbox, "+15005550500", f"{service.url}/cb") == 500
    assert service.gets_no_more()


def test_nothing_is_reported_of_what_was_never_answered(sandbox, service):
    with pytest.raises(RequestError):
        text(sandbox, "+15005550408", f"{service.url}/cb", timeout=0.2)
    assert service.gets_no_more()


def test_nothing_is_reported_while_receipts_are_off(sandbox, service):
    sandbox.client.send_receipts(None)
    text(sandbox, "+12025550100", f"{service.url}/cb")
    mail(sandbox, "ada@example.com")
    assert service.gets_no_more()


@pytest.mark.parametrize("url", ["http://192.0.2.1", "https://127.0.0.1", "ftp://x", ""])
def test_receipts_stay_on_this_machine(sandbox, url):
    with pytest.raises(urllib.error.HTTPError) as refused:
        sandbox.client.send_receipts(url)
    assert refused.value.code == 400


def test_what_somebody_writes_is_reported_as_twilio_does(
    sandbox: RunningSandbox, service: Service
) -> None:
    twilio = sandbox.config["twilio"]
    written = sandbox.client.write_text("+12025550177", "Grüß dich", handled="HELP")
    path, headers, body = service.next()
    form = dict(parse_qsl(body.decode()))
    assert path == "/v1/replies/twilio"
    assert (form["MessageSid"], form["AccountSid"]) == (written, twilio["account_sid"])
    assert (form["From"], form["To"]) == ("+12025550177", twilio["from_number"])
    assert (form["Body"], form["OptOutType"]) == ("Grüß dich", "HELP")
    signature = headers["x-twilio-signature"]
    assert RequestValidator(twilio["auth_token"]).validate(f"{service.url}{path}", form, signature)
