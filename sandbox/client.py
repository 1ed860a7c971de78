"""A client of the control API, for tests and the demo."""

import json
import urllib.parse
import urllib.request
from typing import Any


class SandboxClient:
    """A client of the control API at ``control_url`` of ``sandbox.json``; see ``sandbox``.

    ``timeout``: seconds for one call. An answer other than 2xx raises ``urllib.error.HTTPError``,
    whose body says what was wrong.
    """

    def __init__(self, control_url: str, timeout: float = 60.0) -> None:
        self.control_url = control_url.rstrip("/")
        self.timeout = timeout

    def healthy(self) -> bool:
        """Return whether the sandbox answers."""
        try:
            return bool(self._call("GET", "/sandbox/healthz")["ok"])
        except OSError:
            return False

    def counts(self) -> dict[str, Any]:
        """Return counts by provider.

        They are ``requests``, ``messages`` (one per address), ``accepted``, ``by_status``,
        ``deliveries`` (distinct ids accepted) and ``duplicates`` (accepted again).
        """
        return dict(self._call("GET", "/sandbox/counts"))

    def messages(
        self,
        channel: str | None = None,
        address: str | None = None,
        since: int | None = None,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Return messages, newest first; with ``since`` (a ``seq``) later ones, oldest first."""
        wanted = {"channel": channel, "address": address, "since": since, "limit": limit}
        query = urllib.parse.urlencode({k: v for k, v in wanted.items() if v is not None})
        return list(self._call("GET", f"/sandbox/messages?{query}")["messages"])

    def behave(
        self,
        provider: str,
        behaviour: str,
        *,
        address: str | None = None,
        times: int | None = None,
        seconds: float | None = None,
        retry_after: str | float | None = None,
    ) -> None:
        """Have ``provider`` show ``behaviour`` from now on, to one address or (without) to all.

        ``behaviour``: a word of ``sandbox``'s table. ``times``: how often each address gets it;
        without it, it lasts until ``heal``. ``seconds``: for slow and timeout. ``retry_after``: for
        429 and 503, any value, or "none" for no header.
        """
        body = {
            "provider": provider,
            "behaviour": behaviour,
            "address": address,
            "times": times,
            "seconds": seconds,
            "retry_after": retry_after,
        }
        self._call("POST", "/sandbox/behave", {k: v for k, v in body.items() if v is not None})

    def heal(self, provider: str | None = None, address: str | None = None) -> None:
        """Remove every rule, and the counts of magic addresses.

        With ``provider``, remove only its rule for ``address``, or (without) the one for all.
        """
        wanted = {"provider": provider, "address": address}
        query = urllib.parse.urlencode({k: v for k, v in wanted.items() if v is not None})
        self._call("DELETE", f"/sandbox/behave{'?' if query else ''}{query}")

    def register_webhook(self, name: str, secret: str) -> None:
        """Have ``/webhook/{name}`` verify signatures with ``secret`` (``whsec_…``) from now on."""
        self._call("POST", "/sandbox/webhooks", {"name": name, "secret": secret})

    def send_receipts(self, url: str | None) -> None:
        """Send receipts of new messages to the service at ``url`` (this machine), or none."""
        self._call("POST", "/sandbox/receipts", {"url": url})

    def write_text(self, number: str, body: str, **rest: str) -> str:
        """Have ``number`` write a text message to Twilio's sender; return the message's id.

        ``rest``: ``to``, ``service`` and ``handled``, see ``sandbox``.
        """
        asked = {"from": number, "body": body, **rest}
        return str(self._call("POST", "/sandbox/texts", asked)["message_id"])

    def reset(self) -> None:
        """Delete messages, counts, registered webhooks, rules and who stopped Twilio's sender."""
        self._call("DELETE", "/sandbox/messages")
        self.heal()

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            self.control_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=self.timeout) as answer:
            return json.loads(answer.read() or b"null")
