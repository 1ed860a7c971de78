"""The bell: notify the processes of streams, through Redis, whose inboxes have changed.

It only names the inboxes to read. Whatever is lost with Redis is found by the streams' own polls of
the versions (``apps.inbox.stream``).
"""

from array import array
from collections.abc import Collection, Iterable
from functools import partial

import redis

from apps.core.cache import ask_redis

CHANNEL = "notifier:inbox"
#: Most people that one message names.
AT_ONCE = 5_000


def ring(recipient_ids: Collection[int]) -> None:
    """Say that these inboxes have changed. Call it once the change is committed."""
    numbers = list(recipient_ids)
    for start in range(0, len(numbers), AT_ONCE):
        packed = array("q", numbers[start : start + AT_ONCE]).tobytes()
        ask_redis(partial(_publish, packed))


def _publish(message: bytes, client: redis.Redis) -> bool:
    client.publish(CHANNEL, message)
    return True


def read(message: bytes) -> Iterable[int]:
    """Return the people that a message names. Raises ``ValueError`` if it is none of ours."""
    found = array("q")
    found.frombytes(message)
    return found
