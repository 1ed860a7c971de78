"""Forms that Twilio signs: status callbacks and text messages that people wrote.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator

SIGNATURE = "x-twilio-signature"
#: Most fields of a form; Twilio's have about thirty.
MOST_FIELDS = 200


class SignedForms:
    """Forms posted to one URL.

    ``url``: the one that Twilio was given; its query and fragment are ignored. Twilio signs the URL
    that it calls, which a proxy may have changed on the way to us.

    The signature covers no time: whoever reads a form has to ignore one that is repeated.
    """

    def __init__(self, *, auth_token: str, url: str) -> None:
        self._validator = RequestValidator(auth_token)
        self._url = url.partition("#")[0].partition("?")[0]

    def verify(self, headers: Mapping[str, str], query: str, body: bytes) -> bool:
        """Return whether Twilio signed the request. Header names are in lower case."""
        try:
            fields = dict(form_fields(body))
        except ValueError:
            return False
        url = f"{self._url}?{query}" if query else self._url
        return bool(self._validator.validate(url, fields, headers.get(SIGNATURE, "")))


def form_fields(body: bytes) -> list[tuple[str, str]]:
    """Parse a form. Raises ``ValueError`` for anything else."""
    return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
