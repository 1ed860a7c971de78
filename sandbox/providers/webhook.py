"""A receiver of webhooks by Standard Webhooks 1.0.0: ``POST /webhook/{name}``."""

import binascii

from standardwebhooks import Webhook as Signature
from standardwebhooks.webhooks import EmptyWebhookSecretError, WebhookVerificationError

from sandbox.behaviours import Behaviours
from sandbox.ledger import Ledger
from sandbox.protocol.exchange import Answer, Request, json_answer
from sandbox.providers.endpoint import Endpoint, Received, Refusal

PATH = "/webhook/"


class Webhook(Endpoint):
    """A receiver that verifies signatures for names with a secret, and accepts everything else.

    The address of a message is the whole URL that it was posted to.
    """

    name = "webhook"
    channel = "webhook"

    def __init__(self, ledger: Ledger, behaviours: Behaviours) -> None:
        super().__init__(ledger, behaviours)
        self._signatures: dict[str, Signature] = {}

    def register(self, name: str, secret: str) -> None:
        """Verify signatures for ``name`` from now on. Raises ``ValueError`` for a bad secret."""
        try:
            self._signatures[name] = Signature(secret)
        except (binascii.Error, EmptyWebhookSecretError) as error:
            raise ValueError(f"the secret is not whsec_ and base64: {error}") from None

    def forget(self) -> None:
        self._signatures.clear()

    def receive(self, request: Request) -> Answer:
        headers = request.headers
        question = f"?{request.query}" if request.query else ""
        address = f"{request.scheme}://{headers.get('host', '')}{request.path}{question}"
        if request.method != "POST":
            raise _refusal(405, "only POST is answered here", address)
        if signature := self._signatures.get(request.path.removeprefix(PATH)):
            try:
                signature.verify(request.body, headers, json_parse=False)
            except (WebhookVerificationError, ValueError) as error:
                raise _refusal(401, str(error), address) from None
        delivery_id = headers.get("webhook-id", "")
        return self.settle(
            [Received(address, delivery_id, request.body, headers)], Answer(204), delivery_id
        )

    def refusal(self, word: str) -> Answer:
        status = 410 if word == "dead" else int(word)
        return json_answer(status, b'{"error":"as you asked"}')


def _refusal(status: int, reason: str, address: str) -> Refusal:
    return Refusal(
        Answer(status, reason.encode(), [("content-type", "text/plain")]), reason, address
    )
