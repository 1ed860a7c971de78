"""Text messages that people write in the sandbox, and what Twilio's stand-in makes of them."""

import urllib.error
from urllib.parse import urlencode

import pytest

from tests.support.sandbox_fixture import RunningSandbox

PHONE = "+12025550177"


def send(sandbox: RunningSandbox, sender: str = "") -> int:
    """Send a text message to the phone; the status of the answer."""
    twilio = sandbox.config["twilio"]
    sid = twilio["account_sid"]
    form = {"To": PHONE, "From": sender or twilio["from_number"], "Body": "Hi"}
    url = f"{twilio['base_url']}/2010-04-01/Accounts/{sid}/Messages.json"
    request = sandbox.http().post(url).basic_auth(sid, twilio["auth_token"])
    request = request.header("content-type", "application/x-www-form-urlencoded")
    return int(request.body_text(urlencode(form)).build().send().status)


def test_who_has_written_stop_is_sent_nothing_until_a_start(sandbox: RunningSandbox) -> None:
    sandbox.client.write_text(PHONE, "Stop")
    assert send(sandbox) == 400
    assert sandbox.client.messages(address=PHONE)[0]["note"] == "21610"
    sandbox.client.write_text(PHONE, "START")
    assert send(sandbox) == 201
    sandbox.client.write_text(PHONE, "STOP", to="12345")
    assert send(sandbox, "12345") == 201  # a short code keeps no such list
    sandbox.client.write_text(PHONE, "STOP")
    sandbox.client.reset()
    assert send(sandbox) == 201


def test_a_text_without_a_number_is_refused(sandbox: RunningSandbox) -> None:
    for wrong in (
        {"from": PHONE},
        {"from": PHONE, "body": 1},
        {"from": PHONE, "body": "", "a": ""},
    ):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            sandbox.client._call("POST", "/sandbox/texts", wrong)
