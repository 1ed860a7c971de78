"""A process of the service."""

from dataclasses import dataclass
from enum import StrEnum


class Probe(StrEnum):
    """The way in which a supervisor finds out that a process makes progress."""

    #: ``/healthz`` and ``/readyz`` at its own port.
    HTTP = "http"
    #: ``/healthz`` at ``NOTIFIER_PROBE_PORT``: 200 while its threads come round.
    PROGRESS = "progress"
    #: Nothing but that its port takes connections.
    PORT = "port"


@dataclass(frozen=True, slots=True)
class Port:
    """The port that a process listens at, and the host, each by its variable and default."""

    variable: str
    default: int
    host: str

    def __str__(self) -> str:
        return f"${{{self.variable}:-{self.default}}}"

    @property
    def address(self) -> str:
        """Return the host as the shell expands it."""
        return f"${{{self.host}:-127.0.0.1}}"


@dataclass(frozen=True, slots=True)
class Process:
    """A process, which may run on several hosts and, without a port, several times on each.

    ``command``: for a shell, with defaults of the variables that it reads. ``bulk``: of normal and
    low priority, which must not slow down the others. ``reserved``: whether it has the reserved
    connections of a worker beside the pool of database connections.
    """

    name: str
    command: str
    probe: Probe
    port: Port | None = None
    bulk: bool = False
    queues: tuple[str, ...] = ()
    reserved: bool = False

    def shell(self, prefix: str = "") -> str:
        """Return the line by which a shell becomes the process, behind ``prefix`` if given."""
        return f"exec {prefix}{self.command}"
