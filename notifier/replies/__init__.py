"""Replies: text messages that people write to our senders, and the words that mean something.

In: a provider's request. Out: a ``Reply``, its ``Kind``, and the provider's form of an answer.
Imported by ``apps.delivery`` and ``config``. A provider that takes replies has one file in this
package, and in its settings entry ``"replies": {"class": dotted path, "options": {…}}``.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

#: Characters of a text that are read; Twilio sends no more.
LONGEST_TEXT = 1600


class Kind(StrEnum):
    """The meaning of a reply."""

    STOP = "stop"  # send me no more
    START = "start"  # send to me again
    HELP = "help"  # who is this
    OTHER = "other"  # anything else, which is for whoever sent the last message


@dataclass(frozen=True, slots=True)
class Reply:
    """A text message that somebody wrote to one of our senders.

    - ``message_id``: the provider's id, the same each time that it is reported.
    - ``sender``: the number or messaging service of ours that was written to.
    - ``address``: the number that it came from, as a contact's is written; empty where it came from
      no phone: a short code, another medium.
    - ``text``: at most ``LONGEST_TEXT`` characters.
    - ``handled``: as what the provider has handled and answered it; ``None`` where it has not.
    """

    message_id: str
    sender: str
    address: str
    text: str
    handled: Kind | None = None


class Replies(Protocol):
    """A provider's reports of replies. A report is an HTTP request to us."""

    #: The ``Content-Type`` of an answer.
    content_type: str

    def verify(self, headers: Mapping[str, str], query: str, body: bytes) -> bool:
        """Return whether the provider signed the request. Header names are in lower case."""

    def read(self, body: bytes) -> Reply:
        """Return the reply. Raises ``ValueError``, with a sentence, if it is none of ours."""

    def answer(self, text: str) -> bytes:
        """Return the body of a response that has the provider send ``text``, or nothing."""


def build(entry: Mapping[str, Any]) -> Replies:
    """Build from a ``replies`` entry of the settings. Raises what its import or options raise."""
    module, _, name = entry["class"].rpartition(".")
    found: Replies = getattr(importlib.import_module(module), name)(**entry["options"])
    return found
