"""A webhook that the service sent, verified by Standard Webhooks' libraries in two languages."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from notifier_client import Contact, NotifierClient
from sandbox.client import SandboxClient
from stack.whole_service import Stage
from tests.referees.conftest import HERE, run


class Sent(NamedTuple):
    """A message as the receiver got it, and the secret that it was given."""

    secret: str
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def sent(service: Stage, key: str) -> Sent:
    """A notification to a person's webhook, as it arrived."""
    url = f"{service.sandbox['webhook']['base_url']}/referee"
    with NotifierClient(service.api_url, key) as client:
        written = client.upsert_recipient("hook", contacts=[Contact("webhook", url)])
        secret = written.secrets[0]["secret"]
        client.notify_users(["hook"], channels=["webhook"], title="Order 7", body="Grüße, 100 €")
    receiver = SandboxClient(service.sandbox["control_url"])
    for _ in range(100):
        if found := receiver.messages(channel="webhook", address=url):
            break
        time.sleep(0.2)
    # The ledger has the body parsed; written again as we write JSON it is the bytes that came,
    # else no signature would be right.
    return Sent(secret, found[0]["headers"], orjson.dumps(found[0]["content"]))


def test_python_verifies_it(sent: Sent) -> None:
    told: Any = Webhook(sent.secret).verify(sent.body, sent.headers)
    assert told["data"]["title"] == "Order 7"
    with pytest.raises(WebhookVerificationError):
        Webhook(sent.secret).verify(sent.body.replace(b"Order 7", b"Order 8"), sent.headers)


@pytest.mark.referee
def test_javascript_verifies_it(sent: Sent, node: Path) -> None:
    shutil.copy(HERE / "verify_webhook.mjs", node)
    command = ["node", "verify_webhook.mjs"]

    def verify(body: str) -> str:
        said = {"secret": sent.secret, "headers": sent.headers, "body": body}
        return run(command, env={**os.environ}, cwd=node, stdin=json.dumps(said))

    assert json.loads(verify(sent.body.decode()))["data"]["title"] == "Order 7"
    with pytest.raises(AssertionError, match="No matching signature found"):
        verify(sent.body.decode().replace("Order 7", "Order 8"))
