"""A whole line of its own to break: servers, sandbox and the Procfile's processes.

The oracle is the sandbox's ledger: what the database says was sent is held against what a
provider received.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg2

from notifier.sandbox.client import SandboxClient
from stack import stage
from stack.postgres import Postgres
from stack.process import ROOT
from stack.rabbitmq import RabbitMQ
from stack.redis import Redis
from stack.servers import Servers
from stack.stage import Stage
from stack.state import fresh

#: What the tests break; the other channels' workers would only take memory.
PROCESSES = ("web", "fanout_high", "fanout", "push_high", "push", "sms_high", "sms")
PROCESSES += ("housekeeping", "beat")
#: Recovery within seconds, so that a test can wait for it.
QUICK = {
    "NOTIFIER_LEASE_SECONDS": "3",
    "NOTIFIER_SWEEP_AFTER_HIGH": "1",
    "NOTIFIER_SWEEP_AFTER_NORMAL": "2",
    "NOTIFIER_SWEEP_AFTER_LOW": "3",
    "NOTIFIER_PROVIDER_TIMEOUT": "3",
    "NOTIFIER_RETRY_PUSH": "1,1,2,2,4,4,8,8",
    "NOTIFIER_RETRY_SMS": "1,1,2,2,4,4,8,8",
    "NOTIFIER_CHUNK_SIZE": "100",
    "WORKER_THREADS": "8",
}
#: Deliveries one worker process may have sent and not yet recorded: its threads' chunks.
IN_FLIGHT = int(QUICK["NOTIFIER_CHUNK_SIZE"]) * int(QUICK["WORKER_THREADS"])


@dataclass
class Line:
    """The running line and a publisher's key to it."""

    stage: Stage
    servers: Servers
    key: str
    sandbox: SandboxClient
    logs: Path
    _names: Iterator[int] = field(default_factory=count)

    def call(self, method: str, path: str, body: Any = None, timeout: float = 20, **headers: str):
        request = urllib.request.Request(
            self.stage.api_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
                **headers,
            },
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read() or b"null")

    def audience(self, size: int) -> str:
        """A new topic with so many people subscribed to it on push; the topic's name."""
        topic = f"topic-{next(self._names)}"
        self.call("POST", "/v1/topics", {"name": topic})
        for start in range(0, size, 1000):
            people = [f"{topic}-{n}" for n in range(start, min(size, start + 1000))]
            self.call(
                "POST",
                "/v1/recipients/bulk",
                {
                    "recipients": [
                        {
                            "user_id": user_id,
                            "devices": [{"platform": "android", "token": token(user_id)}],
                        }
                        for user_id in people
                    ]
                },
            )
            self.call(
                "POST",
                f"/v1/topics/{topic}/subscriptions",
                {"subscriptions": [{"user_id": name, "channels": ["push"]} for name in people]},
            )
        return topic

    def publish(self, topic: str, **fields: Any) -> str:
        """The notification's id."""
        body = {"content": {"title": "Hi"}, "channels": ["push"], **fields}
        return self.call("POST", f"/v1/topics/{topic}/publish", body)["id"]

    def person(self, **fields: Any) -> str:
        """A new recipient's user_id."""
        user_id = f"person-{next(self._names)}"
        self.call("PUT", f"/v1/recipients/{user_id}", fields)
        return user_id

    def read(self, notification: str) -> dict[str, Any]:
        return self.call("GET", f"/v1/notifications/{notification}")

    def settled(self, notification: str, seconds: float = 60) -> dict[str, int]:
        """The counts on push once nothing more is to be sent."""
        self.until(lambda: self.read(notification)["state"] == "done", seconds)
        return self.read(notification)["counts"].get("push", {})

    def begun(self, notification: str, at_least: int = 1) -> None:
        """Wait until so many were sent: the fault comes in the middle."""
        self.until(lambda: self.received() >= at_least, 30)

    def received(self) -> int:
        """Different deliveries the push provider took."""
        return self.sandbox.counts()["fcm"]["deliveries"]

    def duplicates(self) -> int:
        return self.sandbox.counts()["fcm"]["duplicates"]

    def sql(self, statement: str, *params: Any) -> list[tuple]:
        with psycopg2.connect(self.servers.database_url) as connection:
            with connection.cursor() as cursor:
                cursor.execute(statement, params)
                return cursor.fetchall() if cursor.description else []

    @staticmethod
    def until(condition: Callable[[], bool], seconds: float) -> None:
        """Wait for it; errors while something is down count as not yet."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except (OSError, psycopg2.Error):
                pass
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s")

    def heal(self) -> None:
        """Everything runs and answers again, and nothing is left of the test before."""
        for server in (self.servers.postgres, self.servers.redis, self.servers.rabbitmq):
            if server is not None and not server.alive:
                server.start()
        for name in self.stage.processes.dead():
            self.stage.processes.restart(name)
        self.stage.processes.wait_ready()
        self.sandbox.reset()


def token(user_id: str) -> str:
    return f"{user_id}-".ljust(140, "x")


@contextmanager
def running(broker: str) -> Iterator[Line]:
    """A line on RabbitMQ or, with ``broker="redis"``, on Redis."""
    with fresh("faults") as state, Postgres(state) as postgres, Redis(state) as redis:
        if broker == "redis":
            with _staged(state, Servers(postgres.url, redis.url, redis.url, postgres, redis)) as on:
                yield on
        else:
            with RabbitMQ(state) as rabbit:
                servers = Servers(postgres.url, redis.url, rabbit.url, postgres, redis, rabbit)
                with _staged(state, servers) as on:
                    yield on


@contextmanager
def _staged(state: Any, servers: Servers) -> Iterator[Line]:
    with mock.patch.dict(os.environ, QUICK):  # the environment is what settings are read from
        with stage.running(state, servers, *PROCESSES) as on:
            made = subprocess.run(
                [sys.executable, "manage.py", "create_publisher", "faults"],
                cwd=ROOT,
                env=on.env,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            client = SandboxClient(on.sandbox["control_url"])
            yield Line(on, servers, made.stdout.strip(), client, state.directory / "logs")
