"""The whole service on free ports, for a scenario: the demo's, or a test's."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.settings import settings as sandbox_settings
from stack import environment, manage
from stack.backends import rabbitmq
from stack.sandbox import Sandbox
from stack.servers import Servers
from stack.state_directory import State
from stack.supervision import ports
from stack.supervision.processes import Procfile, Running


@dataclass(frozen=True, slots=True)
class Stage:
    """A running service. ``sandbox``: the parsed ``sandbox.json``."""

    api_url: str
    stream_url: str
    sandbox: dict[str, Any]
    env: dict[str, str]
    processes: Running


@contextlib.contextmanager
def running(
    state: State,
    servers: Servers,
    *names: str,
    settings: Mapping[str, str] | None = None,
    receipts: bool = False,
) -> Iterator[Stage]:
    """Migrate, then run the sandbox and these processes of the Procfile, all but Flower by default.

    ``settings``: added to their environment. ``receipts``: whether the sandbox sends receipts. All
    are ready at the start of the block and stopped at its end.
    """
    port, stream = ports.free(), ports.free()
    api_url, stream_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{stream}"
    env = environment.of(state, servers) | {"PORT": str(port), "NOTIFIER_PUBLIC_URL": api_url}
    env["STREAM_PORT"] = str(stream)
    env |= settings or {}
    with Sandbox(state, env, receipts_to=api_url if receipts else "") as sandbox:
        env |= sandbox_settings(sandbox.config)
        env |= environment.inbox_origins(env, sandbox.config["control_url"])
        manage.migrate(state, env)
        procfile = Procfile(env, state.path("logs"), keep_open=[state.lock])
        every = [name for name in procfile.commands if name != "flower"]
        try:
            with procfile.start(*(names or every)) as processes:
                processes.wait_ready()
                yield Stage(api_url, stream_url, sandbox.config, env, processes)
        finally:
            if servers.broker_url.startswith("amqp") and servers.rabbitmq is None:
                rabbitmq.forget(servers.broker_url, env["NOTIFIER_QUEUE_PREFIX"])
