"""Notifications to one recipient each: published, waited for, and measured."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.harness import batches, broker, service, wrk
from bench.harness.meter import Meter
from bench.harness.service import OPEN, PERSONAL, VARIABLES, Service
from stack.errors import StackError

#: The topic whose subscribers are notified, one by one.
TOPIC = "transactional"
CONNECTIONS = 16
#: Seconds until ``rabbitmqctl`` is started, which counts half a second later.
SETTLING = 0.5
#: Seconds for the answers to wrk's last requests.
ANSWERING = 0.3
SCRIPT = """
local sent = 0
function request()
    sent = sent + 1
    wrk.headers["Idempotency-Key"] = PREFIX .. sent
    return wrk.format("POST", nil, wrk.headers, START .. person(sent) .. REST)
end
function person(number)
    number = number % PEOPLE
    return math.floor(number / 90) * 100 + 2 + number % 90
end
"""


@dataclass(frozen=True, slots=True)
class SinglesResult:
    """The figures of ``many`` notifications of one delivery each.

    ``seconds``: from the first request to the last recorded delivery; ``cpu``: microseconds for
    each, by command of the Procfile and by server; ``published``: messages to the broker for each;
    ``left``: messages in the service's queues a second later; ``came``: messages at the sink.
    """

    many: int
    seconds: float
    cpu: dict[str, float]
    published: float
    left: int
    came: int

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.many / self.seconds

    @property
    def own_cpu(self) -> float:
        """Microseconds for each delivery, without the sink's."""
        return sum(self.cpu.values()) - self.cpu["sink"]


def audience(on: Service, people: int) -> None:
    """Create an audience with so many people who refuse nothing, and the others in between."""
    on.audience(TOPIC, subscribers(people))


def subscribers(people: int) -> int:
    """Return how many subscribers an audience needs with so many people who refuse nothing."""
    return -(-people // 90) * 100


def person(number: int, topic: str = TOPIC) -> str:
    """Return a person of the audience who refuses nothing (see ``bench.harness.audience``)."""
    return f"{topic}-{number // 90 * 100 + 2 + number % 90}"


def bodies(priority: str, many: int, people: int, topic: str = TOPIC, **more: object) -> list[str]:
    """Return the bodies of so many notifications to so many people, ``batches.SIZE`` in each.

    ``topic``: whose audience they are. ``more``: further fields of each notification.
    """
    every = [
        {
            "user_id": person(number % people, topic),
            "template": {
                "name": PERSONAL,
                "variables": VARIABLES | {"order": {"id": f"A-{number}"}},
            },
            "channels": ["push"],
            "priority": priority,
            **more,
        }
        for number in range(many)
    ]
    starts = range(0, many, batches.SIZE)
    return [json.dumps({"notifications": every[at : at + batches.SIZE]}) for at in starts]


def post_batches(
    on: Service, priority: str, many: int, people: int, topic: str = TOPIC, **more: object
) -> SinglesResult:
    """Publish so many to so many people, ``batches.SIZE`` in a request. See ``bodies``."""
    batched = bodies(priority, many, people, topic, **more)

    def post() -> int:
        batches.post(on, batched)
        return many

    return measured(on, post)


def post_each(on: Service, seconds: int, people: int) -> tuple[SinglesResult, float]:
    """Publish one by one for so many seconds to so many people.

    Also returns the 99th percentile of the response times in milliseconds.
    """
    start, rest = json.dumps(
        {
            "user_id": f"{TOPIC}-<>",
            "template": {"name": PERSONAL, "variables": VARIABLES},
            "channels": ["push"],
        }
    ).split("<>")
    prefix = f"{time.time_ns()}-"
    given = {"START": start, "REST": rest, "PREFIX": prefix, "PEOPLE": people}
    lines = [f"local {name} = {json.dumps(value)}" for name, value in given.items()]
    script = "\n".join([*lines, SCRIPT])
    found: list[float] = []

    def post() -> int:
        url = f"{on.api_url}/v1/notifications"
        result = wrk.read(wrk.ask(on, url, script, CONNECTIONS, seconds))
        found.append(result.p99)
        time.sleep(ANSWERING)
        with on.database() as cursor:
            cursor.execute(
                "SELECT count(*) FROM delivery_idempotencykey WHERE key LIKE %s",
                [f"{prefix}%"],
            )
            stored = int(cursor.fetchone()[0])
        if stored < result.answered:
            raise StackError(f"{result.answered:,} posts were answered, {stored:,} are on record")
        return stored

    return measured(on, post), found[0]


def measured(on: Service, post: Callable[[], int]) -> SinglesResult:
    """Measure the service while it sends what ``post`` publishes; ``post`` returns the number."""
    rabbitmq = on.servers.rabbitmq
    assert rabbitmq
    on.sink.reset()
    before = broker.published(rabbitmq)
    with on.database() as cursor:
        last = last_delivery(cursor)
        with Meter(on.pids()) as meter:
            began = time.monotonic()
            many = wait(on, cursor, last, post())
            seconds = time.monotonic() - began
    time.sleep(SETTLING)
    left = broker.waiting(rabbitmq, on.env["NOTIFIER_QUEUE_PREFIX"])
    published = broker.published(rabbitmq) - before
    cpu = {name: cost.cpu * 1e6 / many for name, cost in service.by_line(meter.costs).items()}
    return SinglesResult(many, seconds, cpu, published / many, left, _came(on))


def last_delivery(cursor: Any) -> int:
    """Return the greatest id of a delivery, 0 without any."""
    cursor.execute("SELECT coalesce(max(id), 0) FROM delivery_delivery")
    return int(cursor.fetchone()[0])


def wait(on: Service, cursor: Any, last: int, many: int, timeout: float = 1_800.0) -> int:
    """Return once so many deliveries made after the ``last`` are at rest: how many there are then.

    The sink is asked first, which costs nothing that is measured. Raises ``StackError`` after
    ``timeout`` seconds, or where one of them was not sent.
    """
    deadline = time.monotonic() + timeout
    states: dict[str, int] = {}
    while sum(states.values()) < many or states.keys() & set(OPEN):
        if time.monotonic() > deadline:
            raise StackError(f"after {timeout:.0f} s, of {many:,} deliveries: {states}")
        time.sleep(service.POLL_SECONDS)
        if _came(on) >= many:
            cursor.execute(
                "SELECT state, count(*) FROM delivery_delivery WHERE id > %s GROUP BY state",
                [last],
            )
            states = dict(cursor.fetchall())
    if states.keys() != {"accepted"}:
        raise StackError(f"of {many:,} deliveries not all were accepted: {states}")
    return states["accepted"]


def _came(on: Service) -> int:
    return int(on.sink.counts().get("fcm", 0))
