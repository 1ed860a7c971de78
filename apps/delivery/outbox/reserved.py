"""Reserved database connections, which never wait behind other work."""

from django.conf import settings
from django.db import connections

from apps.core.postgresql import pool


def reserve() -> None:
    """Give this thread connections of the process's reserved pool from now on.

    For threads that look after running claims: leases, cancellation and recording.
    """
    connections["default"] = connections["reserved"]


def fill() -> None:
    """Open the reserved connections at start: later PostgreSQL may have none left."""
    pool.fill("reserved", settings.DATABASES["reserved"]["POOL_OPTIONS"]["POOL_SIZE"])
