"""RabbitMQ: checks of a running broker, and Debian's package as a node of our own."""

import contextlib
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import amqp
import kombu

from notifier.domain.queues import at_broker, names
from stack import debian
from stack.debian import RABBITMQ, SYSTEM_PATH
from stack.errors import StackError
from stack.state_directory import State, write_private
from stack.supervision import ports
from stack.supervision.network_host import HERE, Place
from stack.supervision.process import PATIENCE, Process

#: Seconds for the answer to a connection; where nothing listens, it fails at once.
ANSWER = 15
DEFAULT_URL = "amqp://guest:guest@127.0.0.1:5672//"
CHANNELS = ("push", "sms", "email", "webhook", "inbox")
SERVER = Path(RABBITMQ.file)


def answers(url: str) -> bool:
    """Return whether one can log in at a URL, or at one of several with ``;`` between them."""
    for one in url.split(";"):
        with contextlib.suppress(OSError, amqp.AMQPError):
            with kombu.Connection(one, connect_timeout=ANSWER) as connection:
                connection.transport.establish_connection().close()
            return True
    return False


def forget(url: str, prefix: str) -> None:
    """Delete the queues and exchanges of an installation that no longer exists."""
    with kombu.Connection(url, connect_timeout=ANSWER) as connection:
        channel: Any = connection.default_channel
        for name in names(CHANNELS):
            channel.queue_delete(at_broker(prefix, name))
        for exchange in ("tasks", "events", "pidbox"):
            channel.exchange_delete(at_broker(prefix, exchange))
        channel.exchange_delete(f"reply.{prefix}.pidbox")


def installed() -> bool:
    """Return whether Debian's package is there, after installing it where we may."""
    return debian.installed(RABBITMQ) and shutil.which("epmd", path=SYSTEM_PATH) is not None


class RabbitMQ(Process):
    """A node: ``with RabbitMQ(state) as rabbitmq:`` runs it at ``rabbitmq.url``.

    Its ports, node name, data, cookie and port mapper (epmd) are separate from those of any other
    RabbitMQ on this machine.
    """

    def __init__(self, state: State, place: Place = HERE, name: str = "rabbitmq") -> None:
        home = state.path(name)
        self._enter = place.enter
        self.port, distribution, mapper = ports.free(), ports.free(), ports.free()
        self.password = state.secret("rabbitmq")
        self.url = f"amqp://notifier:{self.password}@{place.address}:{self.port}//"
        self.node = f"notifier-{self.port}@localhost"
        self.settings = settings = home / "rabbitmq.conf"
        write_private(
            settings,
            f"listeners.tcp.1 = {place.address}:{self.port}\n"
            f"default_user = notifier\ndefault_pass = {self.password}\n"
            "log.console = true\nlog.console.level = warning\nlog.file = false\n"
            # A full disk or memory, used by other programs, must not fail our tests.
            "disk_free_limit.absolute = 50MB\n",
        )
        env = {
            "PATH": SYSTEM_PATH,
            "HOME": str(home),  # where the Erlang cookie is made
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": ports.HOST,
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_CONFIG_FILE": str(settings),
            "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "config"),
            # With it the script execs the server instead of waiting for it.
            "RUNNING_UNDER_SYSTEMD": "true",
            # Busy-waiting schedulers would take CPU from other processes.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none "
            "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        super().__init__(
            name,
            [*place.enter, SERVER],
            env=env,
            output=state.log(name),
            stop=((signal.SIGTERM, 20.0),),
            keep_open=[state.lock],
        )
        # In the foreground; the port mapper that Erlang starts by itself would never end.
        self.mapper = Process(
            "epmd",
            [*place.enter, "epmd", "-port", str(mapper), "-address", ports.HOST],
            env=env,
            output=state.log("epmd"),
            keep_open=[state.lock],
        )

    def start(self) -> None:
        """Start it, and return once one can log in."""
        if not self.mapper.alive:
            self.mapper.start()
            self.mapper.pid  # noqa: B018  # raises where it could not be started
        super().start()
        self.wait_until(lambda: answers(self.url))

    def stop(self) -> None:
        """Stop it and its port mapper."""
        super().stop()
        self.mapper.stop()

    def control(self, *arguments: str) -> str:
        """Return the output of ``rabbitmqctl``. Raises ``StackError`` if it fails."""
        program = str(SERVER.with_name("rabbitmqctl"))
        command = [*self._enter, program, "--quiet", *arguments]
        done = subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        if done.returncode:
            raise StackError(f"rabbitmqctl {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout
