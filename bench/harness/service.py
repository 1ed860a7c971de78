"""A running service on servers of its own, with the neutral sink in place of the providers."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg2

from bench.harness.audience import PLAIN, Traits, refused
from bench.harness.meter import Cost, Meter
from bench.harness.sink import Sink
from notifier_client import NotifierClient, NotifierError, TemplateContent
from stack import environment, manage
from stack.backends import rabbitmq
from stack.backends.postgres import Postgres
from stack.backends.rabbitmq import RabbitMQ
from stack.backends.redis import Redis
from stack.debian import RABBITMQ
from stack.errors import StackError
from stack.servers import Servers
from stack.state_directory import State, fresh
from stack.supervision import ports
from stack.supervision.process import ROOT, Process
from stack.supervision.processes import Procfile, Running

CHANNELS = ("push", "sms", "email", "webhook", "inbox")
#: As many processes of each bulk command as there are cores; fan-out also fills inboxes.
FORMATION = dict.fromkeys(("fanout", "push", "sms", "email", "webhook"), os.cpu_count() or 1)
#: Limits of a publisher that no benchmark reaches.
SETTINGS = {
    "NOTIFIER_RATE_PER_SECOND": "1000000",
    "NOTIFIER_QUOTA_PER_DAY": "1000000000",
    "NOTIFIER_HIGH_RATE_PER_SECOND": "1000000",
    "NOTIFIER_PROVIDER_CONCURRENCY": "1000",
    # Asked for every chunk, and never short.
    "NOTIFIER_PROVIDER_QUOTAS": "fcm=1000000,twilio=1000000,sendgrid=1000000",
}
#: A template that is rendered for each recipient, and one that is rendered once per locale.
PERSONAL, SHARED = "personal", "shared"
#: States in which the service still has something to do.
OPEN = ("queued", "sending", "retrying")
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Blast:
    """One publish to a topic.

    ``seconds``: from before the request to the last recorded delivery; ``first``: seconds until the
    sink got the first message; ``came``: messages at the sink; ``states``: deliveries by final
    state; ``costs``: by command of the Procfile and by server; ``id``: the notification's.
    """

    subscribers: int
    seconds: float
    first: float
    states: dict[str, int]
    came: int
    costs: dict[str, Cost]
    id: str = ""

    @property
    def sent(self) -> int:
        """Deliveries that the provider, or the inbox, accepted."""
        return self.states.get("accepted", 0) + self.states.get("delivered", 0)

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.sent / self.seconds

    def cpu(self, *names: str) -> float:
        """Return microseconds of these processes' CPU for each delivery; by default of all."""
        return sum(self.costs[name].cpu for name in names or self.costs) * 1e6 / self.sent

    @property
    def own_cpu(self) -> float:
        """Microseconds for each delivery, without the sink's."""
        return self.cpu() - self.cpu("sink")


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: see ``running``."""

    api_url: str
    key: str
    env: dict[str, str]
    sink: Sink
    servers: Servers
    processes: Running
    client: NotifierClient
    state: State

    def pids(self) -> dict[str, int]:
        """Return the pids of the Procfile's processes, the servers and the sink, by name."""
        own: dict[str, Process | None] = {
            "postgres": self.servers.postgres,
            "redis": self.servers.redis,
            "rabbitmq": self.servers.rabbitmq,
            "sink": self.sink,
        }
        return self.processes.pids() | {name: one.pid for name, one in own.items() if one}

    def restart(self, settings: Mapping[str, str] | None = None) -> None:
        """Restart every process of the Procfile, and return once all are ready.

        ``settings``: variables of their environment until the next restart.
        """
        names = list(self.processes.pids())
        self.processes.stop(*names)
        for name in names:
            own = {"HONCHO_PROCESS_NAME": name}
            self.processes[name].env = {**self.env, **(settings or {}), **own}
            self.processes.restart(name)
        self.processes.wait_ready(180)

    @contextlib.contextmanager
    def database(self) -> Iterator[Any]:
        """A cursor on the service's database; each statement commits by itself."""
        connection = psycopg2.connect(self.servers.database_url)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def audience(
        self,
        topic: str,
        subscribers: int,
        channel: str = "push",
        *,
        traits: Traits = PLAIN,
        **fields: Any,
    ) -> None:
        """Create a topic with subscribers on the channel: see ``bench.harness.audience``.

        ``fields``: of the topic.
        """
        self.client.create_topic(topic, **fields)
        command = [sys.executable, "-m", "bench.harness.audience", topic, channel, str(subscribers)]
        command += ["--traits", json.dumps(traits._asdict())]
        subprocess.run(
            command, cwd=ROOT, env=self.env | {"BENCH_SINK_URL": self.sink.url}, check=True
        )
        with self.database() as cursor:
            # As on a server that has run for a while, with WAL segments for reuse.
            cursor.execute("CHECKPOINT")

    def blast(
        self,
        topic: str,
        subscribers: int,
        channel: str = "push",
        *,
        template: str = PERSONAL,
        timeout: float = 900.0,
    ) -> Blast:
        """Publish to the topic's ``subscribers`` with low priority, and wait for the last one.

        Raises ``StackError`` where not all are done after ``timeout`` seconds, or not all who did
        not refuse were sent to.
        """
        self.sink.reset()
        with self.database() as cursor, Meter(self.pids()) as meter:
            began = time.time()
            posted = self.client.publish(
                topic, template=template, variables=VARIABLES, channels=[channel], priority="low"
            )
            states = wait(cursor, posted.id, subscribers, timeout)
            seconds = time.time() - began
        wanted = subscribers - refused(subscribers)
        counts = self.sink.counts()
        first = counts.pop("first", began) - began
        came, costs = int(sum(counts.values())), by_line(meter.costs)
        blast = Blast(subscribers, seconds, first, states, came, costs, posted.id)
        if blast.sent != wanted:
            raise StackError(f"of {wanted:,} deliveries {blast.sent:,} were accepted: {states}")
        return blast


VARIABLES = {"order": {"id": "A-7"}, "day": "Friday", "items": ["tea", "a pot", "two cups"]}


@contextlib.contextmanager
def running(*names: str) -> Iterator[Service]:
    """Run servers and these commands of the Procfile, with one publisher and its templates.

    Raises ``StackError`` where a server is not available.
    """
    if not rabbitmq.installed():
        raise StackError(
            f"The benchmarks run a RabbitMQ of their own: install Debian's {RABBITMQ.name}."
        )
    with contextlib.ExitStack() as stack:
        state = stack.enter_context(fresh("bench"))
        postgres = stack.enter_context(Postgres(state, {"shared_buffers": quarter()}))
        redis = stack.enter_context(Redis(state))
        broker = stack.enter_context(RabbitMQ(state))
        urgent = any(name.endswith("_high") for name in names)
        sink = stack.enter_context(Sink(state, urgent=urgent))
        servers = Servers(postgres.url, redis.url, broker.url, postgres, redis, broker)
        port, stream = ports.free(), ports.free()
        api_url = f"http://{ports.HOST}:{port}"
        env = environment.of(state, servers) | SETTINGS | sink.settings
        env |= {"PORT": str(port), "STREAM_PORT": str(stream), "NOTIFIER_PUBLIC_URL": api_url}
        manage.migrate(state, env)
        procfile = Procfile(env, state.path("logs"), keep_open=[state.lock])
        processes = stack.enter_context(procfile.start(*names, formation=FORMATION))
        key = manage.create_publisher(env, "bench")
        processes.wait_ready(180)
        client = stack.enter_context(NotifierClient(api_url, key))
        try:
            make_templates(client)
            yield Service(api_url, key, env, sink, servers, processes, client, state)
        except NotifierError as error:
            raise StackError(f"the API says: {error}") from error  # so that the logs stay


def quarter() -> str:
    """Return a quarter of the machine's memory, as PostgreSQL's manual (19.4.1) recommends."""
    return f"{psutil.virtual_memory().total // 4 // 2**20}MB"


def make_templates(client: NotifierClient) -> None:
    """Create the templates that the benchmarks send."""
    says = {
        "en": (
            "Order {{ order.id }} is on its way",
            "expect it on {{ day }}: {% for item in items %}{{ item }}{% if not loop.last %}, "
            "{% endif %}{% endfor %}.",
        ),
        "de": (
            "Bestellung {{ order.id }} ist unterwegs",
            "sie kommt am {{ day }}: {% for item in items %}{{ item }}{% if not loop.last %}, "
            "{% endif %}{% endfor %}.",
        ),
    }
    for name, start in ((PERSONAL, "Dear {{ recipient.user_id }}, "), (SHARED, "Hello, ")):
        contents = [
            TemplateContent(
                channel=channel,
                locale=locale,
                title=None if channel == "sms" else title,
                body=start + body,
            )
            for locale, (title, body) in says.items()
            for channel in CHANNELS
        ]
        client.create_template(name, contents, default_locale="en")


def by_line(costs: Mapping[str, Cost]) -> dict[str, Cost]:
    """Combine the processes of each command: their CPU together, the memory of the largest."""
    found: dict[str, Cost] = {}
    for title, cost in costs.items():
        name = title.partition(".")[0]
        before = found.get(name, Cost(0.0, 0))
        found[name] = Cost(before.cpu + cost.cpu, max(before.peak_rss, cost.peak_rss))
    return found


def wait(
    cursor: Any,
    notification: str,
    wanted: int,
    timeout: float,
    unlike: Collection[str] = OPEN,
) -> dict[str, int]:
    """Return deliveries by state, once ``wanted`` of the notification's are done.

    ``unlike``: states of those that are not done. Raises ``StackError`` after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        cursor.execute(
            """SELECT state, sum(count)::bigint FROM delivery_statecount
                WHERE notification_id = %s GROUP BY state HAVING sum(count) <> 0""",
            [notification],
        )
        states = dict(cursor.fetchall())
        if sum(count for state, count in states.items() if state not in unlike) >= wanted:
            return states
        if time.monotonic() > deadline:
            raise StackError(f"after {timeout:.0f} s, of {wanted:,} deliveries: {states}")
        time.sleep(POLL_SECONDS)
