"""Publishing through the batch call, two requests at once."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.harness.service import Service
from stack.errors import StackError

#: Notifications in a request, and requests at once.
SIZE, AT_ONCE = 1_000, 2


def post(on: Service, bodies: Sequence[str]) -> list[float]:
    """Post bodies of up to ``SIZE`` notifications each. Returns the seconds of each.

    Raises ``StackError`` where a request, or a notification in one, is not accepted.
    """
    address = urlsplit(on.api_url).netloc
    headers = {"Authorization": f"Bearer {on.key}", "Content-Type": "application/json"}
    prefix = time.time_ns()

    def one(number: int) -> float:
        connection = HTTPConnection(address, timeout=60)
        key = {"Idempotency-Key": f"{prefix}-{number}"}
        began = time.perf_counter()
        connection.request("POST", "/v1/notifications/batch", bodies[number], headers | key)
        answer = connection.getresponse().read()
        took = time.perf_counter() - began
        connection.close()
        if (
            answer.count(b'"accepted"') < bodies[number].count('"user_id"')
            or b'"problem"' in answer
        ):
            raise StackError(f"a batch was not accepted: {answer[:500]!r}")
        return took

    with ThreadPoolExecutor(AT_ONCE) as senders:
        return list(senders.map(one, range(len(bodies))))
