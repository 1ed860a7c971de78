"""The neutral sink: nginx in place of the providers, which costs little and refuses nothing.

The sandbox validates and records messages, and would cost more than what is measured. The sink
speaks TLS and HTTP/2 with a certificate that the sandbox's code creates, and answers 60 to 120 ms
after the request (``sink.nginx``).
"""

import json
import os
import pwd
import urllib.request
from pathlib import Path

from sandbox.credentials import Credentials, Ports
from sandbox.settings import settings as sandbox_settings
from stack import debian
from stack.debian import NGINX
from stack.errors import StackError
from stack.state_directory import State
from stack.supervision import ports
from stack.supervision.network_host import HERE, Place
from stack.supervision.process import ROOT, Process

PROGRAM = Path("/usr/sbin/nginx")
MODULES = Path(NGINX.file).parent
TEMPLATE = Path(__file__).with_name("sink.nginx")
WORKERS = 2
BEHIND = ROOT / "bin" / "behind"


class Sink(Process):
    """A sink: ``with Sink(state) as sink:`` runs it at ``sink.url``.

    ``sink.settings``: the settings of a service that sends to it; ``sink.config``: its
    ``sandbox.json``. Unless ``urgent``, it runs at low CPU priority, as bulk workers do: a provider
    on the same cores that preempts its clients would answer each call separately, and cost half as
    much again. Raises ``StackError`` where nginx is not available.
    """

    def __init__(self, state: State, *, urgent: bool = False, place: Place = HERE) -> None:
        if not debian.installed(NGINX):
            raise StackError(
                f"The benchmarks' providers are an nginx with Lua: install Debian's {NGINX.name}, "
                "which brings nginx along."
            )
        home = state.path("sink")
        credentials = Credentials(home / "credentials", place.address)
        self.port, self._control = ports.free(), ports.free()
        self._address = place.address
        self.url = f"https://{place.address}:{self.port}"
        # There is no mail server here: email goes to SendGrid.
        credentials.write_config(Ports(place.address, self._control, self.port, self.port, 0))
        self.config = json.loads((home / "credentials" / "sandbox.json").read_text())
        self.settings = {
            name: value
            for name, value in sandbox_settings(self.config).items()
            if not name.startswith("NOTIFIER_SMTP_")
        }
        self._urgent = home / "urgent.log"
        conf = home / "nginx.conf"
        text = TEMPLATE.read_text()
        for name, value in {
            "modules": MODULES,
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "workers": WORKERS,
            "home": home,
            "address": place.address,
            "port": self.port,
            "control": self._control,
            "certificate": home / "credentials" / "server.pem",
        }.items():
            text = text.replace(f"{{{name}}}", str(value))
        conf.write_text(text)
        super().__init__(
            "sink",
            [*place.enter, *([] if urgent else [BEHIND]), PROGRAM, "-p", home, "-c", conf],
            env=os.environ,
            output=state.log("sink"),
            keep_open=[state.lock],
        )

    def start(self) -> None:
        """Start it, and return once it answers."""
        super().start()
        self.wait_until(lambda: ports.listens(self._control, self._address))

    def counts(self) -> dict[str, float]:
        """Return messages since ``reset`` by kind (fcm, twilio, sendgrid, webhook).

        ``first``: when the first of them came, in unix seconds.
        """
        return self._ask("GET")

    def reset(self) -> None:
        """Reset the counts."""
        self._ask("POST")

    def urgent(self) -> dict[str, list[float]]:
        """Return notification id -> when its urgent pushes came, in unix seconds, unordered."""
        came: dict[str, list[float]] = {}
        for line in self._urgent.read_text().splitlines():
            at, notification = line.split()
            came.setdefault(notification, []).append(float(at))
        return came

    def _ask(self, method: str) -> dict[str, float]:
        url = f"http://{self._address}:{self._control}/counts"
        with urllib.request.urlopen(
            urllib.request.Request(url, method=method), timeout=10
        ) as response:
            found: dict[str, float] = json.load(response)
        return found
