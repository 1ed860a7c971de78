"""The service on several hosts: one for each server, one for the API, and those that send."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from bench.harness.service import SETTINGS, Service, make_templates, quarter
from bench.harness.sink import Sink
from notifier_client import NotifierClient, NotifierError
from scale.hosts import Host, Network, network
from stack import debian, environment, manage
from stack.backends.postgres import Postgres
from stack.backends.rabbitmq import RabbitMQ
from stack.backends.redis import Redis
from stack.errors import StackError
from stack.servers import Servers
from stack.state_directory import fresh
from stack.supervision import ports
from stack.supervision.processes import Procfile

#: Processes that run once, on the API's host, and processes of each host that sends.
ONCE, EACH = ("web", "housekeeping", "beat"), ("fanout", "push")
#: Cores of each host that sends.
CORES = 0.2


@dataclass(frozen=True, slots=True)
class Lab:
    """The service on its hosts. ``service``: as in ``bench``, with the processes of all hosts."""

    service: Service
    network: Network
    senders: list[Host]
    procfiles: dict[str, Procfile]

    def start(self, host: Host) -> None:
        """Start the processes of one more host. Its CPU is not limited until they are ready."""
        titles = [f"{name}.{host.name}" for name in EACH]
        host.limit.set(None)
        for name, title in zip(EACH, titles, strict=True):
            self.service.processes.add(self.procfiles[host.name].process(name, title))
        for title in titles:
            self.service.processes[title].wait_ready(180)
        host.limit.set(CORES)

    def pids(self, host: Host) -> dict[str, int]:
        """Return the pids of the processes that send on a host."""
        pids = self.service.processes.pids()
        return {title: pid for title, pid in pids.items() if title.endswith(f".{host.name}")}


@contextlib.contextmanager
def running(senders: int) -> Iterator[Lab]:
    """Run each server and the API on a host of its own, and create so many hosts for senders.

    Raises ``Unavailable`` where hosts cannot be created, ``StackError`` where a server is missing.
    """
    names = [f"sender{number}" for number in range(1, senders + 1)]
    with contextlib.ExitStack() as stack:
        # Entered first, so that it is removed last: running processes keep their hosts in use.
        hosts = stack.enter_context(
            network(["postgres", "redis", "rabbitmq", "sink", "api", *names])
        )
        if not debian.installed(debian.RABBITMQ):
            raise StackError(debian.RABBITMQ.missing)
        place = {name: host.place for name, host in hosts.hosts.items()}
        state = stack.enter_context(fresh("scale"))
        settings = {"shared_buffers": quarter()}
        postgres = stack.enter_context(Postgres(state, settings, place["postgres"]))
        redis = stack.enter_context(Redis(state, place["redis"]))
        broker = stack.enter_context(RabbitMQ(state, place["rabbitmq"]))
        sink = stack.enter_context(Sink(state, place=place["sink"]))
        servers = Servers(postgres.url, redis.url, broker.url, postgres, redis, broker)
        address, port = place["api"].address, ports.free()
        api_url = f"http://{address}:{port}"
        env = environment.of(state, servers) | SETTINGS | sink.settings
        env |= {"PORT": str(port), "WEB_HOST": address, "NOTIFIER_ALLOWED_HOSTS": address}
        env |= {"NOTIFIER_PUBLIC_URL": api_url}
        manage.migrate(state, env)
        procfiles = {
            name: Procfile(
                env, state.path("logs"), keep_open=[state.lock], place=hosts.hosts[name].place
            )
            for name in ("api", *names)
        }
        processes = stack.enter_context(procfiles["api"].start(*ONCE))
        key = manage.create_publisher(env, "scale")
        processes.wait_ready(180)
        client = stack.enter_context(NotifierClient(api_url, key))
        try:
            make_templates(client)
            service = Service(api_url, key, env, sink, servers, processes, client, state)
            yield Lab(service, hosts, [hosts.hosts[name] for name in names], procfiles)
        except NotifierError as error:
            raise StackError(f"the API says: {error}") from error  # so that the logs stay
