"""The service behind a real PgBouncer that pools transactions."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from config import database
from sandbox.settings import settings as sandbox_settings
from stack import debian, environment, manage, servers
from stack.backends.pgbouncer import PgBouncer
from stack.sandbox import Sandbox
from stack.state_directory import kept
from stack.supervision import ports
from stack.supervision.process import PATIENCE, ROOT
from stack.supervision.processes import Procfile
from tests.support.programs import need

IGNORED = "ignore_startup_parameters = options"
LIMITED = f"connect_query='{database.CONNECT_QUERY}'"


@pytest.fixture
def state(tmp_path):
    need(debian.PGBOUNCER)
    with kept(tmp_path / "state") as state:
        yield state


@pytest.fixture
def bouncer(state):
    """Start a PgBouncer with these settings added to ours."""
    started = []

    def start(to="", **configuration):
        url = urlsplit(os.environ["DATABASE_URL"])
        url = url._replace(path=f"/{to}" if to else url.path).geturl()
        started.append(PgBouncer(state, url, **configuration))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


def parameters(url):
    found = database.settings(url, 5, 5.0)["default"]
    return {"dsn": url, **found["OPTIONS"]}


def test_a_pooler_that_refuses_the_limits_is_refused_with_what_to_do(bouncer):
    with pytest.raises(ImproperlyConfigured, match="ignore_startup_parameters") as refused:
        database.check_limits(parameters(bouncer().url))
    assert LIMITED in str(refused.value)


def test_a_pooler_that_drops_the_limits_is_refused_with_what_to_do(bouncer):
    with pytest.raises(ImproperlyConfigured, match="statement_timeout is 0 ms") as refused:
        database.check_limits(parameters(bouncer(settings=IGNORED).url))
    assert LIMITED in str(refused.value)


@pytest.mark.parametrize(
    "command",
    [
        ("gunicorn", "config.wsgi", "--config", "config/gunicorn.py", "--bind", "127.0.0.1:0"),
        ("celery", "-A", "config", "worker", "-P", "threads", "-Q", "housekeeping"),
        ("celery", "-A", "config", "beat"),
    ],
)
def test_no_process_starts_without_its_limits(bouncer, command, transactional_db):
    tables = connections["default"].settings_dict["NAME"]  # beat reads them before all else
    url = bouncer(settings=IGNORED, to=tables).url
    program, *arguments = command
    done = subprocess.run(
        [Path(sys.executable).parent / program, *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode
    assert "Sessions at DATABASE_URL lack their limits" in done.stderr


def test_migrations_are_not_run_under_the_limits_of_a_pooler(bouncer):
    url = bouncer(settings=IGNORED, database=LIMITED).url
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode
    assert "run this with a DATABASE_URL that goes to PostgreSQL itself" in done.stderr


def test_limits_hold_on_every_connection_of_the_pooler(bouncer):
    one = bouncer(settings=f"{IGNORED}\ndefault_pool_size = 3", database=LIMITED)
    database.check_limits(parameters(one.url))
    clients = [psycopg2.connect(**parameters(one.url)) for _ in range(6)]
    backends = {}
    for client in clients[:3]:  # each in a transaction, so each on a connection of its own
        with client.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), current_setting('statement_timeout')")
            backends.update([cursor.fetchone()])
    assert len(backends) == 3 and set(backends.values()) == {"1min"}
    for client in clients:
        client.close()


def test_a_statement_beyond_its_limit_is_ended_behind_the_pooler(bouncer):
    short = "connect_query='SET statement_timeout = 200; SET lock_timeout = 100; SET "
    short += "idle_in_transaction_session_timeout = 300'"
    url = bouncer(settings=IGNORED, database=short).url
    database.check_limits(parameters(url))
    client = psycopg2.connect(**parameters(url))
    with client.cursor() as cursor:
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("SELECT pg_sleep(5)")
        client.rollback()
        cursor.execute("SELECT 1")
        time.sleep(1)
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("SELECT 1")
    client.close()


def test_what_is_published_through_the_pooler_arrives(state, bouncer, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL", "AMQP_URL"):
        monkeypatch.delenv(name)
    with servers.running(state) as found:
        port = ports.free()
        env = environment.of(state, found) | {"PORT": str(port)}
        env["NOTIFIER_PUBLIC_URL"] = api = f"http://127.0.0.1:{port}"
        with Sandbox(state, env) as sandbox:
            env |= sandbox_settings(sandbox.config)
            manage.migrate(state, env)
            pool = PgBouncer(state, found.database_url, settings=IGNORED, database=LIMITED)
            with pool:
                env["DATABASE_URL"] = pool.url
                key = manage.create_publisher(env, "shop")
                directory = manage.create_publisher(env, "people", "--directory")
                processes = Procfile(env, state.path("logs"), keep_open=[state.lock])
                with processes.start(
                    *("web", "fanout", "push", "sms_high", "housekeeping", "beat")
                ) as running:
                    running.wait_ready()
                    _publish(api, key, directory)
                    _arrives(found.database_url, {"push": 300, "sms": 1})
                    assert not running.dead()


def _publish(api, key, directory):
    people = [
        {"user_id": f"p{n}", "devices": [{"platform": "android", "token": f"{n}".ljust(140, "x")}]}
        for n in range(300)
    ]
    call(api, directory, "/v1/recipients/bulk", {"recipients": people})
    call(api, key, "/v1/topics", {"name": "news"})
    subscriptions = [{"user_id": one["user_id"], "channels": ["push"]} for one in people]
    call(api, key, "/v1/topics/news/subscriptions", {"subscriptions": subscriptions})
    call(api, key, "/v1/topics/news/publish", {"content": {"title": "Hi"}, "channels": ["push"]})
    contacts = {"contacts": [{"channel": "sms", "address": "+4366012345678"}]}
    call(api, directory, "/v1/recipients/ada", contacts, "PUT")
    code = {"user_id": "ada", "priority": "high", "content": {"body": "1"}, "channels": ["sms"]}
    call(api, key, "/v1/notifications", code)


def call(api, key, path, body, method="POST"):
    request = urllib.request.Request(
        api + path,
        method=method,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read() or b"null")


def _arrives(url, wanted):
    deadline = time.monotonic() + PATIENCE
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        while True:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT channel, count(*) FROM delivery_delivery "
                    "WHERE state IN ('accepted', 'delivered') GROUP BY channel"
                )
                found = dict(cursor.fetchall())
            if found == wanted:
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
    finally:
        connection.close()
