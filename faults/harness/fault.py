"""Faults: functions that break something under load and heal it, each with its bounds."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faults.harness.trial import Trial


class Duplicates(Enum):
    """The most deliveries that the provider may have received twice."""

    NEVER = "none"
    IN_FLIGHT = "what was being sent when it broke"
    CAPACITY = "what the worker processes can have in flight"
    UNANSWERED = "once more for each call whose answer was lost"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and its bounds.

    ``duplicates``: the most that are allowed. ``codes``: seconds within which 99 of 100 one-time
    codes must reach their provider, ``None`` where the fault prevents that. ``recovery``: seconds
    until all work is done. ``cluster``: whether it needs a RabbitMQ of three nodes.

    ``make faults`` checks the seconds; the tests check only that nothing is lost.
    """

    name: str
    group: str
    what: str
    act: Callable[["Trial"], None]
    duplicates: Duplicates
    codes: float | None
    recovery: float
    cluster: bool = False


FAULTS: dict[str, Fault] = {}

#: Seconds within which one-time codes must reach their provider.
PROMISED = 1.0


def fault(
    duplicates: Duplicates = Duplicates.NEVER,
    *,
    codes: float | None = PROMISED,
    recovery: float = 30.0,
    cluster: bool = False,
) -> Callable[[Callable[["Trial"], None]], Callable[["Trial"], None]]:
    """Register a fault. Its name is the function's, and its docstring says what it does."""

    def register(act: Callable[["Trial"], None]) -> Callable[["Trial"], None]:
        name = act.__name__.replace("_", "-")
        what = (act.__doc__ or "").strip().partition("\n")[0]
        group = act.__module__.rpartition(".")[2]
        FAULTS[name] = Fault(name, group, what, act, duplicates, codes, recovery, cluster)
        return act

    return register
