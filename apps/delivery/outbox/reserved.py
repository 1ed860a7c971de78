"""Connections to the database that never wait behind work."""

from django.db import connections


def reserve() -> None:
    """Give this thread connections of the process's reserved pool from now on.

    For threads that keep what is under way: leases, looks for what was cancelled, and records.
    """
    connections["default"] = connections["reserved"]
