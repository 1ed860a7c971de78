"""The page's live feed, as server-sent events.

``messages`` has new messages, oldest first, and the number ``skipped`` because there were too many.
``state`` has counts, rules and the ledger's ``life``, whenever one of them changes.
"""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from sandbox.behaviours import Behaviours
from sandbox.ledger import Ledger
from sandbox.previews import preview

#: Most messages in one event; of more, the newest are sent.
MOST_AT_ONCE = 40
#: Milliseconds after which a browser reconnects; seconds without events after which a comment is
#: sent.
RETRY = 1000
SILENCE = 15.0


class Live:
    """The feed of one page.

    ``channel``, ``part`` (of an address): filters. ``last``: the last event's id, empty at first;
    later messages are sent. An id of another ``life`` of the ledger is ignored.
    """

    def __init__(
        self, ledger: Ledger, behaviours: Behaviours, *, channel: str, part: str, last: str
    ) -> None:
        self._ledger = ledger
        self._behaviours = behaviours
        self._channel = channel
        self._part = part.lower()
        self._life, self._seq = ledger.life, 0
        life, _, seq = last.partition("-")
        self._is_new = not (life == ledger.life and seq.isdecimal() and len(seq) < 16)
        if not self._is_new:
            self._seq = int(seq)
        self._state: dict[str, Any] = {}
        self._spoke_at = 0.0

    def news(self) -> bytes:
        """Return the events since the last call, or no bytes."""
        found = b"".join(self._events())
        now = time.monotonic()
        if not found and now - self._spoke_at > SILENCE:
            found = b": still here\n\n"
        if found:
            self._spoke_at = now
        return found

    def _events(self) -> Iterator[bytes]:
        if not self._state:
            yield b"retry: %d\n\n" % RETRY
        if self._ledger.life != self._life:
            self._life, self._seq, self._is_new = self._ledger.life, 0, True
        state = {
            "life": self._life,
            "counts": self._ledger.counts(),
            "rules": self._behaviours.rules(),
        }
        if state != self._state:
            self._state = state
            yield b"event: state\ndata: %s\n\n" % orjson.dumps(state)
        if self._ledger.seq > self._seq:
            yield from self._messages()
        self._is_new = False

    def _messages(self) -> Iterator[bytes]:
        newest = self._ledger.newest(channel=self._channel, part=self._part, since=self._seq)
        entries = list(islice(newest, MOST_AT_ONCE))
        skipped = 0 if self._is_new else sum(1 for _ in newest)
        self._seq = self._ledger.seq
        if entries:
            news = {"messages": [preview(entry) for entry in reversed(entries)], "skipped": skipped}
            yield b"id: %s-%d\nevent: messages\ndata: %s\n\n" % (
                self._life.encode(),
                self._seq,
                orjson.dumps(news),
            )
