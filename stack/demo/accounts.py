"""The demo's accounts: deliveries in the database, compared with what the sandbox received."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from notifier.domain.ids import delivery_ids
from sandbox.client import SandboxClient

#: Deliveries of one publisher by channel and state.
STATES = """
SELECT d.channel, d.state, count(*)
  FROM delivery_delivery d
  JOIN delivery_notification n ON n.id = d.notification_id
 WHERE n.publisher_id = %(publisher)s
 GROUP BY d.channel, d.state ORDER BY d.channel, d.state
"""
#: Seconds from acceptance (or the scheduled time) to the start of the first call to a provider;
#: notifications accepted during the blast are counted separately.
LATENCY = """
WITH blast AS (
    SELECT min(n.created_at) AS began,
           max(a.started_at + a.duration_ms * interval '1 ms') AS ended
      FROM delivery_notification n
      JOIN delivery_delivery d ON d.notification_id = n.id
      JOIN delivery_attempt a ON a.delivery_id = d.id
     WHERE n.id = %(blast)s
)
SELECT n.priority, n.id <> %(blast)s AND n.created_at BETWEEN blast.began AND blast.ended, count(*),
       percentile_cont(0.50) WITHIN GROUP (ORDER BY waited),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY waited)
  FROM delivery_notification n
  JOIN delivery_delivery d ON d.notification_id = n.id
  JOIN delivery_attempt a ON a.delivery_id = d.id AND a.number = 1
  CROSS JOIN blast
  CROSS JOIN LATERAL (SELECT extract(epoch FROM a.started_at
                                                - greatest(n.created_at, n.send_at)) AS waited) w
 WHERE n.publisher_id = %(publisher)s
 GROUP BY 1, 2
"""
#: Number of deliveries of one notification that were tried, and seconds from acceptance to the
#: last answer.
SPEED = """
SELECT count(DISTINCT d.id),
       extract(epoch FROM max(a.started_at + a.duration_ms * interval '1 ms')
                          - min(n.created_at))
  FROM delivery_notification n
  JOIN delivery_delivery d ON d.notification_id = n.id
  JOIN delivery_attempt a ON a.delivery_id = d.id
 WHERE n.id = %(notification)s
"""
#: Every delivery that was tried: its provider, state, and whether a call got no answer.
TRIED = """
SELECT d.id, d.provider, d.state, bool_or(a.outcome = 'unknown')
  FROM delivery_delivery d
  JOIN delivery_notification n ON n.id = d.notification_id
  JOIN delivery_attempt a ON a.delivery_id = d.id
 WHERE n.publisher_id = %(publisher)s
 GROUP BY d.id
"""
#: The items in all inboxes.
INBOX = """
SELECT i.delivery_id
  FROM inbox_inboxitem i
  JOIN delivery_delivery d ON d.id = i.delivery_id
  JOIN delivery_notification n ON n.id = d.notification_id
 WHERE n.publisher_id = %(publisher)s
"""
SENT = ("accepted", "delivered", "bounced")
PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that ``count`` deliveries waited for their first call."""

    priority: str
    beside_blast: bool
    count: int
    p50: float
    p99: float


@dataclass(slots=True)
class Account:
    """One provider's account, as sets of deliveries' keys.

    ``sent``: the provider accepted them, by the database; ``unanswered``: it may have, since a call
    got no answer and no receipt came; ``resent``: a call got no answer, so two copies may have been
    accepted. ``received``: how often the sandbox accepted each.
    """

    sent: set[int] = field(default_factory=set)
    unanswered: set[int] = field(default_factory=set)
    resent: set[int] = field(default_factory=set)
    received: Counter[int] = field(default_factory=Counter)

    @property
    def again(self) -> int:
        """Return the number of duplicates that were accepted."""
        return self.received.total() - len(self.received)

    def faults(self) -> Iterator[str]:
        """Iterate over sentences on what the two sides disagree on."""
        if lost := self.sent - self.received.keys():
            yield f"{len(lost)} said to be sent never arrived, such as {min(lost)}"
        if ghosts := self.received.keys() - self.sent - self.unanswered:
            yield f"{len(ghosts)} arrived and are not on record, such as {min(ghosts)}"
        twice = {name for name, times in self.received.items() if times > 1}
        if unexplained := twice - self.resent:
            yield f"{len(unexplained)} arrived twice for no reason, such as {min(unexplained)}"


class Books:
    """Queries of one publisher's tables at ``database_url``."""

    def __init__(self, database_url: str, publisher: str) -> None:
        self._connection = psycopg2.connect(database_url, options="-c statement_timeout=30000")
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            # The tables were filled seconds ago; without this the planner takes them for empty.
            cursor.execute("ANALYZE delivery_notification, delivery_delivery, delivery_attempt")
        by_name = "SELECT id FROM publishers_publisher WHERE name = %(name)s"
        [(self._publisher,)] = self._rows(by_name, name=publisher)

    def close(self) -> None:
        self._connection.close()

    def states(self) -> dict[str, dict[str, int]]:
        """Return the numbers of deliveries by channel and state."""
        found: dict[str, dict[str, int]] = {}
        for channel, state, count in self._rows(STATES):
            found.setdefault(channel, {})[state] = count
        return found

    def latency(self, blast_id: str) -> list[Latency]:
        """Return latencies by priority, and by whether the blast was being sent."""
        rows = self._rows(LATENCY, blast=blast_id)
        return [
            Latency(priority, beside, count, float(p50), float(p99))
            for priority, beside, count, p50, p99 in rows
        ]

    def speed(self, notification_id: str) -> tuple[int, float]:
        """Return how many deliveries were tried, and seconds from acceptance to the last answer."""
        [(count, seconds)] = self._rows(SPEED, notification=notification_id)
        return count, float(seconds)

    def accounts(self, sandbox: SandboxClient) -> dict[str, Account]:
        """Return accounts by provider. What the inbox received is in a table of its own."""
        found: dict[str, Account] = {}
        for delivery, provider, state, unanswered in self._rows(TRIED):
            account = found.setdefault(provider, Account())
            if state in SENT:
                account.sent.add(delivery)
            elif unanswered:
                account.unanswered.add(delivery)
            if unanswered:
                account.resent.add(delivery)
        found.setdefault("inbox", Account()).received.update(row[0] for row in self._rows(INBOX))
        for message in _messages(sandbox):
            if message["accepted"]:
                account = found.setdefault(message["provider"], Account())
                if (name := delivery_ids.parse(message["delivery_id"])) is not None:
                    account.received[name.number] += 1
        return found

    def _rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            known = {"publisher": getattr(self, "_publisher", None)}
            cursor.execute(query, {**known, **parameters})
            return list(cursor.fetchall())


def _messages(sandbox: SandboxClient) -> Iterator[dict[str, Any]]:
    """Iterate over everything that the sandbox received, oldest first."""
    since = 0
    while page := sandbox.messages(since=since, limit=PAGE):
        yield from page
        since = page[-1]["seq"]
