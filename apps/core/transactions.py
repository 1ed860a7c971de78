"""Open transactions of other sessions, for work that has to wait for them."""

from datetime import datetime

from django.db import connection

# Every process of ours has one role; what others do in the database is not waited for. A dump only
# reads. That any other session does cannot be told: one that has written nothing yet looks like
# one that never will, and may just be about to write what it has found.
_BEGAN_BEFORE = """
SELECT EXISTS (SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND usename = session_user
                  AND xact_start < %s AND pid <> pg_backend_pid()
                  AND backend_type = 'client backend' AND application_name <> 'pg_dump')
"""


def moment() -> datetime:
    """Return the time by the database's clock to the microsecond, for ``any_since_before``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def any_since_before(then: datetime) -> bool:
    """Return whether one of ours goes on that began before ``then`` by the database's clock.

    Where none does, whatever was read before then has been written, if it ever will be.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BEGAN_BEFORE, [then])
        found: bool = cursor.fetchone()[0]
    return found
