"""Debian's PgBouncer, a connection pooler for tests."""

import os
import signal
from urllib.parse import urlsplit

from stack import debian
from stack.state_directory import State, write_private
from stack.supervision import ports, unprivileged
from stack.supervision.process import Process


class PgBouncer(Process):
    """A pooler: ``with PgBouncer(state, database_url) as pooler:`` listens at ``pooler.url``.

    ``database``, ``settings``: further parameters of the database, and lines of the configuration.
    """

    def __init__(
        self, state: State, database_url: str, *, database: str = "", settings: str = ""
    ) -> None:
        to = urlsplit(database_url)
        self.port = ports.free()
        self.url = to._replace(
            netloc=f"{to.username}:{to.password}@{ports.HOST}:{self.port}"
        ).geturl()
        home = state.path("pgbouncer")
        users, configuration = home / "users.txt", home / "pgbouncer.ini"
        write_private(users, f'"{to.username}" "{to.password}"\n')
        write_private(
            configuration,
            f"[databases]\n{to.path[1:]} = host={to.hostname} port={to.port} {database}\n"
            f"[pgbouncer]\nlisten_addr = {ports.HOST}\nlisten_port = {self.port}\n"
            f"unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {users}\n"
            f"pool_mode = transaction\nmax_client_conn = 500\n{settings}\n",
        )
        for path in (users, configuration):
            unprivileged.give(path)
        super().__init__(
            "pgbouncer",
            [*unprivileged.prefix(home), debian.PGBOUNCER.file, configuration],
            env=os.environ,
            output=state.log("pgbouncer"),
            stop=((signal.SIGTERM, 5.0),),
            keep_open=[state.lock],
        )

    def start(self) -> None:
        """Start it and return once it listens."""
        super().start()
        self.wait_until(lambda: ports.listens(self.port), 20)
