"""Fixtures for every test on servers."""

import gc

import pytest
from dj_db_conn_pool.core import pool_container

from apps.delivery.intake import load_shedding

#: Connections that may be in use when a test begins, before those of threads that ended are sought.
IN_USE = 2


@pytest.fixture(autouse=True)
def _no_measurement_of_another_test() -> None:
    """Let load shedding measure anew.

    The test before may have ended in the middle of one, when pytest takes the database away.
    """
    load_shedding.forget()


@pytest.fixture(autouse=True)
def _no_connection_of_another_test() -> None:
    """Give back connections of threads of the tests before, which ended without closing them.

    A thread's connection lives until the collector of garbage finds it. The pool of this process
    would be empty for a test with threads of its own.
    """
    if pool_container.has("default") and pool_container.get("default").checkedout() > IN_USE:
        gc.collect()
