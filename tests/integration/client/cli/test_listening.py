"""Messages that ``listen`` prints and forwards from a running service."""

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from notifier_client import Notification, NotifierClient, Unavailable
from notifier_client.cli.main import main
from stack.supervision.process import PATIENCE
from tests.integration.client.conftest import work
from tests.support.fakes.scripted_api import serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def listen(start: Start) -> Start:
    """Start to listen, and wait until it does."""

    def run(*arguments: str) -> subprocess.Popen[str]:
        listening = start("listen", "--interval", "0.1", *arguments)
        assert listening.stderr is not None
        while "listening" not in listening.stderr.readline():
            assert listening.poll() is None
        return listening

    return run


def test_a_message_is_printed_as_a_status_webhook_gets_it(client: NotifierClient, listen: Start):
    client.upsert_recipient("ada")
    client.notify_users(["ada"], title="Before")
    work()
    listening = listen("--json", "--count", "2")
    posted = client.notify_users(
        ["ada"],
        title="Hi",
        channels=["inbox", "sms"],
        reference="order-9",
        metadata={"tenant": "blau"},
    )
    while work():
        pass
    printed, _ = listening.communicate(timeout=PATIENCE)
    messages = {one["type"]: one for one in map(json.loads, printed.splitlines())}
    assert messages.keys() == {"delivery.delivered", "delivery.suppressed"}
    [delivery] = messages["delivery.suppressed"]["data"]["deliveries"]
    at, delivery_id = delivery.pop("at"), delivery.pop("delivery_id")
    assert at.endswith("Z") and delivery_id.startswith("dlv_")
    assert delivery == {
        "notification_id": posted.id,
        "reference": "order-9",
        "metadata": {"tenant": "blau"},
        "topic": "",
        "channel": "sms",
        "user_id": "ada",
        "state": "suppressed",
        "reason": "no_address",
    }


def test_a_message_is_forwarded_with_a_signature_that_libraries_verify(
    client: NotifierClient, listen: Start
):
    client.upsert_recipient("ada")
    with serving((204, "")) as program:
        url = f"{program.url}/hooks"
        listening = listen(
            "--forward-to", url, "--secret", SECRET, "--event", "delivered", "--count", "1"
        )
        client.notify_users(["ada"], title="Hi", channels=["inbox", "sms"])
        while work():
            pass
        printed, error = listening.communicate(timeout=PATIENCE)
    assert "delivery.delivered" in printed and error == ""
    [(line, headers, body)] = program.seen
    assert line == "POST /hooks HTTP/1.1"
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    assert Webhook(SECRET).verify(raw, headers) == body
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(raw.replace("delivered", "failed"), headers)


def test_a_program_that_fails_is_told_of_and_listening_goes_on(
    client: NotifierClient, listen: Start
):
    client.upsert_recipient("ada")
    with serving((500, "")) as program:
        listening = listen("--forward-to", program.url, "--count", "1")
        client.notify_users(["ada"], title="Hi")
        work()
        printed, error = listening.communicate(timeout=PATIENCE)
    assert f"{program.url} answered 500" in error
    assert "delivery.delivered" in printed
    assert listening.returncode == 0


def test_listening_goes_on_when_the_service_was_away(
    client: NotifierClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    client.upsert_recipient("ada")
    posted = []

    def newest(self: NotifierClient) -> Iterator[Notification]:
        """Find nothing at first, fail at the second look, and then answer."""
        posted.append(client.notify_users(["ada"], title="Hi", channels=["inbox"]).id)
        work()
        if len(posted) == 2:
            raise Unavailable("The service restarts.")
        return found(self)

    found = NotifierClient.list_notifications
    monkeypatch.setattr(NotifierClient, "list_notifications", newest)
    assert main(["listen", "--interval", "0.1", "--count", "1", "--json"]) == 0
    said = capsys.readouterr()
    assert "The service restarts." in said.err
    told = [one["notification_id"] for one in json.loads(said.out)["data"]["deliveries"]]
    assert sorted(told) == sorted(posted[1:])
