"""The servers: real ones of our own, or those that are given."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading

import psycopg2
import pytest
import redis

from stack import environment, servers
from stack.backends.rabbitmq import RabbitMQ, answers
from stack.debian import RABBITMQ
from stack.errors import StackError
from stack.state_directory import kept
from stack.supervision import ports
from stack.supervision.process import PATIENCE
from tests.support.process_tree import Launcher
from tests.support.programs import need

RUN = ("-m", "stack", "run", "--", "sh", "-c", "echo running; exec sleep 600")
#: Servers on a state directory that stays, until killed.
KEEP = """
import sys, time
from pathlib import Path
from stack import servers
from stack.state_directory import kept
with kept(Path(sys.argv[1])) as state, servers.running(state) as found:
    print("up", found.database_url, flush=True)
    time.sleep(600)
"""
EMBEDDED = {"DATABASE_URL": "", "REDIS_URL": "", "AMQP_URL": "amqp://127.0.0.1:1//"}


@pytest.fixture
def embedded(monkeypatch):
    """No server is given."""
    for name in EMBEDDED:
        monkeypatch.delenv(name, raising=False)


def query(url, sql):
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


def test_a_fresh_state_directory_gets_a_database_and_a_redis(embedded, tmp_path):
    with kept(tmp_path / "state") as state, servers.running(state) as found:
        settings = {
            name: query(found.database_url, f"SHOW {name}")[0][0]
            for name in ("fsync", "synchronous_commit", "server_encoding", "max_connections")
        }
        with redis.Redis.from_url(found.redis_url) as client:
            assert client.ping()
        with pytest.raises(psycopg2.OperationalError, match="password"):
            query(found.database_url.replace(found.postgres.password, "guess"), "SELECT 1")
    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "server_encoding": "UTF8",
        "max_connections": "300",
    }


def test_a_killed_launcher_leaves_a_state_that_a_second_start_takes_over(embedded, tmp_path):
    state = str(tmp_path / "state")
    first = Launcher("-c", KEEP, state, log=tmp_path / "first", env=EMBEDDED)
    first.wait_for("up postgres")
    url = first.output.split("up ")[1].strip()
    query(url, "CREATE TABLE kept AS SELECT 7 AS seven")
    first.send(signal.SIGKILL)
    second = Launcher("-c", KEEP, state, log=tmp_path / "second", env=EMBEDDED)
    second.wait_for("up postgres")
    first.leaves_nothing()
    assert query(second.output.split("up ")[1].strip(), "SELECT seven FROM kept") == [(7,)]
    second.send(signal.SIGTERM)
    second.leaves_nothing()


def test_a_state_directory_in_use_is_refused_with_the_pid_of_its_user(tmp_path):
    with kept(tmp_path / "state"):
        with pytest.raises(StackError, match=f"in use by process {os.getpid()}"):
            with kept(tmp_path / "state"):
                pass


def test_given_servers_are_used_and_nothing_is_started(monkeypatch, tmp_path):
    given = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    monkeypatch.setenv("AMQP_URL", given["REDIS_URL"])
    with kept(tmp_path / "state") as state, servers.running(state) as found:
        assert (found.postgres, found.redis, found.rabbitmq) == (None, None, None)
        assert found.database_url == given["DATABASE_URL"]
        assert found.redis_url == given["REDIS_URL"]
        assert found.broker_url == given["REDIS_URL"]


def test_without_rabbitmq_redis_is_the_broker(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("AMQP_URL", f"amqp://guest:guest@127.0.0.1:{ports.free()}//")
    with kept(tmp_path / "state") as state, servers.running(state) as found:
        assert found.broker_url == found.redis_url
    assert "Nothing lets us in at AMQP_URL" in capsys.readouterr().out


def test_a_rabbitmq_that_answers_is_the_broker(rabbitmq_url, monkeypatch, tmp_path):
    monkeypatch.setenv("AMQP_URL", rabbitmq_url)
    with kept(tmp_path / "state") as state, servers.running(state) as found:
        assert found.broker_url == rabbitmq_url


def test_an_open_port_is_not_yet_a_rabbitmq(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def hang_up():
            server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        assert not answers(f"amqp://guest:guest@127.0.0.1:{port}//")


def test_a_rabbitmq_that_does_not_let_us_in_does_not_answer(rabbitmq_url):
    assert answers(rabbitmq_url)
    scheme, _, place = rabbitmq_url.rpartition("@")
    assert not answers(f"{scheme}wrong@{place}")


def test_a_rabbitmq_of_our_own_takes_its_port_mapper_along(tmp_path):
    need(RABBITMQ)
    with kept(tmp_path / "state") as state:
        with RabbitMQ(state) as own:
            assert answers(own.url)
            mapper = int(own.env["ERL_EPMD_PORT"])
            assert ports.listens(mapper)
        assert not ports.listens(mapper)
        assert not ports.listens(own.port)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_command_and_its_servers_end_with_the_launcher(number, tmp_path):
    launcher = Launcher(*RUN, log=tmp_path / "log", env=EMBEDDED)
    launcher.wait_for("running")
    assert len(launcher.family()) > 6  # two servers, the command, their guards, and backends
    launcher.send(number)
    launcher.leaves_nothing()


def test_a_killed_make_takes_everything_along(tmp_path):
    as_make = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"
    command = ("-m", "stack", "--end-with-parent", *RUN[2:])
    launcher = Launcher("-c", as_make, *command, log=tmp_path / "log", env=EMBEDDED)
    launcher.wait_for("running")
    launcher.send(signal.SIGKILL)
    launcher.leaves_nothing()


def test_the_exit_code_of_the_command_is_ours(tmp_path):
    code = f"{sys.executable} -c 'import os; print(os.environ[\"DATABASE_URL\"]); exit(7)'"
    launcher = Launcher("-m", "stack", "run", "--", "sh", "-c", code, log=tmp_path / "log")
    assert launcher.process.wait(PATIENCE) == 7
    assert os.environ["DATABASE_URL"] in launcher.output


def test_secrets_are_made_once_and_are_private(embedded, monkeypatch, tmp_path):
    for name in ("NOTIFIER_SECRET_KEY", "NOTIFIER_ENCRYPTION_KEYS", "NOTIFIER_BLIND_INDEX_KEY"):
        monkeypatch.delenv(name, raising=False)
    given = servers.Servers("postgres://x", "redis://y", "amqp://z")
    with kept(tmp_path / "state") as state:
        first, second = environment.of(state, given), environment.of(state, given)
        files = list((state.directory / "secrets").iterdir())
    assert first == second
    assert first["NOTIFIER_ENCRYPTION_KEYS"].startswith("1:")
    assert files
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    monkeypatch.setenv("NOTIFIER_SECRET_KEY", "my own")
    with kept(tmp_path / "state") as state:
        assert environment.of(state, given)["NOTIFIER_SECRET_KEY"] == "my own"


def test_a_taken_port_is_passed_over():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert ports.near(port) != port
    assert ports.near(port) == port


def test_a_port_is_given_once_though_nobody_listens_at_it_yet(tmp_path):
    first = ports.near(8000)
    assert ports.near(first) != first
    ask = "from stack.supervision import ports; "
    ask += f"print(ports.near({first}), ports.free(), flush=True); input()"
    others = [
        subprocess.Popen(
            [sys.executable, "-c", ask], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    given = [port for other in others for port in other.stdout.readline().split()]
    for other in others:
        other.communicate("\n", timeout=PATIENCE)
    assert len(set(given)) == 16
    assert str(first) not in given


def test_a_port_is_given_anew_once_who_had_it_has_ended():
    ask = "from stack.supervision import ports; print(ports.free())"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert ports.near(int(done.stdout)) == int(done.stdout)
