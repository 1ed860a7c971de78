"""The lease by which one process evaluates alerts, whatever the number of beats and workers."""

from django.db import connection

#: Seconds for which a process may evaluate, and for which it may send messages.
EVALUATING, SENDING = 60, 300

_TAKE = """
INSERT INTO alerts_turn (id, holder, leased_until)
VALUES (1, %(holder)s, clock_timestamp() + %(seconds)s * interval '1 second')
ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, leased_until = excluded.leased_until
 WHERE alerts_turn.holder = excluded.holder OR alerts_turn.leased_until < clock_timestamp()
RETURNING id
"""


def take(holder: str, seconds: int = EVALUATING) -> bool:
    """Take the turn, or prolong it; return whether ``holder`` has it for so many seconds now."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"holder": holder, "seconds": seconds})
        return cursor.fetchone() is not None
