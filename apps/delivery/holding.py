"""Holding back what a paused topic or provider would send."""

from apps.delivery import chunks, clock
from apps.delivery.chunks import Chunk
from apps.topics.selectors import TopicSnapshot, paused_since

#: Seconds until what is held is looked at again: as long again as the pause has lasted, within
#: these. Resuming does not wait for it.
SHORTEST, LONGEST = 5.0, 60.0


def seconds(since: float) -> float:
    """How long to hold back what has been paused since then (unix seconds)."""
    return min(max(clock.now() - since, SHORTEST), LONGEST)


def put_back(chunk: Chunk, topic: TopicSnapshot | None) -> bool:
    """Put a chunk of a paused topic back without working on it; whether that was done.

    Runs in the transaction that claimed it. The look-up is a few seconds old, the row is not.
    """
    if topic is None or not topic.paused:
        return False
    since = paused_since(topic.id)
    if since is None:
        return False
    chunks.put_back(chunk, seconds(since.timestamp()))
    return True
