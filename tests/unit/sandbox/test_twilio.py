"""The Twilio stand-in, asked over HTTP/1.1 and HTTP/2."""

import re
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from tests.support.sandbox_fixture import RunningSandbox

GOOD = {"To": "+14155550100", "From": "+15005550006", "Body": "Hello"}


def text(
    sandbox: RunningSandbox, *, token: str = "", sid: str = "", http2: bool = True, **changes: str
) -> Any:
    """A good message but for ``changes``; an empty value leaves a field out."""
    config = sandbox.config["twilio"]
    form = {key: value for key, value in (GOOD | changes).items() if value}
    account = sid or config["account_sid"]
    url = f"{config['base_url']}/2010-04-01/Accounts/{account}/Messages.json"
    request = sandbox.http(http2=http2).post(url)
    request = request.basic_auth(config["account_sid"], token or config["auth_token"])
    return request.form(form).build().send()


@pytest.mark.parametrize("http2", [True, False])
def test_a_valid_message_is_queued_and_kept(sandbox: RunningSandbox, http2: bool) -> None:
    callback = "https://notifier.example/v1/receipts/twilio?delivery_id=d-1"
    answer = text(sandbox, http2=http2, Body="Héllo & 👋", StatusCallback=callback)
    assert answer.status == 201
    body = answer.json()
    assert re.fullmatch("SM[0-9a-f]{32}", body["sid"])
    assert (body["status"], body["to"], body["body"]) == ("queued", GOOD["To"], "Héllo & 👋")
    (kept,) = sandbox.client.messages(channel="sms")
    assert (kept["address"], kept["delivery_id"]) == (GOOD["To"], "d-1")
    assert kept["message_id"] == body["sid"]
    assert kept["content"]["Body"] == "Héllo & 👋"


def test_a_messaging_service_may_stand_for_the_sender(sandbox: RunningSandbox) -> None:
    answer = text(sandbox, From="", MessagingServiceSid="MG" + "a" * 32)
    assert (answer.status, answer.json()["status"]) == (201, "accepted")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "12345"}, 21211),
        ({"To": "+15005550001"}, 21211),
        ({"From": ""}, 21603),
        ({"From": "+1"}, 21212),
        ({"From": "", "MessagingServiceSid": "MGx"}, 21701),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"StatusCallback": "nonsense"}, 21609),
    ],
)
def test_an_invalid_message_gets_the_documented_code(
    sandbox: RunningSandbox, changes: dict[str, str], code: int
) -> None:
    answer = text(sandbox, **changes)
    assert (answer.status, answer.json()["status"], answer.json()["code"]) == (400, 400, code)
    assert answer.json()["more_info"].endswith(str(code))
    assert sandbox.client.messages()[0]["note"] == str(code)


def test_wrong_credentials_are_20003(sandbox: RunningSandbox) -> None:
    answer = text(sandbox, token="wrong")
    assert (answer.status, answer.json()["code"]) == (401, 20003)


def test_another_account_is_not_found(sandbox: RunningSandbox) -> None:
    answer = text(sandbox, sid="AC" + "0" * 32)
    assert (answer.status, answer.json()["code"]) == (404, 20404)


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("+15005550429", 429, 20429),
        ("+15005550410", 400, 21610),
        ("+15005550401", 401, 20003),
        ("+15005550403", 403, 20005),
        ("+15005550500", 500, 20500),
        ("+15005550503", 503, 20503),
    ],
)
def test_a_magic_number_gets_the_documented_code(
    sandbox: RunningSandbox, number: str, status: int, code: int
) -> None:
    answer = text(sandbox, To=number)
    assert (answer.status, answer.json()["code"]) == (status, code)


def test_a_magic_number_heals(sandbox: RunningSandbox) -> None:
    statuses = [text(sandbox, To="+15005552500").status for _ in range(3)]
    assert statuses == [500, 500, 201]


class SandboxHttpClient(HttpClient):
    """Leads the official client's requests to the sandbox."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self._http = sandbox.http()
        self._base = sandbox.config["twilio"]["base_url"]

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        request = self._http.request(method, url.replace("https://api.twilio.com", self._base))
        request = request.basic_auth(*kwargs["auth"]).form(kwargs["data"])
        answer = request.build().send()
        return Response(answer.status, answer.text())


def test_the_official_client_understands_the_answers(sandbox: RunningSandbox) -> None:
    config = sandbox.config["twilio"]
    client = Client(
        config["account_sid"], config["auth_token"], http_client=SandboxHttpClient(sandbox)
    )
    message = client.messages.create(to=GOOD["To"], from_=GOOD["From"], body="Hello")
    assert message.status == "queued"
    assert message.date_created is not None
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to="+15005550410", from_=GOOD["From"], body="Hello")
    assert refused.value.code == 21610
