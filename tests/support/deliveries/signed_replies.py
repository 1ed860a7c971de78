"""Text messages that people write to Twilio's sender, signed and posted as Twilio does."""

import itertools
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

from rest_framework.test import APIClient
from twilio.request_validator import RequestValidator

URL = "https://notify.example.com/v1/replies/twilio"
FORM = "application/x-www-form-urlencoded"
PHONE = "+4366012345678"
_ids = itertools.count(1)


def take_replies(settings: Any, name: str = "twilio", url: str = URL) -> None:
    """Have replies to a provider's sender be taken."""
    entry = settings.PROVIDERS[name]
    options = entry["options"]
    entry["sender"] = options["from_number"]
    entry["replies"] = {
        "class": "notifier.replies.twilio.TwilioReplies",
        "options": {
            "account_sid": options["account_sid"],
            "auth_token": options["auth_token"],
            "sender": options["from_number"],
            "url": url,
        },
    }


@dataclass
class Phone:
    """Somebody's phone. ``options``: the provider's."""

    options: dict[str, str]
    number: str = PHONE
    name: str = "twilio"

    @property
    def sender(self) -> str:
        return self.options["from_number"]

    def request(self, text: str, token: str = "", **fields: str) -> dict[str, Any]:
        """The report of a text message, as keywords of a POST."""
        form = {
            "AccountSid": self.options["account_sid"],
            "MessageSid": f"SM{next(_ids):032x}",
            "From": self.number,
            "To": self.sender,
            "Body": text,
            **fields,
        }
        url = URL.replace("twilio", self.name)
        token = token or self.options["auth_token"]
        return {
            "path": f"/v1/replies/{self.name}",
            "data": urlencode(form),
            "content_type": FORM,
            "headers": {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, form)},
        }

    def write(self, text: str, **fields: str) -> str | None:
        """Write a text message; the answer, ``None`` without one."""
        return self.post(self.request(text, **fields))

    def post(self, request: dict[str, Any]) -> str | None:
        """Post the report of a text message; the answer."""
        answer = APIClient(enforce_csrf_checks=True).post(**request)
        assert answer.status_code == 200, answer.content
        assert answer["content-type"] == "text/xml; charset=utf-8"
        return ElementTree.fromstring(answer.content).findtext("Message")
