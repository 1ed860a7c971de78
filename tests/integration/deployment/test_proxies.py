"""The sample configurations of reverse proxies, in front of a running API and stream."""

import contextlib
import getpass
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stack import debian, manage, servers, whole_service
from stack.deployment.files import DEPLOY
from stack.state_directory import kept
from stack.supervision import ports
from stack.supervision.process import PATIENCE, ROOT, Process
from stack.whole_service import Stage
from tests.support.fakes import certificates
from tests.support.programs import need
from tests.support.waiting import until

HOST = "notifier.example.com"
#: Seconds of the sample's time-outs for slow clients, which the tests do not wait for.
SLOW = "10s"


@dataclass(frozen=True)
class Proxy:
    """A running proxy: its program, the command that checks its file, its ports and its logs."""

    name: str
    checks: list[str]
    tls: int
    plain: int
    logs: Path

    def connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(ports.HOST, self.tls, timeout=PATIENCE, context=context)

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        """Ask for a path as it is written, and return the answer."""
        connection = self.connect()
        connection.request(method, path, body, {"Host": HOST, **headers})
        return connection.getresponse()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    settings = {
        "NOTIFIER_ALLOWED_HOSTS": f"127.0.0.1,{HOST}",
        "NOTIFIER_TRUSTED_PROXIES": "127.0.0.1",
    }
    with kept(tmp_path_factory.mktemp("proxied") / "state") as state:
        with servers.running(state) as found:
            processes = ("web", "stream", "fanout_high")
            with whole_service.running(state, found, *processes, settings=settings) as on:
                yield on


def nginx(folder: Path, sample: str) -> tuple[list[str], list[str]]:
    """Write the files of nginx; return the commands that check them and that run it."""
    program = shutil.which("nginx", path=debian.SYSTEM_PATH) or "nginx"
    (folder / "notifier.conf").write_text(sample)
    paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    main = folder / "nginx.conf"
    main.write_text(
        # Its workers write bodies to files of this test, which belong to its user.
        f"user {getpass.getuser()};\ndaemon off;\n"
        f"pid {folder}/nginx.pid;\nerror_log {folder}/nginx.log;\n"
        "events { worker_connections 512; }\n"
        "http {\naccess_log off;\n"
        + "".join(f"{one}_temp_path {folder}/{one};\n" for one in paths)
        + f"include {folder}/notifier.conf;\n}}\n"
    )
    command = [program, "-e", f"{folder}/nginx.log", "-c", str(main)]
    return [*command, "-t"], command


def haproxy(folder: Path, sample: str) -> tuple[list[str], list[str]]:
    """The same of HAProxy."""
    program = shutil.which("haproxy", path=debian.SYSTEM_PATH) or "haproxy"
    (folder / "haproxy.cfg").write_text(sample.replace("maxconn 50000", "maxconn 500"))
    command = [program, "-f", str(folder / "haproxy.cfg")]
    return [*command, "-c"], [*command, "-db"]


PROXIES: dict[str, tuple[str, debian.Package, Callable[..., tuple[list[str], list[str]]]]] = {
    "nginx": ("nginx.conf", debian.NGINX, nginx),
    "haproxy": ("haproxy.cfg", debian.HAPROXY, haproxy),
}


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request, service: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    file, package, write = PROXIES[request.param]
    need(package)
    folder = tmp_path_factory.mktemp(request.param)
    folder.chmod(0o755)
    pem = certificates.joined(folder, HOST)
    tls, plain = ports.free(), ports.free()
    there = {
        "127.0.0.1:8000": urlsplit(service.api_url).netloc,
        "127.0.0.1:8001": urlsplit(service.stream_url).netloc,
        "listen 443": f"listen {tls}",
        "bind :443": f"bind :{tls}",
        "listen 80": f"listen {plain}",
        "bind :80": f"bind :{plain}",
        f"/etc/ssl/{HOST}.pem": str(pem),
        f"/etc/ssl/private/{HOST}.key": str(pem),
        f"/etc/haproxy/{HOST}.pem": str(pem),
        f"timeout http-request {SLOW}": "timeout http-request 1s",
        f"client_body_timeout {SLOW}": "client_body_timeout 1s",
        "/var/log/nginx": str(folder),
        "log /dev/log local0": "log stdout format raw local0",
    }
    sample = (DEPLOY / file).read_text()
    for name, value in there.items():
        sample = sample.replace(name, value)
    checks, runs = write(folder, sample)
    log = folder / "output.log"  # which HAProxy logs to here
    stop = ((signal.SIGTERM, 5.0),)
    with Process(request.param, runs, env=os.environ, output=log, stop=stop) as running:
        running.wait_until(lambda: ports.listens(tls), 20)
        found = Proxy(request.param, checks, tls, plain, folder)
        # HAProxy has asked the API whether it is ready.
        running.wait_until(lambda: found.ask("/v1/openapi.json").status == 200, 30)
        yield found


@pytest.fixture(scope="module")
def key(service: Stage) -> str:
    return manage.create_publisher(service.env, "proxied", "--or-another-key")


@pytest.fixture(scope="module")
def directory(service: Stage) -> str:
    return manage.create_publisher(service.env, "people", "--directory", "--or-another-key")


def test_the_program_itself_finds_nothing_wrong(proxy):
    done = subprocess.run(proxy.checks, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[WARNING]" not in done.stderr and "[warn]" not in done.stderr


@pytest.mark.parametrize("path", ["/v1/openapi.json", "/problems", "/problems/not-found"])
def test_what_people_and_publishers_need_is_passed_on(proxy, path):
    assert proxy.ask(path).status == 200


def test_the_root_leads_to_the_docs_and_plain_http_to_https(proxy):
    assert proxy.ask("/").getheader("Location") == "/v1/docs"
    connection = http.client.HTTPConnection(ports.HOST, proxy.plain, timeout=PATIENCE)
    connection.request("GET", "/v1/docs", headers={"Host": HOST})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (301, f"https://{HOST}/v1/docs")


@pytest.mark.parametrize("name", ["metrics", "healthz", "readyz"])
@pytest.mark.parametrize(
    "spelled",
    [
        *("/{}", "/{}?a=1", "//{}", "/./{}", "/v1/../{}", "/v1/%2e%2e/{}", "/static/../{}"),
        *("/static/..%2f{}", "/problems/../{}", "/v1/..;/{}", "/%5c{}", "/v1\\..\\{}"),
    ],
)
def test_pages_of_operators_are_not_passed_on_however_they_are_spelled(proxy, name, spelled):
    answer = proxy.ask(spelled.format(name))
    assert answer.status in (400, 404), spelled
    encoded = spelled.format(f"%{ord(name[0]):x}{name[1:]}")
    assert proxy.ask(encoded).status in (400, 404), encoded


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "//admin/", "/v1/../admin/"])
def test_the_admin_is_for_the_networks_of_operators_alone(proxy, path):
    assert proxy.ask(path).status in (400, 403, 404)
    assert proxy.ask(path, **{"X-Forwarded-For": "10.0.0.7"}).status in (400, 403, 404)


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/admin/login/", "/problems/admin/login/"])
def test_no_header_says_that_a_path_begins_with_the_name_of_a_script(proxy, path):
    script = "/" + path.split("/")[1]
    for name in ("SCRIPT_NAME", "Script-Name", "PATH_INFO"):
        assert proxy.ask(path, **{name: script}).status in (400, 404), name


def test_its_log_has_no_query_strings_and_nobody_that_a_path_names(proxy):
    # The admin is refused here, and plain HTTP redirected: both are logged, and what is refused
    # nginx quotes in its log of errors, unless it is kept from that.
    named = "marked.person"
    paths = (
        *(f"/v1/recipients/{named}?a={named}", f"/v1/recipients/{named}/contacts"),
        *(f"/v1/unsubscribe/{named}", f"/v1/preferences/{named}?a={named}"),
        *(f"/admin/preferences/recipient/?q={named}", f"/admin/{named}", f"/{named}?{named}"),
        *(f"/v1/topics?{named}", f"/v1/{named}@example.com", f"/v1/groups/{named}/members"),
    )
    for path in paths:
        proxy.ask(path, **{"X-Request-ID": "an-id-of-ours", "Referer": f"https://a/?{named}"})
        plain = http.client.HTTPConnection(ports.HOST, proxy.plain, timeout=PATIENCE)
        plain.request("GET", path, headers={"Host": HOST})
        assert plain.getresponse().status == 301
    proxy.ask("/problems/last-of-them", **{"X-Request-ID": "the-last-of-ours"})

    def logged() -> str:
        return "".join(path.read_text() for path in proxy.logs.glob("*.log"))

    until(lambda: "the-last-of-ours" in logged())
    lines = logged().splitlines()
    assert not [line for line in lines if named in line]
    for page in ("/v1/recipients", "/v1/unsubscribe", "/v1/groups", "/admin", "/problems", "-"):
        assert [line for line in lines if f" GET {page} " in line], page
    assert [line for line in lines if "/v1/recipients" in line and "an-id-of-ours" in line]


def test_a_notification_is_posted_through_it(proxy, key, directory):
    api = {"Authorization": f"Bearer {directory}", "Content-Type": "application/json"}
    assert proxy.ask("/v1/recipients/ada", "PUT", b"{}", **api).status in (200, 201)
    posted = proxy.ask(
        "/v1/notifications",
        "POST",
        json.dumps({"user_id": "ada", "channels": ["inbox"], "content": {"body": "Hi"}}).encode(),
        **{"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    assert posted.status == 202, posted.read()


def test_an_event_of_the_stream_comes_at_once(proxy, service, key, directory):
    api = {"Authorization": f"Bearer {directory}", "Content-Type": "application/json"}
    assert proxy.ask("/v1/recipients/eve", "PUT", b"{}", **api).status in (200, 201)
    token = subprocess.run(
        [sys.executable, "manage.py", "inbox_token", "eve"],
        cwd=ROOT,
        env=service.env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    connection = proxy.connect()
    headers = {"Host": HOST, "Authorization": f"Bearer {token}"}
    connection.request("GET", "/v1/inbox/stream", headers=headers)
    stream = connection.getresponse()
    assert stream.status == 200
    events = iter(lambda: stream.readline().decode().strip(), "never")
    assert next(line for line in events if line.startswith("event")) == "event: ready"
    begun = time.monotonic()
    posted = proxy.ask(
        "/v1/notifications",
        "POST",
        json.dumps(
            {
                "user_id": "eve",
                "priority": "high",
                "channels": ["inbox"],
                "content": {"body": "Now"},
            }
        ).encode(),
        **{"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    assert posted.status == 202
    assert next(line for line in events if line.startswith("event: item"))
    # A proxy that collects what it passes on would wait for its buffer, or for the next heartbeat.
    assert time.monotonic() - begun < 20
    connection.close()


def test_a_body_that_stops_in_the_middle_is_given_up(proxy, key):
    """The API hears nothing of it: the proxy waits for the body, and for no longer than it says."""
    with contextlib.closing(proxy.connect()) as connection:
        connection.connect()
        wire = connection.sock
        wire.sendall(
            f"POST /v1/notifications HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{".encode()
        )
        begun = time.monotonic()
        wire.settimeout(15)
        answer = wire.recv(1000)
        assert answer == b"" or b" 408 " in answer.splitlines()[0], answer
        assert time.monotonic() - begun < 15


def test_a_body_that_no_page_takes_is_refused_before_it_is_read(proxy, key):
    with contextlib.closing(proxy.connect()) as connection:
        connection.connect()
        connection.sock.sendall(
            f"POST /v1/recipients/bulk HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: 20000000\r\n\r\n".encode()
            + b" " * 20_000  # what HAProxy waits for, and no more than goes at once
        )
        connection.sock.settimeout(15)
        assert b" 413 " in connection.sock.recv(1000).splitlines()[0]


def test_a_large_body_is_passed_on_whole(proxy, directory):
    people = [{"user_id": f"p{number}", "locale": "de-AT"} for number in range(1000)]
    body = json.dumps({"recipients": people}).encode() + b" " * 2_000_000
    answer = proxy.ask(
        "/v1/recipients/bulk",
        "POST",
        body,
        **{"Authorization": f"Bearer {directory}", "Content-Type": "application/json"},
    )
    assert answer.status == 200, answer.read()
