"""The ledger: a record of every message received and its answer, which tests compare with."""

import secrets
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

#: The newest entries are kept up to either limit; counters count all.
MOST_ENTRIES = 200_000
MOST_BYTES = 256 * 1024 * 1024
#: Most bytes kept of one message, enough for a mail with its own HTML; ``size`` is its full length.
MOST_OF_A_BODY = 128 * 1024


@dataclass(slots=True)
class Entry:
    """One message to one address.

    ``at``: when the request had arrived, in unix seconds. ``status``: of the answer (HTTP or SMTP),
    ``None`` without one. ``note``: the behaviour or error, empty without one. ``headers``: of a
    webhook only.
    """

    seq: int
    at: float
    provider: str
    channel: str
    address: str
    delivery_id: str
    status: int | None
    accepted: bool
    note: str
    message_id: str
    size: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        try:
            content: Any = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            content = self.body.decode("utf-8", "replace")
        return {
            "seq": self.seq,
            "at": self.at,
            "provider": self.provider,
            "channel": self.channel,
            "address": self.address,
            "delivery_id": self.delivery_id,
            "status": self.status,
            "accepted": self.accepted,
            "note": self.note,
            "message_id": self.message_id,
            "size": self.size,
            "headers": dict(self.headers),
            "content": content,
        }


class Tally:
    """The counters of one provider.

    ``deliveries`` has a hash of each delivery id, about 70 bytes each, so duplicates are exact.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.messages = 0
        self.accepted = 0
        self.duplicates = 0
        self.by_status: Counter[str] = Counter()
        self.deliveries: set[int] = set()

    def as_dict(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "messages": self.messages,
            "accepted": self.accepted,
            "by_status": dict(self.by_status),
            "deliveries": len(self.deliveries),
            "duplicates": self.duplicates,
        }


class Ledger:
    """All messages and counters. ``providers``: their names."""

    def __init__(self, providers: tuple[str, ...]) -> None:
        self._providers = providers
        self._seq = 0
        self.clear()

    def clear(self) -> None:
        """Delete everything but ``seq``, so that later messages have higher numbers.

        ``life`` changes, by which clients notice that what they hold was deleted.
        """
        self.life = secrets.token_hex(4)
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._tallies = {provider: Tally() for provider in self._providers}

    def count_request(self, provider: str) -> None:
        self._tallies[provider].requests += 1

    def record(
        self,
        provider: str,
        channel: str,
        address: str,
        *,
        delivery_id: str = "",
        status: int | None,
        accepted: bool,
        note: str = "",
        message_id: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._seq += 1
        tally = self._tallies[provider]
        tally.messages += 1
        tally.by_status[str(status or "none")] += 1
        if accepted:
            tally.accepted += 1
            if delivery_id:
                key = hash(delivery_id)
                if key in tally.deliveries:
                    tally.duplicates += 1
                tally.deliveries.add(key)
        kept = body[:MOST_OF_A_BODY]
        self._entries.append(
            Entry(
                self._seq,
                time.time(),
                provider,
                channel,
                address,
                delivery_id,
                status,
                accepted,
                note,
                message_id,
                len(body),
                kept,
                headers or {},
            )
        )
        self._bytes += len(kept)
        while len(self._entries) > MOST_ENTRIES or self._bytes > MOST_BYTES:
            self._bytes -= len(self._entries.popleft().body)

    def counts(self) -> dict[str, dict[str, Any]]:
        return {provider: tally.as_dict() for provider, tally in self._tallies.items()}

    @property
    def seq(self) -> int:
        """The number of the newest message."""
        return self._seq

    def newest(
        self, *, channel: str = "", address: str = "", part: str = "", since: int = 0
    ) -> Iterator[Entry]:
        """Iterate over entries after ``since``, newest first; empty filters match everything.

        ``part``: a part of an address, in lower case.
        """
        for entry in reversed(self._entries):
            if entry.seq <= since:
                return
            if channel and entry.channel != channel:
                continue
            if address and entry.address != address:
                continue
            if part and part not in entry.address.lower():
                continue
            yield entry
