"""One publisher's slow endpoints do not delay another publisher's webhook.

From the request to the receiver, on the service as the Procfile starts it.
"""

import asyncio
import contextlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from stack import manage, servers, whole_service
from stack.state_directory import kept
from stack.supervision.process import PATIENCE
from stack.whole_service import Stage
from tests.support.fakes.tiny_servers import OK, read_request
from tests.support.waiting import until

#: Endpoints of the slow publisher, and the seconds after which each of them answers.
ENDPOINTS, SLOW = 1000, 9.0
#: Slow calls that are under way before the other publisher posts: as many as its share gives it.
UNDER_WAY = 100
#: Seconds that the other publisher's webhook may take longer than alone.
LONGER = 1.0
SECRET = "whsec_" + 40 * "A"


class Receivers:
    """HTTPS endpoints on so many ports of this machine, each of which is a host.

    ``/slow…`` answers late, the others at once. ``arrived`` has when each path was called.
    """

    def __init__(self, certificate: Path, hosts: int) -> None:
        self.under_way = 0
        self.called = 0
        self.arrived: dict[str, float] = {}
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate)
        self._hosts = hosts
        self._ports: list[int] = []

    def url(self, host: int, path: str) -> str:
        return f"https://127.0.0.1:{self._ports[host % self._hosts]}/{path}"

    @contextlib.contextmanager
    def running(self) -> Iterator["Receivers"]:
        thread = threading.Thread(target=asyncio.run, args=[self._serve()])
        thread.start()
        try:
            until(lambda: len(self._ports) == self._hosts)
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._over.set)
            thread.join()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        for _ in range(self._hosts):
            server = await asyncio.start_server(
                self._answer, "127.0.0.1", 0, ssl=self._tls, backlog=1024
            )
            self._ports.append(server.sockets[0].getsockname()[1])
        await self._over.wait()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The last one of these ends it with the test.
        gone = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError)
        with contextlib.suppress(*gone):
            while True:
                head, _ = await read_request(reader)
                path = head.split()[1]
                if path.startswith("/slow"):
                    self.called += 1
                    self.under_way += 1
                    await asyncio.sleep(SLOW)
                    self.under_way -= 1
                else:
                    self.arrived[path] = time.monotonic()
                writer.write(OK)
                await writer.drain()
        writer.close()


class Publisher:
    """A publisher with a key, whose recipients are reached by webhook."""

    def __init__(self, service: Stage) -> None:
        scopes = ("--scopes", "directory:write,notifications:write")
        self._key = manage.create_publisher(service.env, f"fair-{uuid4().hex}", *scopes)
        self._api_url = service.api_url

    def register(self, urls: list[str]) -> list[str]:
        """A recipient for each URL; their names."""
        people = [
            {
                "user_id": f"u-{uuid4().hex}",
                "contacts": [{"channel": "webhook", "address": url, "secret": SECRET}],
            }
            for url in urls
        ]
        for start in range(0, len(people), 500):
            body = {"recipients": people[start : start + 500]}
            self._call("recipients/bulk", body)
        return [person["user_id"] for person in people]

    def post(self, people: list[str]) -> None:
        body = {"user_ids": people, "channels": ["webhook"], "content": {"body": "Hello"}}
        self._call("notifications", body)

    def _call(self, path: str, body: object) -> None:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        place = urlsplit(self._api_url)
        connection = HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)
        connection.request("POST", f"/v1/{path}", json.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read().decode()
        connection.close()
        assert answer.status < 300 and '"problem"' not in said, said[:1000]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with kept(tmp_path_factory.mktemp("fair") / "state") as state:
        # On a busy machine an answer may come later than it is sent; none must fail for that.
        slowly = {"NOTIFIER_PROVIDER_TIMEOUT": str(PATIENCE)}
        with (
            servers.running(state) as found,
            whole_service.running(state, found, "web", "webhook", settings=slowly) as on,
        ):
            yield on


def takes(other: Publisher, receivers: Receivers, number: int = 7) -> list[float]:
    """Seconds from the request to the receiver of single messages, one after the other."""
    found = []
    for _ in range(number):
        path = f"/fast-{uuid4().hex}"
        people = other.register([receivers.url(0, path[1:])])
        began = time.monotonic()
        other.post(people)
        until(lambda path=path: path in receivers.arrived)
        found.append(receivers.arrived[path] - began)
    return found


def stands(receivers: Receivers) -> bool:
    """Return whether as many slow calls are in flight as there will be.

    Opening a thousand connections takes a busy machine some time.
    """
    before = receivers.called
    time.sleep(0.5)
    return UNDER_WAY <= receivers.under_way and receivers.called == before


@pytest.mark.parametrize("hosts", [1, 250], ids=["one host", "250 hosts"])
def test_a_thousand_slow_endpoints_of_one_publisher_delay_no_webhook_of_another(
    service: Stage, hosts: int
) -> None:
    slow, other = Publisher(service), Publisher(service)
    certificate = Path(service.sandbox["ca_file"]).with_name("server.pem")
    with Receivers(certificate, hosts).running() as receivers:
        alone = takes(other, receivers)
        people = slow.register([receivers.url(n, f"slow-{n}") for n in range(ENDPOINTS)])
        slow.post(people)
        until(lambda: stands(receivers))
        beside = takes(other, receivers)
        assert receivers.under_way >= UNDER_WAY, "the slow ones were called all the while"
        # Behind slow calls a message waits for one of them to end. On a busy machine the handshakes
        # of hundreds of calls take their time, too, as a single message alone does.
        assert max(beside) < 3 * max(alone) + LONGER
