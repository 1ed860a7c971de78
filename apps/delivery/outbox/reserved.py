"""Connections to the database that never wait behind work."""

from django.conf import settings
from django.db import connections

from apps.core.postgresql import pool


def reserve() -> None:
    """Give this thread connections of the process's reserved pool from now on.

    For threads that keep what is under way: leases, looks for what was cancelled, and records.
    """
    connections["default"] = connections["reserved"]


def fill() -> None:
    """Open them: later PostgreSQL may have none to give."""
    pool.fill("reserved", settings.DATABASES["reserved"]["POOL_OPTIONS"]["POOL_SIZE"])
