"""Connections to PostgreSQL on which no packet comes through any more, in a network of our own."""

import json
import os
import subprocess
import sys

import pytest

from stack import debian
from stack.supervision.process import ROOT
from tests.support.programs import need

#: Seconds at most until an end gives the other up, and until a host that is gone is passed over.
SILENT, PASSED_OVER = 20, 30

SCRIPT = """
import json, os, sys, time
from pathlib import Path
from faults.kinds import network
network.isolate()
if not network.isolated():
    sys.exit(77)
from stack.backends.postgres import Postgres
from stack.state_directory import kept

def seconds(what):
    began = time.monotonic()
    try:
        said = what()
    except OperationalError as error:
        said = type(error).__name__
    return said, time.monotonic() - began

with kept(Path(sys.argv[1])) as state, Postgres(state, {"listen_addresses": "*"}) as postgres:
    with network.addresses(1, 2) as (old, new):
        os.environ["DATABASE_URL"] = network.url(postgres, old, new)
        import django
        django.setup()
        from django.db import OperationalError, connection, transaction

        def ask(sql="SELECT host(inet_server_addr())"):
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchone()[0] if cursor.description else None

        ask("CREATE TABLE kept AS SELECT 1 AS one")
        transaction.set_autocommit(False)
        ask("UPDATE kept SET one = 2")
        first = ask()
        network.silence(old)
        gave_up = seconds(ask)
        connection.close()
        again = seconds(ask)
        connection.close()
        free = time.monotonic() + 60
        while postgres.sql(f"SELECT FROM pg_stat_activity WHERE client_addr = '{old}'"):
            assert time.monotonic() < free
            time.sleep(0.2)
        freed = time.monotonic() - (free - 60)
        print(json.dumps({"first": first, "gave_up": gave_up, "again": again, "freed": freed}))
"""


def test_a_silent_server_is_given_up_and_another_address_taken(tmp_path):
    need(debian.IPROUTE)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "state")]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=200, check=False
    )
    if done.returncode == 77:
        pytest.skip("no network of its own: it wants root, on Linux")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["first"] == "10.99.0.1"
    said, seconds = found["gave_up"]
    assert said == "OperationalError" and seconds < SILENT
    address, more = found["again"]
    assert address == "10.99.0.2" and seconds + more < PASSED_OVER
    # From then on, until PostgreSQL has ended the transaction of the silent client.
    assert seconds + more + found["freed"] < PASSED_OVER + SILENT
