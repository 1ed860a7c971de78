"""``python -m bench.baselines.ceiling SANDBOX_JSON REQUESTS``: the speed of HTTP alone.

The FCM provider prepares its requests, and its HTTP client sends them: no database, no broker,
nothing recorded. Prints ``ready``, waits for a line, sends so many requests, and prints when it
began and ended in unix seconds, and its CPU in seconds.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import uvloop

from notifier.domain.messages import Content, Message
from notifier.domain.priorities import Priority
from notifier.providers.fcm import FCM
from notifier.transport.http import Reply, Wire

#: Requests that are prepared; each is sent many times.
PREPARED = 5_000
#: Calls in flight; more do not make it faster.
IN_FLIGHT = 1_000

Request = tuple[str, str, Mapping[str, str], bytes]


def main() -> int:
    """Run the command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.baselines.ceiling", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("requests", type=int)
    wanted = parser.parse_args()
    print(json.dumps(uvloop.run(_run(json.loads(wanted.config.read_text()), wanted.requests))))
    return 0


async def _run(config: Mapping[str, Any], requests: int) -> dict[str, float]:
    provider = FCM(
        "fcm",
        project_id=config["fcm"]["project_id"],
        service_account_file=config["fcm"]["service_account_file"],
        base_url=config["fcm"]["base_url"],
        ca_file=config["ca_file"],
        concurrency=IN_FLIGHT,
    )
    prepared, wire = await _prepare(provider), provider._wire
    await _send(wire, prepared)  # connections are open then
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.time(), time.process_time()
    await _send(wire, list(islice(cycle(prepared), requests)))
    result = {"began": began, "ended": time.time(), "cpu": time.process_time() - cpu}
    await provider.close()
    await asyncio.sleep(0.2)  # pyreqwest needs it before the loop ends
    return result


async def _prepare(provider: FCM) -> list[Request]:
    """Return the requests that the provider would send."""
    prepared: list[Request] = []

    class Recorder:
        async def request(
            self, method: str, path: str, *, headers: Mapping[str, str], body: bytes
        ) -> Reply:
            prepared.append((method, path, headers, body))
            return Reply(200, {}, b'{"name":"recorded"}')

    content = Content(
        "Order A-7 is on its way", "Dear you, expect it on Friday: tea, a pot, two cups."
    )
    messages = [
        Message(
            f"dlv_{number:020d}",
            "push",
            f"token-{number}".ljust(140, "x"),
            content,
            platform="android",
            priority=Priority.LOW,
            notification_id="01930000-0000-7000-8000-000000000000",
            topic="throughput",
        )
        for number in range(PREPARED)
    ]
    wire, provider._wire = provider._wire, Recorder()  # type: ignore[assignment]
    await provider.send_chunk(messages, lambda sent: None)
    provider._wire = wire
    return prepared


async def _send(wire: Wire, requests: list[Request]) -> None:
    waiting = iter(requests)

    async def lane() -> None:
        for method, path, headers, body in waiting:
            reply = await wire.request(method, path, headers=headers, body=body)
            if reply.status != 200:
                raise SystemExit(f"the sink answers {reply.status}")

    await asyncio.gather(*(lane() for _ in range(IN_FLIGHT)))


if __name__ == "__main__":
    sys.exit(main())
