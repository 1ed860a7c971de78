"""A whole service to break: servers, sandbox and the Procfile's processes."""

import contextlib
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg2
import redis

from faults.kinds import network
from notifier.domain import queues
from sandbox.client import SandboxClient
from stack import manage, whole_service
from stack.backends import rabbitmq
from stack.backends.postgres import Postgres
from stack.backends.rabbitmq import RabbitMQ
from stack.backends.rabbitmq_cluster import Cluster
from stack.backends.redis import Redis
from stack.debian import RABBITMQ
from stack.errors import StackError
from stack.servers import Servers
from stack.state_directory import State, fresh
from stack.supervision.process import PATIENCE, Process
from stack.whole_service import Stage

#: Processes that run; the workers of other channels would only take memory.
PROCESSES = (
    *("web", "stream", "fanout_high", "fanout", "push_high", "push", "sms_high", "sms"),
    *("housekeeping", "beat"),
)
CHUNK_SIZE = 50
THREADS = 8
#: Deliveries that one worker process may have sent and not yet recorded.
CAPACITY = CHUNK_SIZE * THREADS
#: Settings with which the service recovers within seconds.
SETTINGS = {
    "NOTIFIER_LEASE_SECONDS": "3",
    "NOTIFIER_PROVIDER_TIMEOUT": "3",
    "NOTIFIER_RETRY_PUSH": "1,1,2,2,4,4,8,8",
    "NOTIFIER_RETRY_SMS": "1,1,2,2,4,4,8,8",
    "NOTIFIER_BREAKER_COOLDOWN": "1",
    "NOTIFIER_BREAKER_LONGEST_COOLDOWN": "8",
    "NOTIFIER_CHUNK_SIZE": str(CHUNK_SIZE),
    "WORKER_THREADS": str(THREADS),
    "NOTIFIER_PUSH_CONCURRENCY": str(CAPACITY),
}
#: The same for busy machines, as in the tests: a process that gets no CPU for seconds keeps its
#: leases, and a provider that gets none is waited for.
PATIENT = {"NOTIFIER_LEASE_SECONDS": "10", "NOTIFIER_PROVIDER_TIMEOUT": "20"}
Server = TypeVar("Server", bound=Process)
#: Errors of servers that do not answer for the moment.
AWAY = (OSError, psycopg2.Error)


@dataclass
class Service:
    """The running service and a publisher's key to it."""

    stage: Stage
    servers: Servers
    key: str
    directory_key: str
    sandbox: SandboxClient
    state: State
    #: Processes that run as long as the service does.
    held: contextlib.ExitStack
    cluster: Cluster | None = None

    @property
    def logs(self) -> Path:
        return self.state.directory / "logs"

    def at_broker(self, queue: str) -> str:
        """Return this queue's name at the broker."""
        return queues.at_broker(self.stage.env["NOTIFIER_QUEUE_PREFIX"], queue)

    @property
    def lease(self) -> float:
        """Seconds for which a silent worker keeps its claims."""
        return float(self.stage.env["NOTIFIER_LEASE_SECONDS"])

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        idempotency_key: str = "",
        wait: float = 60,
    ) -> Any:
        """Call the API and return the JSON. Raises ``OSError``, including ``HTTPError``."""
        key = self.directory_key if path.startswith("/v1/recipients") else self.key
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.stage.api_url + path, method=method, data=data, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=wait) as answer:
                return json.loads(answer.read() or b"null")
        except (json.JSONDecodeError, EOFError) as error:
            raise OSError("the answer is torn") from error

    def sql(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, run on a connection of its own."""
        connection = self.connect()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, params)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def connect(self) -> Any:
        """Return a connection to the service's database, for holding locks."""
        return psycopg2.connect(self.servers.database_url, connect_timeout=5)

    def ready(self) -> tuple[int, dict[str, str]]:
        """Return the answer of /readyz: its status, and the state of each server."""
        try:
            with urllib.request.urlopen(self.stage.api_url + "/readyz", timeout=20) as answer:
                return answer.status, json.load(answer)["checks"]
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)["checks"]

    def kill(self, *names: str) -> None:
        """Kill processes with SIGKILL, all at the same moment."""
        for name in names:
            os.kill(self.stage.processes[name].pid, signal.SIGKILL)
        for name in names:
            self.stage.processes[name].wait(PATIENCE)

    def keep(self, process: Server) -> Server:
        """Start a process that runs as long as the service does."""
        self.held.enter_context(process)
        return process

    def use_database(self, url: str) -> None:
        """Restart every process with its database at ``url``."""
        for name in PROCESSES:
            self.stage.processes[name].env["DATABASE_URL"] = url
        self.start(*PROCESSES)

    def start(self, *names: str) -> None:
        """Restart processes, or start those that are not running, and wait until they are ready."""
        self.stage.processes.stop(*names)
        for name in names:
            self.stage.processes[name].start()
        for name in names:
            self.stage.processes[name].wait_ready()

    def heal(self) -> None:
        """Wait until everything runs and answers, and nothing is left of the last fault."""
        for server in (self.servers.postgres, self.servers.redis, self.servers.rabbitmq):
            if server is not None and not server.alive:
                server.start()
        if self.cluster:
            self.cluster.heal()
        for name in self.stage.processes.pids():
            self.stage.processes.kill(name, signal.SIGCONT)
        for name in self.stage.processes.dead():
            self.stage.processes.restart(name)
        self.stage.processes.wait_ready()
        with redis.Redis.from_url(self.servers.redis_url) as client:
            client.flushall()  # a breaker may be open still
        self.sandbox.reset()
        self.sandbox.send_receipts(None)


def until(condition: Callable[[], Any], what: str) -> float:
    """Wait for a condition, and return the seconds. A server that does not answer means not yet.

    Raises ``StackError`` with ``what`` after a very long time; ``Trial.until`` has the bars.
    """
    began = time.monotonic()
    while (took := time.monotonic() - began) < PATIENCE:
        with contextlib.suppress(*AWAY):
            if condition():
                return took
        time.sleep(0.05)
    raise StackError(f"not within {PATIENCE:g} s: {what}")


def push_token(user_id: str) -> str:
    """Return a push token as long as FCM's."""
    return f"{user_id}-".ljust(140, "x")


def listening() -> dict[str, str]:
    """Return settings of PostgreSQL to listen at all addresses, in a network of our own."""
    return {"listen_addresses": "*"} if network.isolated() else {}


#: Connections that PostgreSQL reserves for roles with that right.
KEPT = {"reserved_connections": "100"}


@contextlib.contextmanager
def running(
    settings: Mapping[str, str] | None = None, *, cluster: bool = False
) -> Iterator[Service]:
    """Run a service with servers of its own until the end of the block.

    ``settings``: extend or override ``SETTINGS``. ``cluster``: whether RabbitMQ has three nodes.
    Raises ``StackError`` where RabbitMQ is not available.
    """
    if not rabbitmq.installed():
        raise StackError(
            f"The faults break a RabbitMQ of their own: install Debian's {RABBITMQ.name}."
        )
    with fresh("faults") as state, contextlib.ExitStack() as stack:
        postgres = stack.enter_context(Postgres(state, listening() | KEPT))
        redis = stack.enter_context(Redis(state))
        env = SETTINGS | dict(settings or {})
        nodes = rabbit = None
        if cluster:
            nodes = stack.enter_context(Cluster(state))
            env["NOTIFIER_QUORUM_QUEUES"] = "1"
        else:
            rabbit = stack.enter_context(RabbitMQ(state))
        url = nodes.url if nodes else rabbit.url if rabbit else ""
        servers = Servers(postgres.url, redis.url, url, postgres, redis, rabbit)
        on = stack.enter_context(whole_service.running(state, servers, *PROCESSES, settings=env))
        key = manage.create_publisher(on.env, "faults")
        directory_key = manage.create_publisher(on.env, "accounts", "--directory")
        sandbox = SandboxClient(on.sandbox["control_url"])
        yield Service(on, servers, key, directory_key, sandbox, state, stack, nodes)
