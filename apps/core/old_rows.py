"""Delete rows past their retention in batches, so that no statement holds many locks."""

from datetime import datetime

from django.db import connection

from apps.core.processes import progress

#: Most rows that one statement deletes.
AT_ONCE = 10_000


def delete(statement: str, before: datetime) -> int:
    """Execute the statement until it finds fewer than ``AT_ONCE`` rows; return how many went.

    It deletes at most ``%(most)s`` rows that are older than ``%(before)s``.
    """
    deleted: int = 0
    with connection.cursor() as cursor:
        while True:
            progress.step()
            cursor.execute(statement, {"before": before, "most": AT_ONCE})
            deleted += cursor.rowcount
            if cursor.rowcount < AT_ONCE:
                return deleted
