"""Notifications that are posted at a steady rate, each when it is due."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import BadStatusLine, HTTPConnection
from itertools import count
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.harness.service import Service
from stack.errors import StackError


class Posted(NamedTuple):
    """A notification: its ``id``, when it was due and when it was ``answered``, in unix seconds."""

    id: str
    at: float
    answered: float


def post(
    on: Service,
    body: Callable[[float, int], Mapping[str, object]],
    more: Callable[[float], bool],
    *,
    name: str,
    per_second: int,
    senders: int,
) -> list[Posted]:
    """Post notifications one by one, and return them.

    ``body``: of the one with this number, due at this time. ``more``: called with the seconds so
    far, whether to continue. ``name``: begins their idempotency keys. Each is posted when it is
    due, or later if all ``senders`` wait for their answers. Raises ``StackError`` where one is
    refused.
    """
    local = threading.local()
    address = urlsplit(on.api_url).netloc

    def post_one(at: float, number: int) -> Posted:
        headers = {
            "Authorization": f"Bearer {on.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"{name}-{at}-{number}",
        }
        if not hasattr(local, "connection"):
            local.connection = HTTPConnection(address, timeout=30)
        text = json.dumps(body(at, number))
        try:
            key = _posted(local.connection, text, headers)
        except (ConnectionError, BadStatusLine):  # the server had closed the idle connection
            local.connection.close()
            key = _posted(local.connection, text, headers)
        return Posted(key, at, time.time())

    began = time.time()
    with ThreadPoolExecutor(senders) as pool:
        try:
            posting = []
            for number in count():
                at = began + number / per_second
                time.sleep(max(0.0, at - time.time()))
                if not more(time.time() - began):
                    break
                posting.append(pool.submit(post_one, at, number))
            return [one.result() for one in posting]
        except BaseException:  # otherwise the requests that are not posted yet would be waited for
            pool.shutdown(cancel_futures=True)
            raise


def _posted(connection: HTTPConnection, text: str, headers: dict[str, str]) -> str:
    connection.request("POST", "/v1/notifications", text, headers)
    answer = connection.getresponse()
    parsed = json.loads(answer.read())
    if answer.status != 202:
        raise StackError(f"a notification was refused: {parsed}")
    return str(parsed["id"])
