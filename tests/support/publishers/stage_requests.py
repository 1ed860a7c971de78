"""Requests to a running service, made as any HTTP client makes them."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple

from stack.supervision.process import PATIENCE


class Answered(NamedTuple):
    """An answer: its status, its headers by lower-case name, its body, parsed where it is JSON."""

    status: int
    headers: dict[str, str]
    body: Any


def ask(
    url: str,
    method: str = "GET",
    body: object = None,
    *,
    key: str = "",
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Send ``body``, bytes as they are and all else as JSON; ``key``: the bearer."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    if key:
        sent["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, data=data, headers=sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return _answered(response)
    except urllib.error.HTTPError as error:
        with error:
            return _answered(error)


def _answered(response: Any) -> Answered:
    said = response.read()
    headers = {name.lower(): value for name, value in response.headers.items()}
    is_json = "json" in headers.get("content-type", "")
    return Answered(response.status, headers, json.loads(said) if is_json and said else said)
