"""How long what a paused topic or provider would send is held back."""

from apps.core import clock

#: Seconds until what is held is looked at again: as long again as the pause has lasted, within
#: these. Resuming does not wait for it.
SHORTEST, LONGEST = 5.0, 60.0


def seconds(since: float) -> float:
    """How long to hold back what has been paused since then (unix seconds)."""
    return min(max(clock.now() - since, SHORTEST), LONGEST)
